package engine_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkMerge compares merge operators with RocksDB's own adding one: 100 operands for each of
// 1,000 keys, flushed, and each key read once.
func BenchmarkMerge(b *testing.B) {
	const keys, operands = 1000, 100
	names := make([][]byte, keys)
	for i := range names {
		names[i] = benchKey(nil, i)
	}
	merges := func(operator string, operand []byte) func() {
		db, err := engine.Open(b.TempDir()+"/db", &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: operator}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		return func() { mergeRound(b, db, names, operands, operand) }
	}
	one := engine.EncodeInt64(1)
	contest{title: "100 merges into each of 1,000 keys, flush, read", units: keys * operands, unit: "operand", ways: []way{
		{"Uint64Add, RocksDB's own", "", merges(engine.Uint64Add, one)},
		{"Int64Add", "", merges(engine.Int64Add, one)},
		{"AppendDelimited", "", merges(engine.AppendDelimited(","), one)},
		{"BoundedList of 10", "", merges(engine.BoundedList(10), engine.EncodeList(one))},
		{"SetUnion", "", merges(engine.SetUnion, engine.EncodeSet(one))},
	}}.run(b)
}

// mergeRound empties the keys, merges, flushes and reads.
func mergeRound(b *testing.B, db *engine.DB, keys [][]byte, operands int, operand []byte) {
	batch := db.NewBatch()
	for _, k := range keys {
		batch.Delete(k)
	}
	for range operands {
		for _, k := range keys {
			batch.Merge(k, operand)
		}
		if err := db.Write(batch, nil); err != nil {
			b.Fatal(err)
		}
		batch.Reset()
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	for _, k := range keys {
		if _, err := db.Get(k, nil); err != nil {
			b.Fatal(err)
		}
	}
}
