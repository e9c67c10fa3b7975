package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// BenchmarkNewIter compares an iterator made for a seek and a few rows, and closed, with the same of one
// that is used again, and with one call a step.
func BenchmarkNewIter(b *testing.B) {
	const rows, seeks = 200_000, 5_000
	db := benchDB(b, rows)
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([][]byte, seeks)
	for i := range keys {
		keys[i] = benchKey(nil, r.IntN(rows-100))
	}
	walk := func(it *iterator.Iterator, k []byte, n int) {
		ok := it.SeekGE(k)
		for range n - 1 {
			ok = ok && it.Next()
		}
		if !ok {
			b.Fatal(it.Error())
		}
	}
	open := func() *iterator.Iterator {
		it, err := db.NewIter(nil)
		if err != nil {
			b.Fatal(err)
		}
		return it
	}
	for _, read := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rows=%d", read), func(b *testing.B) {
			contest{title: fmt.Sprintf("Seek and read %d rows", read), units: seeks, unit: "seek", ways: []way{
				{"one call a step, copies", "", func() {
					for _, k := range keys {
						it := engine.StepIter(db)
						ok := it.Seek(cbridge.MoveGE, k)
						for range read - 1 {
							sink += len(it.Key()) + len(it.Value())
							ok = ok && it.Next()
						}
						if !ok {
							b.Fatal(it.Err())
						}
						it.Free()
					}
				}},
				{"NewIter", "", func() {
					for _, k := range keys {
						it := open()
						walk(it, k, read)
						it.Close()
					}
				}},
				{"an iterator used again", "", func() {
					it := open()
					defer it.Close()
					for _, k := range keys {
						walk(it, k, read)
					}
				}},
			}}.run(b)
		})
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			open().Close()
		}
	})
}
