package engine_test

import (
	"bytes"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkComparators compares orders of keys: the bytewise one in C, the reversed one in C, and the bytewise one
// in Go.
func BenchmarkComparators(b *testing.B) {
	b.Run("get", benchComparatorGets)
	b.Run("scan", benchComparatorScans)
	b.Run("put", benchComparatorPuts)
}

const comparatorRows = 20_000

// comparatorWays makes a database of each order, fills it if it should be, and runs work on it.
func comparatorWays(b *testing.B, filled bool, work func(db *engine.DB)) (ways []way) {
	for _, c := range []struct {
		name string
		o    engine.FamilyOptions
	}{
		{"bytewise, in C", engine.FamilyOptions{}},
		{"reversed, in C", engine.FamilyOptions{Comparator: engine.ReverseBytewise}},
		{"bytewise, in Go", engine.FamilyOptions{GoComparator: &engine.GoComparator{Name: "bench.bytewise", Compare: bytes.Compare}}},
	} {
		db, err := engine.Open(b.TempDir()+"/db", &engine.Options{FamilyOptions: c.o})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		if filled {
			putBenchKeys(b, db)
			if err := db.Flush(); err != nil {
				b.Fatal(err)
			}
		}
		ways = append(ways, way{c.name, "", func() { work(db) }})
	}
	return ways
}

func putBenchKeys(b *testing.B, db *engine.DB) {
	for _, key := range benchKeys(comparatorRows) {
		if err := db.Put(key, key, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchComparatorGets(b *testing.B) {
	keys := benchKeys(comparatorRows)
	contest{
		title: "lookups of 20,000 keys in one table, cached", units: len(keys), unit: "lookup",
		ways: comparatorWays(b, true, func(db *engine.DB) {
			for _, key := range keys {
				if _, err := db.Get(key, nil); err != nil {
					b.Fatal(err)
				}
			}
		}),
	}.run(b)
}

func benchComparatorScans(b *testing.B) {
	contest{
		title: "a scan of 20,000 rows in one table, without bounds", units: comparatorRows, unit: "row",
		ways: comparatorWays(b, true, func(db *engine.DB) {
			n := 0
			rows, done := engine.Scan(db, nil)
			for range rows {
				n++
			}
			if err := done(); err != nil || n != comparatorRows {
				b.Fatal(n, err)
			}
		}),
	}.run(b)
}

func benchComparatorPuts(b *testing.B) {
	contest{
		title: "20,000 keys put one by one, the same in each round", units: comparatorRows, unit: "put",
		ways: comparatorWays(b, false, func(db *engine.DB) { putBenchKeys(b, db) }),
	}.run(b)
}
