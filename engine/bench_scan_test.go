package engine_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

const benchRows = 1_000_000

// benchKey is a 16-byte key, in the order of i.
func benchKey(dst []byte, i int) []byte {
	dst = append(dst, "row:0000"...)
	return binary.BigEndian.AppendUint64(dst, uint64(i))
}

// benchDB loads rows of 16-byte keys and 100-byte values, compacts them, and reads them into a block
// cache that holds them all.
func benchDB(b *testing.B, rows int) *engine.DB { return benchDBOf(b, rows, 0) }

// benchDBOf is benchDB with a size of blocks, 0: RocksDB's default.
func benchDBOf(b *testing.B, rows, block int) *engine.DB {
	b.Helper()
	db, err := engine.Open(b.TempDir()+"/db", &engine.Options{
		BlockCacheSize: 1 << 30,
		FamilyOptions:  engine.FamilyOptions{Compression: engine.NoCompression, BlockSize: block},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	value := make([]byte, 100)
	r := rand.NewChaCha8([32]byte{1})
	batch := db.NewBatch()
	var key []byte
	for i := range rows {
		r.Read(value)
		key = benchKey(key[:0], i)
		batch.Put(key, value)
		if batch.Size() > 1<<20 || i == rows-1 {
			if err := db.Write(batch, nil); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		b.Fatal(err)
	}
	return db
}

var sink int

// BenchmarkScan compares ways to scan a million rows of 16-byte keys and 100-byte values with the
// plain C loop: seek, then valid, key, value and next for each row.
func BenchmarkScan(b *testing.B) {
	db := benchDB(b, benchRows)
	must := func(rows int, err error) {
		if rows != benchRows || err != nil {
			b.Fatal(rows, err)
		}
	}
	prefix := []byte("row:")
	open := func() *iterator.Iterator {
		it, err := db.NewIter(nil)
		if err != nil {
			b.Fatal(err)
		}
		return it
	}
	contest{title: fmt.Sprintf("Full scan of %d rows, 16/100 bytes, in cache", benchRows), units: benchRows, unit: "row", ways: []way{
		{"C loop", "", func() {
			rows, _, _, err := engine.Count(nil, db, nil)
			must(int(rows), err)
		}},
		{"one call a step, no copies", "", func() {
			it := engine.StepIter(db)
			defer it.Free()
			rows := 0
			for ok := it.First(); ok; ok = it.Next() {
				k, v := it.Lengths()
				sink += k + v
				rows++
			}
			must(rows, it.Err())
		}},
		{"one call a step, copies", "", func() {
			it := engine.StepIter(db)
			defer it.Free()
			rows := 0
			for ok := it.First(); ok; ok = it.Next() {
				sink += len(it.Key()) + len(it.Value())
				rows++
			}
			must(rows, it.Err())
		}},
		{"NextChunk", "<= 1.15", func() {
			it := open()
			defer it.Close()
			var c iterator.Chunk
			rows := 0
			for it.NextChunk(&c) {
				for i := range c.Len() {
					sink += len(c.Key(i)) + len(c.Value(i))
				}
				rows += c.Len()
			}
			must(rows, it.Error())
		}},
		{"Next and HasPrefix", "<= 1.25", func() {
			it := open()
			defer it.Close()
			rows := 0
			for it.Next() {
				if it.HasPrefix(prefix) {
					rows++
				}
			}
			must(rows, it.Error())
		}},
		{"Next, Key and Value", "", func() {
			it := open()
			defer it.Close()
			rows := 0
			for it.Next() {
				sink += len(it.Key()) + len(it.Value())
				rows++
			}
			must(rows, it.Error())
		}},
		{"All", "", func() {
			it := open()
			defer it.Close()
			rows := 0
			for k, v := range it.All() {
				sink += len(k) + len(v)
				rows++
			}
			must(rows, it.Error())
		}},
	}}.run(b)
}

// BenchmarkSeek compares a seek that reads one row, or ten, with the same by one call a step.
func BenchmarkSeek(b *testing.B) {
	const rows, seeks = 200_000, 20_000
	db := benchDB(b, rows)
	for _, read := range []int{1, 10} {
		b.Run(fmt.Sprintf("rows=%d", read), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			keys := make([][]byte, seeks)
			for i := range keys {
				keys[i] = benchKey(nil, r.IntN(rows-read))
			}
			contest{title: fmt.Sprintf("Seek and read %d rows", read), units: seeks, unit: "seek", ways: []way{
				{"one call a step", "", func() {
					it := engine.StepIter(db)
					defer it.Free()
					for _, k := range keys {
						ok := it.Seek(cbridge.MoveGE, k)
						for range read - 1 {
							ok = ok && it.Next()
						}
						if !ok {
							b.Fatal(it.Err())
						}
					}
				}},
				{"SeekGE and Next", "", func() {
					it, err := db.NewIter(nil)
					if err != nil {
						b.Fatal(err)
					}
					defer it.Close()
					for _, k := range keys {
						ok := it.SeekGE(k)
						for range read - 1 {
							ok = ok && it.Next()
						}
						if !ok {
							b.Fatal(it.Error())
						}
					}
				}},
			}}.run(b)
		})
	}
}
