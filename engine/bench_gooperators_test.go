package engine_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkGoOperators compares merge operators and a compaction filter in Go with those in C.
func BenchmarkGoOperators(b *testing.B) {
	b.Run("merge", benchGoMerge)
	b.Run("read", benchGoMergedReads)
	b.Run("filter", benchGoFilter)
}

// goAndNative are the options of databases whose operators do the same.
func goAndNative() map[string]engine.FamilyOptions {
	return map[string]engine.FamilyOptions{
		"Int64Add, in C":         {MergeOperator: engine.Int64Add},
		"the same in Go":         {GoMerge: goAdd(true)},
		"in Go, without Partial": {GoMerge: goAdd(false)},
		"PrefixDrop, in C":       {CompactionFilter: engine.PrefixDrop([]byte("none"))},
		"a filter in Go":         {GoFilter: keepEach()},
		"no filter":              {},
	}
}

func keepEach() *engine.GoCompactionFilter {
	return &engine.GoCompactionFilter{Name: "bench.keep", New: func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
		return func(_ int, key, _ []byte) (engine.FilterVerdict, []byte) {
			if string(key) == "none" {
				return engine.FilterRemove, nil
			}
			return engine.FilterKeep, nil
		}
	}}
}

// goWays makes a database for each of the options named, prepares it, and runs work on it.
func goWays(b *testing.B, prepare, work func(*engine.DB), names ...string) (ways []way) {
	for _, name := range names {
		db, err := engine.Open(b.TempDir()+"/db", &engine.Options{FamilyOptions: goAndNative()[name]})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		prepare(db)
		ways = append(ways, way{name, "", func() { work(db) }})
	}
	return ways
}

func benchKeys(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = benchKey(nil, i)
	}
	return keys
}

func benchGoMerge(b *testing.B) {
	const operands = 100
	keys, one := benchKeys(1000), engine.EncodeInt64(1)
	contest{
		title: "100 merges into each of 1,000 keys, flush, read", units: len(keys) * operands, unit: "operand",
		ways: goWays(b, func(*engine.DB) {}, func(db *engine.DB) { mergeRound(b, db, keys, operands, one) },
			"Int64Add, in C", "the same in Go", "in Go, without Partial"),
	}.run(b)
}

// benchGoMergedReads reads what no flush has merged yet: each lookup merges.
func benchGoMergedReads(b *testing.B) {
	keys, one := benchKeys(10_000), engine.EncodeInt64(1)
	prepare := func(db *engine.DB) {
		for _, k := range keys {
			if err := db.Put(k, one, nil); err != nil {
				b.Fatal(err)
			}
			if err := db.Merge(k, one, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	gets := func(db *engine.DB) {
		for _, k := range keys {
			if _, err := db.Get(k, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	scan := func(db *engine.DB) {
		rows, done := engine.Scan(db, nil)
		for range rows {
		}
		if err := done(); err != nil {
			b.Fatal(err)
		}
	}
	for title, work := range map[string]func(*engine.DB){"Get of a value and an operand": gets, "scan of values and operands": scan} {
		b.Run(title, func(b *testing.B) {
			contest{title: title, units: len(keys), unit: "key", clock: true, ways: goWays(b, prepare, work, "Int64Add, in C", "the same in Go")}.run(b)
		})
	}
}

func benchGoFilter(b *testing.B) {
	keys := benchKeys(50_000)
	fill := func(db *engine.DB) {
		batch := db.NewBatch()
		for _, k := range keys {
			batch.Put(k, k)
		}
		if err := db.Write(batch, nil); err != nil {
			b.Fatal(err)
		}
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	compact := func(db *engine.DB) {
		fill(db)
		if err := db.Compact(nil, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	contest{
		title: "50,000 rows written, flushed and compacted", units: len(keys), unit: "row",
		ways: goWays(b, fill, compact, "no filter", "PrefixDrop, in C", "a filter in Go"),
	}.run(b)
}
