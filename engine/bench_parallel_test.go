package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// BenchmarkScanParallel compares a scan in parts with one in one part, by the clock.
func BenchmarkScanParallel(b *testing.B) {
	db := benchDB(b, benchRows)
	scan := func(parts int) func() {
		return func() {
			var rows, bytes atomic.Int64
			err := engine.ScanParallel(nil, db, nil, parts, func(_ int, c *iterator.Chunk) error {
				n := 0
				for i := range c.Len() {
					n += len(c.Key(i)) + len(c.Value(i))
				}
				rows.Add(int64(c.Len()))
				bytes.Add(int64(n))
				return nil
			})
			if rows.Load() != benchRows || err != nil {
				b.Fatal(rows.Load(), err)
			}
		}
	}
	ways := []way{{"1 part", "", scan(1)}}
	for _, parts := range []int{2, 4, 16} {
		ways = append(ways, way{fmt.Sprintf("%d parts", parts), "", scan(parts)})
	}
	contest{title: fmt.Sprintf("Scan of %d rows in parts", benchRows), units: benchRows, unit: "row", clock: true, ways: ways}.run(b)
}
