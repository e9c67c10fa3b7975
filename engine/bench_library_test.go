package engine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/linked"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// nameTheLibrary says, above the figures of benchmarks, which RocksDB they are of: a line as the ones that go test
// itself prints there, which benchstat takes as a property of the run.
func nameTheLibrary() {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		fmt.Printf("rocksdb: %s, %s\n", engine.Version(), linked.Here())
	}
}

// BenchmarkLibrary is work that RocksDB itself does most of, in CPU time: scripts/compare runs it in one program after
// the other, each linked with another library.
func BenchmarkLibrary(b *testing.B) {
	const rows = 500_000
	for _, block := range []int{4, 16, 64} {
		b.Run(fmt.Sprintf("scan in C, blocks of %d KiB", block), func(b *testing.B) {
			db := benchDBOf(b, rows, block<<10)
			perUnit(b, rows, func() error {
				_, _, _, err := engine.Count(nil, db, nil)
				return err
			})
		})
	}
	b.Run("load and compaction", func(b *testing.B) {
		db := benchDB(b, 1)
		value := make([]byte, 100)
		perUnit(b, rows, func() error {
			if err := libraryLoad(db, rows, value); err != nil {
				return err
			}
			return db.Compact(nil, nil, nil)
		})
	})
	db := benchDB(b, rows)
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([][]byte, rows/5)
	for i := range keys {
		keys[i] = benchKey(nil, r.IntN(rows))
	}
	b.Run("Get", func(b *testing.B) {
		perUnit(b, len(keys), func() error { return libraryGets(db, keys) })
	})
	b.Run("MultiGet of 100", func(b *testing.B) {
		perUnit(b, len(keys), func() error { return libraryMultiGets(db, keys) })
	})
	b.Run("commit of one row", func(b *testing.B) {
		perUnit(b, len(keys), func() error {
			for _, k := range keys {
				if err := db.Put(k, k, nil); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// perUnit reports the CPU time of a unit, of which work does so many.
func perUnit(b *testing.B, units int, work func() error) {
	b.Helper()
	if err := work(); err != nil { // warm up
		b.Fatal(err)
	}
	begin := cpuTime()
	for b.Loop() {
		if err := work(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime()-begin).Nanoseconds())/float64(units*b.N), "cpu-ns/unit")
}

func libraryLoad(db *engine.DB, rows int, value []byte) error {
	batch := db.NewBatch()
	var key []byte
	for i := range rows {
		key = benchKey(key[:0], i)
		if err := batch.Put(key, value); err != nil {
			return err
		}
		if batch.Size() > 1<<18 || i == rows-1 {
			if err := db.Write(batch, nil); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	return db.Flush()
}

func libraryGets(db *engine.DB, keys [][]byte) error {
	var value []byte
	for _, k := range keys {
		var err error
		if value, err = db.GetAppend(value[:0], k, nil); err != nil {
			return err
		}
	}
	return nil
}

func libraryMultiGets(db *engine.DB, keys [][]byte) error {
	for len(keys) >= 100 {
		values, err := db.MultiGet(keys[:100], nil)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.Err != nil {
				return v.Err
			}
		}
		keys = keys[100:]
	}
	return nil
}

func TestBenchmarksNameTheLibrary(t *testing.T) {
	out, err := runner.Command(t.Context(), os.Args[0], "-test.run", "^$", "-test.bench", "^$").CombinedOutput()
	if err != nil || !regexp.MustCompile(`(?m)^rocksdb: \d+\.\d+\.\d+, .*, assertions (on|off)$`).Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runner.Command(t.Context(), os.Args[0], "-test.run", "^$").CombinedOutput()
	if err != nil || strings.Contains(string(out), "rocksdb: ") {
		t.Errorf("without benchmarks: %v\n%s", err, out)
	}
}
