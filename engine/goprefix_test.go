package engine_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// beforeColon has the part of a key up to a colon for its prefix; calls counts.
func beforeColon(name string, calls *atomic.Int64) *engine.GoPrefixExtractor {
	return &engine.GoPrefixExtractor{Name: name, Prefix: func(key []byte) int {
		calls.Add(1)
		return bytes.IndexByte(key, ':')
	}}
}

// Every row is found with filters of prefixes alone, whatever extractor the database is opened with, by
// lookups, scans and prefixes.
func TestNoRowIsMissedWithAPrefixExtractorInGo(t *testing.T) {
	before := engine.LiveHandles()
	var calls, others atomic.Int64
	first := func(key []byte) int { others.Add(1); return min(1, len(key)) }
	options := func(p *engine.GoPrefixExtractor) *engine.Options {
		return &engine.Options{FamilyOptions: engine.FamilyOptions{
			GoPrefix: p, BloomBitsPerKey: 10,
			Extra: "memtable_prefix_bloom_size_ratio=0.1;block_based_table_factory={whole_key_filtering=false}",
		}}
	}
	dir := filepath.Join(t.TempDir(), "db")
	want := map[string]string{}
	for round, p := range []*engine.GoPrefixExtractor{
		beforeColon("test.colon", &calls), {Name: "test.first", Prefix: first}, nil, beforeColon("test.colon", &calls),
	} {
		db := openDir(t, dir, options(p))
		if p != nil {
			expectWritten(t, dir, "default", map[string]string{"prefix_extractor": p.Name})
		}
		for i := range 300 {
			k := fmt.Sprintf("%d:%d", i%7, i*4+round)
			if i%10 == 0 {
				k = fmt.Sprint("none", i*4+round)
			}
			want[k] = fmt.Sprint(round)
			mustDo(t, db.Put([]byte(k), []byte(want[k]), nil))
			if i == 150 {
				mustDo(t, db.Flush())
			}
		}
		expectLookups(t, db, want)
		mustDo(t, db.Flush())
		expectLookups(t, db, want)
		expectRows(t, "scan", db, want)
		mustDo(t, db.Health(), db.Close())
	}
	if calls.Load() == 0 || others.Load() == 0 {
		t.Error("an extractor was never called")
	}
	expectNoHandles(t, before)
}

// expectLookups looks every key up, and as many that are not there.
func expectLookups(t *testing.T, db *engine.DB, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got, err := db.Get([]byte(k), nil); err != nil || string(got) != v {
			t.Fatalf("%s: %q, %v", k, got, err)
		}
		if _, err := db.Get([]byte(k+"?"), nil); err != engine.ErrNotFound {
			t.Fatalf("%s?: %v", k, err)
		}
	}
}

// A prefix that the filter has not is not looked for: the extractor does what it is for.
func TestPrefixesInGoAreInTheFilter(t *testing.T) {
	var calls atomic.Int64
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{
		GoPrefix: beforeColon("test.colon", &calls), BloomBitsPerKey: 20,
		Extra: "block_based_table_factory={whole_key_filtering=false}",
	}})
	for i := range 100 {
		mustDo(t, db.Put(fmt.Appendf(nil, "in:%d", i), nil, nil))
	}
	mustDo(t, db.Flush())
	if calls.Load() == 0 {
		t.Error("no prefix was asked for when the table was built")
	}
	n := calls.Load()
	_, err := db.Get([]byte("in:50x"), nil)
	expectError(t, "get", err, engine.ErrNotFound)
	if calls.Load() == n {
		t.Error("no prefix was asked for at a lookup")
	}
}

// A panic, and a prefix that is too long, count as no prefix; both are told, and no row is missed.
func TestAPanicInAPrefixExtractorMissesNoRow(t *testing.T) {
	before := engine.LiveHandles()
	for i, bad := range []func([]byte) int{
		func(key []byte) int { panic("no prefix") },
		func(key []byte) int { return len(key) + 1 },
	} {
		p := &engine.GoPrefixExtractor{Name: "test.bad", Prefix: func(key []byte) int {
			if key[0] == 'b' {
				return bad(key)
			}
			return 1
		}}
		db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{
			GoPrefix: p, BloomBitsPerKey: 10, Extra: "block_based_table_factory={whole_key_filtering=false}",
		}})
		want := map[string]string{"a1": "v", "b1": "v", "b2": "v", "c": "v"}
		for k, v := range want {
			mustDo(t, db.Put([]byte(k), []byte(v), nil))
		}
		mustDo(t, db.Flush())
		expectLookups(t, db, want)
		expectOperatorError(t, db.Health(), "prefix", i == 0)
		mustDo(t, db.Close())
	}
	expectNoHandles(t, before)
}
