package engine_test

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// How many rows are loaded.
const (
	loadBenchSorted   = 500_000
	loadBenchUnsorted = 200_000
)

// loadBenchInput yields n rows of 16-byte keys and 100-byte values: half of each value is random.
func loadBenchInput(n uint64, sorted bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		var key [16]byte
		value := bytes.Repeat([]byte("."), 100)
		const odd = 0x9e3779b97f4a7c15 // a permutation: every key comes once
		for i := range n {
			if !sorted {
				i *= odd
			}
			binary.BigEndian.PutUint64(key[:], i)
			for at := 0; at < 48; at += 8 {
				binary.LittleEndian.PutUint64(value[at:], r.Uint64())
			}
			if !yield(key[:], value) {
				return
			}
		}
	}
}

// loadBenchRun loads the rows into a new database in one way, has all of it compacted into its last
// level, and looks whether all rows are there.
func loadBenchRun(b *testing.B, sorted, compact bool, load func(db *engine.DB, rows iter.Seq2[[]byte, []byte]) error) func() {
	dir := b.TempDir()
	n := uint64(loadBenchUnsorted)
	if sorted {
		n = loadBenchSorted
	}
	return func() {
		path := filepath.Join(dir, "db")
		must(os.RemoveAll(path))
		db, err := engine.Open(path, nil)
		must(err)
		must(load(db, loadBenchInput(n, sorted)))
		if compact {
			must(db.Compact(nil, nil, nil))
		}
		if ok, err := db.Has(make([]byte, 16), nil); !ok || err != nil {
			panic("the first row is lacking")
		}
		must(db.Close())
	}
}

// byBatches writes batches of 1,000 rows, and flushes at the end.
func byBatches(o *engine.WriteOptions) func(db *engine.DB, rows iter.Seq2[[]byte, []byte]) error {
	return func(db *engine.DB, rows iter.Seq2[[]byte, []byte]) error {
		batch := db.NewBatch()
		for k, v := range rows {
			if err := batch.Put(k, v); err != nil {
				return err
			}
			if batch.Count() == 1000 {
				if err := db.Write(batch, o); err != nil {
					return err
				}
				batch.Reset()
			}
		}
		if err := db.Write(batch, o); err != nil {
			return err
		}
		return db.Flush()
	}
}

func byBulkLoad(o *engine.BulkLoadOptions) func(db *engine.DB, rows iter.Seq2[[]byte, []byte]) error {
	return func(db *engine.DB, rows iter.Seq2[[]byte, []byte]) error {
		cf, err := db.ColumnFamily("default")
		if err != nil {
			return err
		}
		_, err = engine.BulkLoad(nil, cf, rows, o)
		return err
	}
}

var noWAL = &engine.WriteOptions{DisableWAL: true}

// BenchmarkLoadSorted compares a bulk load of sorted rows with batches, from the first row until all of
// them are in table files. Those that are compacted are in the last level too, where a bulk load puts them
// at once.
func BenchmarkLoadSorted(b *testing.B) {
	for _, clock := range []bool{false, true} {
		b.Run(map[bool]string{false: "cpu", true: "clock"}[clock], func(b *testing.B) {
			contest{
				title: "500,000 sorted rows of 16 and 100 bytes, until they are in table files", units: loadBenchSorted, unit: "row", clock: clock,
				ways: []way{
					{"bulk load", "", loadBenchRun(b, true, false, byBulkLoad(&engine.BulkLoadOptions{Sorted: true}))},
					{"batches", ">= 3", loadBenchRun(b, true, false, byBatches(nil))},
					{"batches, compacted", "", loadBenchRun(b, true, true, byBatches(nil))},
					{"batches, no WAL", "", loadBenchRun(b, true, false, byBatches(noWAL))},
					{"batches, no WAL, compacted", "", loadBenchRun(b, true, true, byBatches(noWAL))},
				},
			}.run(b)
		})
	}
}

// BenchmarkLoadUnsorted is the same for rows in no order, which a bulk load sorts in memory, or in 16 MiB
// of it and in files. A load that may be resumed syncs its files.
func BenchmarkLoadUnsorted(b *testing.B) {
	for _, clock := range []bool{false, true} {
		b.Run(map[bool]string{false: "cpu", true: "clock"}[clock], func(b *testing.B) {
			contest{
				title: "200,000 rows of 16 and 100 bytes in no order, until they are in table files", units: loadBenchUnsorted, unit: "row", clock: clock,
				ways: []way{
					{"bulk load", "", loadBenchRun(b, false, false, byBulkLoad(nil))},
					{"bulk load, 16 MiB", "", loadBenchRun(b, false, false, byBulkLoad(&engine.BulkLoadOptions{Memory: 16 << 20}))},
					{"bulk load, 16 MiB, kept", "", loadBenchRun(b, false, false, byBulkLoad(&engine.BulkLoadOptions{Memory: 16 << 20, Resume: true}))},
					{"batches", "", loadBenchRun(b, false, false, byBatches(nil))},
					{"batches, compacted", "", loadBenchRun(b, false, true, byBatches(nil))},
					{"batches, no WAL, compacted", "", loadBenchRun(b, false, true, byBatches(noWAL))},
				},
			}.run(b)
		})
	}
}
