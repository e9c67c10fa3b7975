package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A family is opened with the comparator that it has, or not at all; nothing is written where it is not.
func TestAFamilyIsOpenedWithItsComparatorOnly(t *testing.T) {
	before := engine.LiveHandles()
	base := t.TempDir()
	inGo, reversed := filepath.Join(base, "go"), filepath.Join(base, "reversed")
	with := func(f engine.FamilyOptions) *engine.Options {
		return &engine.Options{Families: map[string]engine.FamilyOptions{"f": f}}
	}
	ours, other := engine.FamilyOptions{GoComparator: shortFirst()}, engine.FamilyOptions{GoComparator: &engine.GoComparator{Name: "test.other", Compare: byLength}}
	back, plain := engine.FamilyOptions{Comparator: engine.ReverseBytewise}, engine.FamilyOptions{}
	for dir, o := range map[string]engine.FamilyOptions{inGo: ours, reversed: back} {
		db := openDir(t, dir, with(o))
		f, err := db.ColumnFamily("f")
		mustDo(t, err, f.Put([]byte("bb"), nil, nil), f.Put([]byte("c"), nil, nil), f.Put([]byte("a"), nil, nil), db.Close())
	}
	expectWritten(t, inGo, "f", map[string]string{"comparator": "test.short-first"})
	expectWritten(t, reversed, "f", map[string]string{"comparator": engine.ReverseBytewise})
	for _, dir := range []string{inGo, reversed} {
		openFails(t, "another", dir, with(other), engine.ErrInvalidArgument)
	}
	openFails(t, "none", inGo, with(plain), engine.ErrUnsupported)
	openFails(t, "not listed", inGo, nil, engine.ErrUnsupported)
	openFails(t, "reversed", inGo, with(back), engine.ErrInvalidArgument)
	openFails(t, "in Go", reversed, with(ours), engine.ErrInvalidArgument)
	openFails(t, "default family", inGo, &engine.Options{FamilyOptions: back, Families: map[string]engine.FamilyOptions{"f": ours}}, engine.ErrInvalidArgument)
	for dir, o := range map[string]*engine.Options{inGo: with(ours), reversed: with(plain)} {
		expectKeys(t, dir, o, map[string]string{inGo: "a c bb", reversed: "c bb a"}[dir])
	}
	expectKeys(t, reversed, nil, "c bb a")
	expectKeys(t, reversed, &engine.Options{ReadOnly: true}, "c bb a")
	expectNoHandles(t, before)
}

// expectKeys opens a database and lists the keys of family f.
func expectKeys(t *testing.T, dir string, o *engine.Options, want string) {
	t.Helper()
	db := openDir(t, dir, o)
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	var keys []string
	rows, done := engine.Scan(f, nil)
	for k := range rows {
		keys = append(keys, string(k))
	}
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("keys %q, want %q", got, want)
	}
	mustDo(t, done(), db.Close())
}

func TestBadComparatorsAreRefused(t *testing.T) {
	for what, f := range map[string]engine.FamilyOptions{
		"no name":     {GoComparator: &engine.GoComparator{Compare: byLength}},
		"no function": {GoComparator: &engine.GoComparator{Name: "test.none"}},
		"name":        {GoComparator: &engine.GoComparator{Name: "a b", Compare: byLength}},
		"RocksDB's":   {GoComparator: &engine.GoComparator{Name: engine.ReverseBytewise, Compare: byLength}},
		"LevelDB's":   {GoComparator: &engine.GoComparator{Name: "leveldb.BytewiseComparator", Compare: byLength}},
		"both":        {GoComparator: shortFirst(), Comparator: engine.ReverseBytewise},
		"unknown":     {Comparator: "leveldb.InternalKeyComparator"},
		"by name":     {Extra: "comparator=" + engine.ReverseBytewise},
		"unchecked":   {GoComparator: shortFirst(), Extra: "check_flush_compaction_key_order=false"},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		openFails(t, what, dir, &engine.Options{FamilyOptions: f}, engine.ErrInvalidArgument)
		db := openTemp(t, nil)
		_, err := db.CreateColumnFamily("f", &f)
		expectError(t, what, err, engine.ErrInvalidArgument)
	}
}

// What rests on the bytewise order is refused, by name, and changes nothing.
func TestWhatNeedsTheBytewiseOrderRefusesAnother(t *testing.T) {
	for _, o := range []engine.FamilyOptions{{GoComparator: shortFirst()}, {Comparator: engine.ReverseBytewise}} {
		db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": o}})
		f, err := db.ColumnFamily("f")
		x, err2 := db.NewIndexedBatch()
		mustDo(t, err, err2, f.Put([]byte("k"), []byte("v"), nil))
		records := db.NewBatch()
		mustDo(t, records.In(f).Put([]byte("z"), nil))
		s, err := db.NewSnapshot()
		mustDo(t, err)
		in := x.In(f)
		for what, call := range map[string]func() error{
			"prefix":   func() error { _, err := f.NewIter(&engine.IterOptions{Prefix: []byte("k")}); return err },
			"snapshot": func() error { _, err := s.In(f).NewIter(&engine.IterOptions{Prefix: []byte("k")}); return err },
			"prefix stats": func() error {
				stats, done := engine.PrefixStats(t.Context(), f, nil, engine.PrefixBytes(1))
				stats(nil)
				return done()
			},
			"loader":        func() error { _, err := f.NewLoader(t.Context(), nil); return err },
			"ingest":        func() error { return f.Ingest(t.Context(), []string{"none.sst"}, nil) },
			"export":        func() error { _, err := engine.Export(t.Context(), f, nil, io.Discard, nil); return err },
			"import":        func() error { _, err := f.Import(t.Context(), bytes.NewReader(nil), nil); return err },
			"delete files":  func() error { return f.DeleteFilesInRange(nil, nil) },
			"indexed put":   func() error { return in.Put([]byte("k"), nil) },
			"indexed merge": func() error { return in.Merge([]byte("k"), nil) },
			"indexed range": func() error { return in.DeleteRange([]byte("k"), []byte("k")) },
			"indexed get":   func() error { _, err := in.Get([]byte("k"), nil); return err },
			"indexed iter":  func() error { _, err := in.NewIter(nil); return err },
			"indexed many":  func() error { _, err := in.MultiGet([][]byte{[]byte("k")}, nil); return err },
			"append":        func() error { return x.Append(records) },
		} {
			expectError(t, what, call(), engine.ErrUnsupported)
		}
		rows, _, _, err := engine.Count(t.Context(), f, nil)
		if err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		mustDo(t, x.Close(), s.Close())
		openFails(t, "transactions", filepath.Join(t.TempDir(), "db"), &engine.Options{FamilyOptions: o, Transactions: engine.Optimistic}, engine.ErrUnsupported)
		tx := openTemp(t, &engine.Options{Transactions: engine.Pessimistic})
		_, err = tx.CreateColumnFamily("f", &o)
		expectError(t, "create", err, engine.ErrUnsupported)
	}
}

// fussy orders keys bytewise and panics over those that begin with !, or with ? while sick.
func fussy(sick *atomic.Bool) *engine.GoComparator {
	return &engine.GoComparator{Name: "test.fussy", Compare: func(a, b []byte) int {
		for _, k := range [][]byte{a, b} {
			if bytes.HasPrefix(k, []byte("!")) || sick.Load() && bytes.HasPrefix(k, []byte("?")) {
				panic(fmt.Sprintf("no place for %q", k[:1]))
			}
		}
		return bytes.Compare(a, b)
	}}
}

// A key that the comparator cannot take never gets to RocksDB, and a read that asks for one fails alone.
func TestAKeyThatTheComparatorCannotTakeIsRefused(t *testing.T) {
	before := engine.LiveHandles()
	var sick atomic.Bool
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{GoComparator: fussy(&sick), MergeOperator: engine.Int64Add}})
	want := map[string]string{"a": "1", "b": "2", "c": "3"}
	for k, v := range want {
		mustDo(t, db.Put([]byte(k), []byte(v), nil))
	}
	mustDo(t, db.Health())
	bad, good := []byte("!"), []byte("a")
	b := db.NewBatch()
	mustDo(t, b.Put(good, nil), b.Put(bad, nil))
	ranges := db.NewBatch()
	mustDo(t, ranges.DeleteRange(bad, []byte("z")))
	for what, err := range map[string]error{
		"put": db.Put(bad, nil, nil), "delete": db.Delete(bad, nil), "merge": db.Merge(bad, engine.EncodeInt64(1), nil),
		"range": db.DeleteRange(bad, []byte("z"), nil), "batch": db.Write(b, nil), "ranges": db.Write(ranges, nil),
	} {
		expectError(t, what, err, engine.ErrInvalidArgument)
	}
	expectOperatorError(t, db.Health(), "no place for", true)
	_, err := db.Get(bad, nil)
	expectError(t, "get", err, engine.ErrAborted)
	values, err := db.MultiGet([][]byte{good, bad}, nil)
	if err != nil || string(values[0].Data) != "1" || !errors.Is(values[1].Err, engine.ErrAborted) {
		t.Errorf("%v, %v", values, err)
	}
	for range 2 { // from the memtable, and from a file
		it, err := db.NewIter(nil)
		mustDo(t, err)
		for i, seek := range []func([]byte) bool{it.SeekGE, it.SeekLE, it.SeekLT} {
			if seek(bad) || !errors.Is(it.Error(), engine.ErrAborted) || !it.First() || string(it.Key()) != "a" {
				t.Errorf("seek %d: %q, %v", i, it.Key(), it.Error())
			}
		}
		mustDo(t, it.Close(), db.Flush())
	}
	expectRows(t, "after all that", db, want)
	mustDo(t, db.Put([]byte("d"), nil, nil), db.Flush(), db.Compact(t.Context(), nil, nil), db.Close())
	expectNoHandles(t, before)
}

// A comparator that fails on what is there fails what is done then, puts no row in the wrong place, and
// loses none: opened with a mended one, the database has all that was acknowledged.
func TestAComparatorThatFailsLosesAndMisplacesNothing(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		t.Run(fmt.Sprintf("flushed=%v", flushed), func(t *testing.T) { failComparator(t, flushed) })
	}
}

func failComparator(t *testing.T, flushed bool) {
	before := engine.LiveHandles()
	var sick atomic.Bool
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{GoComparator: fussy(&sick)}}
	db := openDir(t, dir, o)
	want := map[string]string{}
	put := func(prefix string) {
		for i := range 100 {
			k := fmt.Sprintf("%s%02d", prefix, i)
			if err := db.Put([]byte(k), []byte("v"), nil); err == nil {
				want[k] = "v"
			} else if !errors.Is(err, engine.ErrAborted) {
				t.Fatal(err)
			}
		}
	}
	put("?")
	if flushed {
		mustDo(t, db.Flush())
	}
	put(">")
	sick.Store(true)
	_, err := db.Get([]byte("?50"), nil)
	expectError(t, "get", err, engine.ErrAborted)
	put("=")
	put("@")
	if err := errors.Join(db.Flush(), db.Compact(context.Background(), nil, nil)); err == nil {
		t.Error("flush and compaction passed")
	}
	expectOperatorError(t, db.Health(), "no place for", true)
	expectError(t, "put", db.Put([]byte("z"), nil, nil), engine.ErrAborted)
	db.Close()
	expectNoHandles(t, before)
	if !flushed {
		db, err = engine.Open(dir, o)
		var e *engine.OperatorError
		if err == nil || !errors.As(err, &e) {
			t.Fatalf("it opened, or: %v", err)
		}
		expectNoHandles(t, before)
	}
	sick.Store(false)
	db = openDir(t, dir, o)
	got := map[string]bool{}
	last := ""
	rows, done := engine.Scan(db, nil)
	for k := range rows {
		if got[string(k)] = true; string(k) <= last {
			t.Errorf("%s after %s", k, last)
		}
		last = string(k)
	}
	mustDo(t, done(), db.Health())
	for k := range want {
		if v, err := db.Get([]byte(k), nil); !got[k] || err != nil || string(v) != "v" {
			t.Errorf("%s: %v, %q, %v", k, got[k], v, err)
		}
	}
	mustDo(t, db.Compact(t.Context(), nil, nil), db.Close())
	expectNoHandles(t, before)
}

// Two keys that are the same to a comparator would be one row under two names.
func TestAComparatorThatTakesTwoKeysForOneHasFailed(t *testing.T) {
	fold := &engine.GoComparator{Name: "test.fold", Compare: func(a, b []byte) int { return bytes.Compare(bytes.ToLower(a), bytes.ToLower(b)) }}
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{GoComparator: fold}})
	mustDo(t, db.Put([]byte("a"), nil, nil), db.Health())
	_, err := db.Get([]byte("A"), nil)
	expectError(t, "get", err, engine.ErrAborted)
	expectError(t, "put", db.Put([]byte("A"), nil, nil), engine.ErrAborted)
	expectOperatorError(t, db.Health(), "two different keys", false)
}
