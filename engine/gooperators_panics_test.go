package engine_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var panicCount = flag.Int("panics", 10_000, "panics of the test of operators in Go that panic; a fifth with -short")

// Operators in Go that panic whenever they are called end nothing: the process lives, each call answers, Health names the
// operator, and the rows are there when the operators are sound again.
func TestPanickingOperatorsEndNothing(t *testing.T) {
	count := int64(*panicCount)
	if testing.Short() {
		count /= 5
	}
	before := engine.LiveHandles()
	var sick atomic.Bool
	var panics [3]atomic.Int64 // of merges, filters, prefixes
	fail := func(which int) {
		if sick.Load() {
			panics[which].Add(1)
			panic(fmt.Sprintf("out of order %d", which))
		}
	}
	m := goAdd(false)
	sound := m.Merge
	m.Merge = func(dst, key, base []byte, operands [][]byte) ([]byte, error) {
		fail(0)
		return sound(dst, key, base, operands)
	}
	filter := &engine.GoCompactionFilter{Name: "test.filter", New: func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
		return func(int, []byte, []byte) (engine.FilterVerdict, []byte) { fail(1); return engine.FilterKeep, nil }
	}}
	prefix := &engine.GoPrefixExtractor{Name: "test.prefix", Prefix: func(key []byte) int { fail(2); return min(2, len(key)) }}
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{
		FamilyOptions: engine.FamilyOptions{GoMerge: m},
		Families:      map[string]engine.FamilyOptions{"f": {GoFilter: filter, GoPrefix: prefix, Extra: "memtable_prefix_bloom_size_ratio=0.1"}},
	}
	db := openDir(t, dir, o)
	f := db.ColumnFamilies()[1]
	key := []byte("k")
	mustDo(t, db.Put(key, engine.EncodeInt64(1), nil), db.Merge(key, engine.EncodeInt64(2), nil))
	sick.Store(true)
	rows := 0
	for panics[0].Load()+panics[1].Load()+panics[2].Load() < count {
		for range count / 50 {
			_, err := db.Get(key, nil)
			expectError(t, "get", err, engine.ErrCorruption)
		}
		for range count / 20 {
			mustDo(t, f.Put(fmt.Appendf(nil, "%09d", rows), nil, &engine.WriteOptions{DisableWAL: true}))
			rows++
		}
		mustDo(t, f.Compact(t.Context(), nil, nil))
		if t.Failed() {
			return
		}
	}
	expectOperatorError(t, db.Health(), "out of order", true)
	for i := range panics {
		if panics[i].Load() == 0 {
			t.Errorf("operator %d did not panic", i)
		}
	}
	sick.Store(false)
	if n, _, _, err := engine.Count(t.Context(), f, nil); err != nil || n != int64(rows) {
		t.Errorf("%d rows, want %d; %v", n, rows, err)
	}
	expectRows(t, "mended", db, map[string]string{"k": string(engine.EncodeInt64(3))})
	mustDo(t, db.Close())
	expectNoHandles(t, before)
	t.Logf("%d panics in merges, %d in filters, %d in prefix extractors", panics[0].Load(), panics[1].Load(), panics[2].Load())
}
