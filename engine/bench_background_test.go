package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// work keeps the processor at it for a time.
func work(d time.Duration) {
	for begun := time.Now(); time.Since(begun) < d; {
	}
}

// BenchmarkBackground compares scans with and without fills in the background, by how long the consumer
// works on each row: by the clock, since it is about using a second processor.
func BenchmarkBackground(b *testing.B) {
	db := benchDB(b, benchRows)
	for _, ns := range []int{0, 20, 50, 100, 200, 500} {
		b.Run(fmt.Sprintf("work=%dns", ns), func(b *testing.B) {
			scan := func(o *engine.IterOptions) func() {
				return func() {
					it, err := db.NewIter(o)
					if err != nil {
						b.Fatal(err)
					}
					defer it.Close()
					var c iterator.Chunk
					rows := 0
					for it.NextChunk(&c) {
						rows += c.Len()
						work(time.Duration(c.Len() * ns))
					}
					if rows != benchRows || it.Error() != nil {
						b.Fatal(rows, it.Error())
					}
				}
			}
			target := "<= 1.02"
			if ns == 100 {
				target = "<= 0.80"
			} else if ns > 0 {
				target = ""
			}
			contest{title: fmt.Sprintf("Full scan, %d ns of work on each row", ns), units: benchRows, unit: "row", clock: true, ways: []way{
				{"without", "", scan(&engine.IterOptions{NoBackground: true})},
				{"with", target, scan(nil)},
			}}.run(b)
		})
	}
}
