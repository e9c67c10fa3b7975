package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkMultiGet compares MultiGet with as many Gets, of keys in no order and of sorted ones, all
// in cache: does one call for many keys pay, and from how many on?
func BenchmarkMultiGet(b *testing.B) {
	const rows = 100_000
	db, err := engine.Open(b.TempDir()+"/db", &engine.Options{BlockCacheSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	batch := db.NewBatch()
	for i := range rows {
		if err := batch.Put(benchKey(nil, i), make([]byte, 100)); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Write(batch, nil); err != nil {
		b.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 10, 100, 1000} {
		for _, sorted := range []bool{false, true} {
			b.Run(fmt.Sprintf("keys=%d/sorted=%v", n, sorted), func(b *testing.B) {
				benchMultiGet(b, db, n, rows, sorted)
			})
		}
	}
}

func benchMultiGet(b *testing.B, db *engine.DB, n, rows int, sorted bool) {
	const reads = 20_000
	r := rand.New(rand.NewPCG(1, uint64(n)))
	what, calls := "keys in no order", make([][][]byte, reads/n)
	if sorted {
		what = "neighbours in order"
	}
	for call := range calls {
		from := r.IntN(rows - n)
		for i := range n {
			at := from + i
			if !sorted {
				at = r.IntN(rows)
			}
			calls[call] = append(calls[call], benchKey(nil, at))
		}
	}
	contest{title: fmt.Sprintf("%d %s, 100-byte values, in cache", n, what), units: reads, unit: "key", ways: []way{
		{"MultiGet", "", func() {
			for _, keys := range calls {
				values, err := db.MultiGet(keys, nil)
				if err != nil {
					b.Fatal(err)
				}
				for _, v := range values {
					if v.Err != nil || len(v.Data) != 100 {
						b.Fatal(v.Err)
					}
				}
			}
		}},
		{"Get", "", func() {
			for _, keys := range calls {
				for _, key := range keys {
					if v, err := db.Get(key, nil); err != nil || len(v) != 100 {
						b.Fatal(err)
					}
				}
			}
		}},
	}}.run(b)
}
