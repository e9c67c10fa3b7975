package engine_test

import (
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkBatch compares building a batch in Go with one cgo call for each Put into a WriteBatch of
// RocksDB's, which is what other wrappers do.
func BenchmarkBatch(b *testing.B) {
	const records = 2_000_000 // enough that one run takes tens of milliseconds
	value := make([]byte, 100)
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i] = benchKey(nil, i)
	}
	batch := new(engine.Batch)
	c := cbridge.NewCBatch()
	b.Cleanup(c.Free)
	contest{title: "Building batches of 1,000 records, 16/100 bytes", units: records, unit: "record", ways: []way{
		{"Batch.Put in Go", "", func() {
			for range records / len(keys) {
				batch.Reset()
				for _, k := range keys {
					if err := batch.Put(k, value); err != nil {
						b.Fatal(err)
					}
				}
			}
		}},
		{"one cgo call for each Put", ">= 6", func() {
			for range records / len(keys) {
				c.Clear()
				for _, k := range keys {
					c.Put(k, value)
				}
			}
		}},
	}}.run(b)
}

// BenchmarkCommit measures whole writes: batches built and committed, and single Puts.
func BenchmarkCommit(b *testing.B) {
	const records = 100_000
	db, err := engine.Open(b.TempDir()+"/db", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	value := make([]byte, 100)
	keys := make([][]byte, records)
	for i := range keys {
		keys[i] = benchKey(nil, i)
	}
	batch := db.NewBatch()
	contest{title: "Committing records of 16/100 bytes, not synced", units: records, unit: "record", ways: []way{
		{"batches of 1,000", "", func() {
			for i, k := range keys {
				batch.Put(k, value)
				if i%1000 == 999 {
					if err := db.Write(batch, nil); err != nil {
						b.Fatal(err)
					}
					batch.Reset()
				}
			}
		}},
		{"one Put a record", "", func() {
			for _, k := range keys {
				if err := db.Put(k, value, nil); err != nil {
					b.Fatal(err)
				}
			}
		}},
	}}.run(b)
}

// BenchmarkGather compares commits that go into C when nobody is there with those that let others join.
func BenchmarkGather(b *testing.B) {
	const records, writers = 100_000, 64
	db, err := engine.Open(b.TempDir()+"/db", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	value := make([]byte, 100)
	put := func(goroutines int, o *engine.WriteOptions) func() {
		return func() {
			var wg sync.WaitGroup
			for w := range goroutines {
				wg.Go(func() {
					key := benchKey(nil, w)
					for range records / goroutines {
						if err := db.Put(key, value, o); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		}
	}
	gather := &engine.WriteOptions{Gather: true}
	for name, n := range map[string]int{"one goroutine": 1, "64 goroutines": writers} {
		b.Run(name, func(b *testing.B) {
			contest{title: "Putting rows of 16/100 bytes by " + name + ", not synced", units: records, unit: "record", ways: []way{
				{"Gather", "", put(n, gather)},
				{"as each comes", "", put(n, nil)},
			}}.run(b)
		})
	}
}
