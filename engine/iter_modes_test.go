package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// mustDo ends the test over any error.
func mustDo(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// coldRows is a database of n rows in several files, opened anew so that nothing is cached.
func coldRows(t *testing.T, n int, o *engine.Options) *engine.DB {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	with := engine.Options{}
	if o != nil {
		with = *o
	}
	with.FamilyOptions.Extra = "disable_auto_compactions=true" // which would put files that are cached away
	o = &with
	db := openDir(t, dir, o)
	for part := range 4 {
		b := db.NewBatch()
		for i := part; i < n; i += 4 { // every file spans the whole range
			mustDo(t, b.Put(rowKey(i), fmt.Appendf(nil, "value %d", i)))
		}
		mustDo(t, db.Write(b, nil), db.Flush())
	}
	mustDo(t, db.Close())
	db = openDir(t, dir, o)
	t.Cleanup(func() { mustDo(t, db.Close()) })
	return db
}

func rowKey(i int) []byte { return fmt.Appendf(nil, "%07d", i) }

// walkAll reads all rows one way, checks that they are the rows of the database without a hole, and tells
// how many there were and how it ended.
func walkAll(t *testing.T, db *engine.DB, o *engine.IterOptions, low, high int, back, chunks bool) (n int, err error) {
	t.Helper()
	it, err := db.NewIter(o)
	if err != nil {
		return 0, err
	}
	check := func(k, v []byte) {
		i := low + n
		if back {
			i = high - 1 - n
		}
		if string(k) != string(rowKey(i)) || string(v) != fmt.Sprintf("value %d", i) {
			t.Fatalf("row %d is %q: %q", n, k, v)
		}
		n++
	}
	var c iterator.Chunk
	fill, rows := it.NextChunk, it.All()
	if back {
		fill, rows = it.PrevChunk, it.Backward()
	}
	if chunks {
		for fill(&c) {
			for k, v := range c.All() {
				check(k, v)
			}
		}
	} else {
		for k, v := range rows {
			check(k, v)
		}
	}
	err = it.Close()
	if err == nil && n != high-low {
		t.Fatalf("%d rows without an error, there are %d", n, high-low)
	}
	return n, err
}

// eachWay walks in both directions, by rows and by chunks.
func eachWay(f func(what string, back, chunks bool)) {
	for _, back := range []bool{false, true} {
		for _, chunks := range []bool{false, true} {
			f(fmt.Sprintf("backward %v, chunks %v", back, chunks), back, chunks)
		}
	}
}

func TestScansWithAsyncIO(t *testing.T) {
	const n = 10_000
	eachWay(func(what string, back, chunks bool) {
		db := coldRows(t, n, nil)
		for _, c := range []struct{ low, high int }{{0, n}, {n / 3, n / 2}} {
			o := &engine.IterOptions{AsyncIO: true, ReadAhead: 256 << 10, LowerBound: rowKey(c.low), UpperBound: rowKey(c.high)}
			_, err := walkAll(t, db, o, c.low, c.high, back, chunks)
			if engine.Supports(engine.AsyncIO) {
				mustDo(t, err)
				continue
			}
			expectError(t, what, err, engine.ErrUnsupported, errors.ErrUnsupported)
			var e *engine.Error
			if !errors.As(err, &e) || e.Msg != "it needs RocksDB 7.10; linked is RocksDB "+engine.Version() {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Levels of many files are what adapts, and ranges begin and end within them.
func TestScansWithAdaptiveReadAhead(t *testing.T) {
	const n = 4000
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{
		Compression: engine.NoCompression, Extra: "target_file_size_base=10000;disable_auto_compactions=true",
	}}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	b := db.NewBatch()
	for i := range n {
		mustDo(t, b.Put(rowKey(i), fmt.Appendf(nil, "value %d", i)))
	}
	mustDo(t, db.Write(b, nil), db.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	if files := tablesOf(t, db, "default"); len(files) < 5 {
		t.Fatalf("%d files", len(files))
	}
	eachWay(func(what string, back, chunks bool) {
		mustDo(t, db.Close())
		db = openDir(t, dir, o) // nothing is cached
		for _, c := range []struct{ low, high int }{{0, n}, {n / 3, n / 2}} {
			o := &engine.IterOptions{AdaptiveReadAhead: true, LowerBound: rowKey(c.low), UpperBound: rowKey(c.high)}
			_, err := walkAll(t, db, o, c.low, c.high, back, chunks)
			if engine.Supports(engine.AdaptiveReadAhead) {
				mustDo(t, err)
				continue
			}
			expectError(t, what, err, engine.ErrUnsupported, errors.ErrUnsupported)
		}
	})
	_, err := db.NewIter(&engine.IterOptions{AdaptiveReadAhead: true, ReadAhead: 4096})
	expectError(t, "with ReadAhead", err, engine.ErrInvalidArgument)
	mustDo(t, db.Close())
}

func TestACacheOnlyScanEndsWithAnErrorWhereTheCacheDoes(t *testing.T) {
	const n, cached = 4000, 1000
	for name, o := range map[string]*engine.Options{
		"all files open": {}, "few files open": {Extra: "max_open_files=20;table_cache_numshardbits=0"},
		"no block cache": {BlockCacheSize: -1},
	} {
		eachWay(func(what string, back, chunks bool) {
			what = name + ", " + what
			db := coldRows(t, n, o)
			only := &engine.IterOptions{CacheOnly: true}
			rows, err := walkAll(t, db, only, 0, n, back, chunks)
			expectError(t, what+", cold", err, engine.ErrWouldBlock, engine.ErrIncomplete)
			if rows != 0 {
				t.Errorf("%s: %d rows out of a cold cache", what, rows)
			}
			part := &engine.IterOptions{UpperBound: rowKey(cached)}
			low, high := 0, cached
			if back {
				part = &engine.IterOptions{LowerBound: rowKey(n - cached)}
				low, high = n-cached, n
			}
			mustHave(t, db, part, high-low)
			rows, err = walkAll(t, db, only, 0, n, back, chunks)
			expectError(t, what+", partly cached", err, engine.ErrWouldBlock)
			if o.BlockCacheSize >= 0 && (rows < cached/2 || rows == n) {
				t.Errorf("%s: %d rows came out of the cache", what, rows)
			}
			mustHave(t, db, nil, n)
			rows, err = walkAll(t, db, only, 0, n, back, chunks)
			if o.BlockCacheSize >= 0 && (err != nil || rows != n) {
				t.Errorf("%s: all is cached: %d rows, %v", what, rows, err)
			}
		})
	}
}

// mustHave reads the rows of a range, forwards and backwards, into the cache.
func mustHave(t *testing.T, db *engine.DB, o *engine.IterOptions, n int) {
	t.Helper()
	it, err := db.NewIter(o)
	mustDo(t, err)
	for _, rows := range []map[string]bool{{}, {}} {
		for k := range it.All() {
			rows[string(k)] = true
		}
		if len(rows) != n {
			t.Fatalf("%d rows, want %d", len(rows), n)
		}
	}
	for range it.Backward() {
	}
	mustDo(t, it.Close())
}

func TestACacheOnlyScanSeesMergesMemtablesAndSnapshots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add, BloomBitsPerKey: 10}}
	db := openDir(t, dir, o)
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	mustDo(t, db.Merge([]byte("m"), one, nil), db.Flush(), db.Close())
	db = openDir(t, dir, o)
	defer func() { mustDo(t, db.Close()) }()
	snap, err := db.NewSnapshot()
	mustDo(t, err)
	defer snap.Close()
	mustDo(t, db.Merge([]byte("m"), one, nil), db.Put([]byte("new"), one, nil))
	only := &engine.ReadOptions{CacheOnly: true}
	for name, r := range map[string]lifecycleReader{"the newest state": db, "a snapshot": snap} {
		_, err := r.Get([]byte("m"), only) // an operand lies in a file that was not read
		expectError(t, name+": Get", err, engine.ErrWouldBlock)
		_, err = r.Has([]byte("m"), only)
		expectError(t, name+": Has", err, engine.ErrWouldBlock)
		expectError(t, name+": GetPinned", r.GetPinned([]byte("m"), only, func([]byte) error { return nil }), engine.ErrWouldBlock)
		it, err := r.NewIter(&engine.IterOptions{CacheOnly: true})
		if err == nil {
			it.First()
			err = it.Close()
		}
		expectError(t, name+": an iterator", err, engine.ErrWouldBlock)
	}
	if _, err := db.Get([]byte("absent"), only); err != engine.ErrNotFound && !errors.Is(err, engine.ErrWouldBlock) {
		t.Errorf("an absent key: %v", err)
	}
	for _, want := range []struct {
		r   lifecycleReader
		sum byte
	}{{db, 2}, {snap, 1}} {
		_, err := want.r.Get([]byte("m"), nil)
		mustDo(t, err)
		if v, err := want.r.Get([]byte("m"), only); err != nil || v[0] != want.sum {
			t.Errorf("once cached: %v, %v, want %d", v, err, want.sum)
		}
		rows, done := engine.Scan(want.r, &engine.IterOptions{CacheOnly: true})
		got := maps.Collect(func(yield func(string, byte) bool) {
			for k, v := range rows {
				if !yield(string(k), v[0]) {
					return
				}
			}
		})
		if err := done(); err != nil || got["m"] != want.sum || len(got) != int(want.sum) {
			t.Errorf("once cached: %v, %v, want %d", got, err, want.sum)
		}
	}
}

// justPast is a context whose deadline passes during a scan, while it says that it has not ended: so
// only what lies below Go can end the scan.
type justPast struct {
	context.Context
	at time.Time
}

func (c justPast) Deadline() (time.Time, bool) { return c.at, true }

var timeouts = []error{engine.ErrTimedOut, context.DeadlineExceeded, os.ErrDeadlineExceeded}

func TestScansAndCountsEndAtTheirDeadlineBelowGo(t *testing.T) {
	const n = 50_000
	for name, db := range map[string]*engine.DB{"cold": coldRows(t, n, nil), "in memory": filled(t, n)} {
		past := justPast{context.Background(), time.Now().Add(-time.Second)}
		eachWay(func(what string, back, chunks bool) {
			what = name + ", " + what
			rows, err := walkAll(t, db, &engine.IterOptions{Context: past}, 0, n, back, chunks)
			expectError(t, what, err, timeouts...)
			if rows != 0 {
				t.Errorf("%s: %d rows after the deadline", what, rows)
			}
			if name == "cold" {
				return
			}
			soon := justPast{context.Background(), time.Now().Add(time.Millisecond)}
			if _, err := walkAll(t, db, &engine.IterOptions{Context: soon}, 0, n, back, chunks); err != nil {
				expectError(t, what+", soon", err, timeouts...)
			}
			later := justPast{context.Background(), time.Now().Add(time.Hour)}
			_, err = walkAll(t, db, &engine.IterOptions{Context: later}, 0, n, back, chunks)
			mustDo(t, err)
		})
		rows, _, _, err := engine.Count(past, db, nil)
		expectError(t, name+": Count", err, timeouts...)
		rows2, _, _, err := engine.Count(nil, db, &engine.IterOptions{Context: past})
		expectError(t, name+": Count by the options", err, timeouts...)
		rows3, _, _, err := engine.Count(justPast{context.Background(), time.Now().Add(time.Hour)}, db, &engine.IterOptions{Context: past})
		expectError(t, name+": Count of an earlier deadline", err, timeouts...)
		if rows+rows2+rows3 != 0 {
			t.Errorf("%s: counted %d, %d and %d after the deadline", name, rows, rows2, rows3)
		}
		if rows, _, _, err := engine.Count(justPast{context.Background(), time.Now().Add(time.Hour)}, db, nil); rows != n || err != nil {
			t.Errorf("%s: %d rows, %v", name, rows, err)
		}
	}
}

// filled is a database of n rows in a memtable.
func filled(t *testing.T, n int) *engine.DB {
	t.Helper()
	db := openTemp(t, nil)
	b := db.NewBatch()
	for i := range n {
		mustDo(t, b.Put(rowKey(i), fmt.Appendf(nil, "value %d", i)))
	}
	mustDo(t, db.Write(b, nil))
	return db
}

// An iterator that a deadline ended repeats the error on every step, and never goes on as if the rows
// had ended.
func TestAnIteratorStaysTimedOut(t *testing.T) {
	db := filled(t, 1000)
	it, err := db.NewIter(&engine.IterOptions{Context: justPast{context.Background(), time.Now().Add(-time.Second)}})
	mustDo(t, err)
	for _, move := range []func() bool{it.First, it.Next, it.Prev, it.Last, it.Prev, func() bool { return it.SeekGE(rowKey(5)) }, it.Next} {
		if move() {
			t.Errorf("a row %q", it.Key())
		}
		expectError(t, "a move", it.Error(), timeouts...)
	}
	expectError(t, "Close", it.Close(), timeouts...)
}

// A seek that passes over deleted rows in files stops at the deadline, at the next block it reads.
func TestASeekOverDeletedRowsEndsAtItsDeadline(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}}
	db := openDir(t, dir, o)
	for range 2 {
		b := db.NewBatch()
		for i := range 50_000 {
			mustDo(t, b.Delete(rowKey(i)))
		}
		mustDo(t, db.Write(b, nil), db.Flush())
	}
	mustDo(t, db.Close())
	db = openDir(t, dir, o)
	defer func() { mustDo(t, db.Close()) }()
	it, err := db.NewIter(&engine.IterOptions{Context: justPast{context.Background(), time.Now().Add(50 * time.Microsecond)}})
	if err == nil {
		time.Sleep(time.Millisecond)
		if it.First() {
			t.Errorf("a row %q", it.Key())
		}
		err = it.Close()
	}
	expectError(t, "First over deleted rows", err, timeouts...)
	if rows, _, _, err := engine.Count(nil, db, nil); rows != 0 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestDeadlinesBeyondAllClocks(t *testing.T) {
	db := coldRows(t, 100, nil)
	for _, at := range []time.Time{
		time.Unix(1<<40, 0), time.Unix(1<<62, 0), time.UnixMicro(1<<63 - 1), time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<63-1, 0),
	} {
		ctx := justPast{context.Background(), at}
		if v, err := db.Get(rowKey(7), &engine.ReadOptions{Context: ctx, NoFillCache: true}); err != nil || string(v) != "value 7" {
			t.Errorf("Get until %v: %q, %v", at, v, err)
		}
		_, err := walkAll(t, db, &engine.IterOptions{Context: ctx, NoFillCache: true}, 0, 100, false, false)
		mustDo(t, err)
	}
	for _, at := range []time.Time{{}, time.Unix(-1<<62, 0), time.Unix(-18_000_000_000_000, 0), time.Unix(0, 0), time.UnixMicro(-5)} {
		ctx := justPast{context.Background(), at}
		_, err := db.Get(rowKey(7), &engine.ReadOptions{Context: ctx, NoFillCache: true})
		expectError(t, fmt.Sprint("Get until ", at), err, timeouts...)
		_, err = walkAll(t, db, &engine.IterOptions{Context: ctx, NoFillCache: true}, 0, 100, false, false)
		expectError(t, fmt.Sprint("a scan until ", at), err, timeouts...)
	}
}

// Whenever the deadline comes, a scan gives all the rows or an error after those it gave.
func TestAScanWithADeadlineIsWholeOrAnError(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	db := coldRows(t, 5000, &engine.Options{BlockCacheSize: -1})
	ends := map[bool]int{}
	for range 60 {
		ctx := justPast{context.Background(), time.Now().Add(time.Duration(r.IntN(6000)) * time.Microsecond)}
		_, err := walkAll(t, db, &engine.IterOptions{Context: ctx}, 0, 5000, r.IntN(2) == 0, r.IntN(2) == 0)
		if err != nil {
			expectError(t, "a scan", err, timeouts...)
		}
		ends[err == nil]++
	}
	t.Logf("%d whole, %d timed out", ends[true], ends[false])
}
