package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var parallelSeed = flag.Uint64("parallelseed", 0, "seed of the random parallel scans")

// inParts are the rows of a scan in parts, by part.
type inParts struct {
	mu    sync.Mutex
	parts map[int][]string
	busy  map[int]bool
}

func newInParts() *inParts { return &inParts{parts: map[int][]string{}, busy: map[int]bool{}} }

// take is the function that a scan calls. It notes an overlap of two calls for one part.
func (s *inParts) take(part int, c *iterator.Chunk) error {
	s.mu.Lock()
	if s.busy[part] {
		s.mu.Unlock()
		return errors.New("two calls at once for one part")
	}
	s.busy[part] = true
	s.mu.Unlock()
	var rows []string
	for k, v := range c.All() {
		rows = append(rows, fmt.Sprintf("%x=%x", k, v))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[part] = false
	s.parts[part] = append(s.parts[part], rows...)
	return nil
}

// all are the rows of all parts, in the order of the parts.
func (s *inParts) all(most int) (rows []string) {
	for i := range most {
		rows = append(rows, s.parts[i]...)
	}
	return rows
}

// Over random databases, partly in memtables, each row comes once, in order, whatever the reader, the
// options and the number of parts.
func TestScansInPartsGiveTheRowsOfOneScan(t *testing.T) {
	r, _ := seededRand(t, "parallelseed", *parallelSeed)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		db := openTemp(t, nil)
		cf, err := db.CreateColumnFamily("other", nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(4) {
			b := db.NewBatch()
			for range r.IntN(1500) {
				b.In(cf).Put(randomKey(r), bytes.Repeat([]byte{'v'}, r.IntN(60)))
			}
			if err := db.Write(b, nil); err != nil {
				t.Fatal(err)
			}
			if r.IntN(3) > 0 {
				if err := db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		snap, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		batch, err := db.NewIndexedBatch()
		if err != nil {
			t.Fatal(err)
		}
		batch.In(cf).Put([]byte("k in the batch only"), nil)
		readers := map[string]engine.Reader{"family": cf, "snapshot": snap.In(cf), "batch": batch.In(cf), "database": db}
		for range 12 {
			o := randomPartRange(r)
			for name, reader := range readers {
				var want []string
				rows, done := engine.Scan(reader, o)
				for k, v := range rows {
					want = append(want, fmt.Sprintf("%x=%x", k, v))
				}
				if err := done(); err != nil {
					t.Fatal(err)
				}
				got := newInParts()
				parts := []int{0, 1, 2, 3, 7, 50}[r.IntN(6)]
				if err := engine.ScanParallel(t.Context(), reader, o, parts, got.take); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.all(60), want) {
					t.Errorf("%s, %+v, %d parts: %d rows, want %d", name, o, parts, len(got.all(60)), len(want))
				}
			}
		}
		batch.Close()
		snap.Close()
	}
}

// randomKey has few different beginnings, long and short.
func randomKey(r *rand.Rand) []byte {
	k := []byte([]string{"", "k", "k/a/long/common/beginning/", "\xff\xff", "\x00"}[r.IntN(5)])
	for range r.IntN(5) {
		k = append(k, byte(r.Uint32())>>r.IntN(8))
	}
	return k
}

func randomPartRange(r *rand.Rand) *engine.IterOptions {
	o := &engine.IterOptions{KeysOnly: r.IntN(4) == 0, NoBackground: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		o.LowerBound = randomKey(r)
	}
	if r.IntN(2) == 0 {
		o.UpperBound = randomKey(r)
	}
	if r.IntN(3) == 0 {
		o.Prefix = randomKey(r)
	}
	if r.IntN(4) == 0 {
		o.Limit = 1 + r.IntN(100)
	}
	if r.IntN(4) == 0 {
		o.ValuesUpTo = 1 + r.IntN(10)
	}
	return o
}

// Parts are of about the same size, also where the keys are not spread evenly.
func TestPartsAreOfAboutTheSameSize(t *testing.T) {
	const n, parts = 20_000, 4
	keys := map[string]func(i int) []byte{
		"counted":           func(i int) []byte { return fmt.Appendf(nil, "row:%012d", i) },
		"in one corner":     func(i int) []byte { return fmt.Appendf(nil, "a/very/long/way/to/the/row:%06d", i) },
		"in a corner of it": func(i int) []byte { return append(bytes.Repeat([]byte{0}, 40), byte(i>>8), byte(i)) },
		"of squares":        func(i int) []byte { return fmt.Appendf(nil, "%012d", i*i) },
	}
	for name, key := range keys {
		db := openTemp(t, nil)
		b := db.NewBatch()
		for i := range n {
			b.Put(key(i), make([]byte, 20))
		}
		b.Put([]byte("\xff far away"), nil)
		if err := db.Write(b, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Compact(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		got := newInParts()
		if err := engine.ScanParallel(t.Context(), db, nil, parts, got.take); err != nil {
			t.Fatal(err)
		}
		for i := range parts {
			if rows := len(got.parts[i]); rows < n/parts/2 || rows > n/parts*2 {
				t.Errorf("keys %s: part %d of %d has %d of %d rows", name, i, parts, rows, n)
			}
		}
	}
}

// parallelDB has rows for several chunks in each part.
func parallelDB(t *testing.T) *engine.DB {
	t.Helper()
	db := aheadDB(t, nil, 20_000)
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestTheFirstErrorIsReturnedAsItIs(t *testing.T) {
	db := parallelDB(t)
	mine := errors.New("mine")
	failed := make(chan struct{})
	err := engine.ScanParallel(nil, db, nil, 4, func(part int, c *iterator.Chunk) error {
		if part == 2 {
			defer close(failed)
			return mine
		}
		<-failed
		return fmt.Errorf("part %d fails later", part)
	})
	if err != mine && err.Error()[:5] != "part " { // who comes first is not known at this distance
		t.Errorf("%v", err)
	}
	err = engine.ScanParallel(nil, db, nil, 4, func(part int, c *iterator.Chunk) error {
		if part == 2 {
			return mine
		}
		return nil
	})
	if err != mine {
		t.Errorf("%v", err)
	}
	if engine.Children(db) != 0 {
		t.Errorf("%d handles are open", engine.Children(db))
	}
}

func TestScansInPartsEndWithTheirContext(t *testing.T) {
	db := parallelDB(t)
	ctx, cancel := context.WithCancel(t.Context())
	var chunks atomic.Int64
	err := engine.ScanParallel(ctx, db, nil, 4, func(int, *iterator.Chunk) error {
		chunks.Add(1)
		cancel()
		return nil
	})
	expectError(t, "ScanParallel", err, context.Canceled)
	if n := chunks.Load(); n < 1 || n > 8 {
		t.Errorf("%d chunks", n)
	}
	none := func(int, *iterator.Chunk) error { t.Error("rows after the end of the context"); return nil }
	expectError(t, "with an ended context", engine.ScanParallel(ctx, db, nil, 4, none), context.Canceled)
	expectError(t, "with one in the options", engine.ScanParallel(nil, db, &engine.IterOptions{Context: ctx}, 4, none), context.Canceled)
}

// A panic of the function comes out where its caller can catch it, and so does the end of its goroutine.
func TestAPanicComesOutOfAScanInParts(t *testing.T) {
	db := parallelDB(t)
	for _, parts := range []int{1, 4} {
		func() {
			defer func() {
				if recover() != "mine" {
					t.Error("no panic")
				}
			}()
			engine.ScanParallel(nil, db, nil, parts, func(int, *iterator.Chunk) error { panic("mine") })
		}()
		done, returned := make(chan struct{}), false
		go func() {
			defer close(done)
			engine.ScanParallel(nil, db, nil, parts, func(int, *iterator.Chunk) error { runtime.Goexit(); return nil })
			returned = true
		}()
		<-done
		if returned {
			t.Error("it returned as if all rows had been seen")
		}
	}
	if engine.Children(db) != 0 {
		t.Errorf("%d handles are open", engine.Children(db))
	}
}

// What is written meanwhile is not seen, in no part.
func TestScansInPartsSeeOneState(t *testing.T) {
	db := parallelDB(t)
	var rows atomic.Int64
	err := engine.ScanParallel(nil, db, nil, 4, func(part int, c *iterator.Chunk) error {
		rows.Add(int64(c.Len()))
		b := db.NewBatch()
		b.DeleteRange([]byte("0"), []byte("9"))
		for i := range 100 {
			b.Put(fmt.Appendf(nil, "%06d new", 200*i), nil)
		}
		return db.Write(b, nil)
	})
	if rows.Load() != 20_000 || err != nil {
		t.Error(rows.Load(), err)
	}
}

// The chunk is the function's to keep.
func TestChunksOfAScanInPartsMayBeTaken(t *testing.T) {
	db := parallelDB(t)
	var mu sync.Mutex
	var kept []iterator.Chunk
	err := engine.ScanParallel(nil, db, nil, 2, func(_ int, c *iterator.Chunk) error {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, c.Take())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for i := range kept {
		for k := range kept[i].All() {
			keys[string(k)] = true
		}
	}
	if len(keys) != 20_000 {
		t.Errorf("%d rows", len(keys))
	}
}

func TestScansInPartsAreRefusedWhereThereIsNothingToScan(t *testing.T) {
	db := openDir(t, t.TempDir()+"/db", nil)
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	def, err := db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	none := func(int, *iterator.Chunk) error { t.Error("there are rows"); return nil }
	for _, parts := range []int{1, 4} {
		if err := engine.ScanParallel(nil, db, nil, parts, none); err != nil {
			t.Error(err)
		}
		expectError(t, "bad options", engine.ScanParallel(nil, db, &engine.IterOptions{ReadAhead: -1}, parts, none), engine.ErrInvalidArgument)
		expectError(t, "no function", engine.ScanParallel(nil, db, nil, parts, nil), engine.ErrInvalidArgument)
	}
	snap.Close()
	for name, r := range map[string]engine.Reader{
		"no reader": nil, "nil database": (*engine.DB)(nil), "nil family": (*engine.ColumnFamily)(nil),
		"nil snapshot": (*engine.Snapshot)(nil), "nil batch": (*engine.IndexedBatch)(nil), "closed snapshot": snap,
		"zero database": &engine.DB{}, "zero snapshot": &engine.Snapshot{},
	} {
		for _, parts := range []int{1, 4} {
			expectError(t, name, engine.ScanParallel(nil, r, nil, parts, none), engine.ErrClosed)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []engine.Reader{db, def} {
		expectError(t, "closed", engine.ScanParallel(nil, r, nil, 4, none), engine.ErrClosed)
	}
}
