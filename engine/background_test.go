package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// aheadDB has rows enough for many fills.
func aheadDB(t *testing.T, o *engine.Options, rows int) *engine.DB {
	t.Helper()
	db := openTemp(t, o)
	b := db.NewBatch()
	for i := range rows {
		b.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 50))
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	return db
}

// A user who takes long for its rows has them fetched beside it, unless it does not want that.
func TestRowsAreFetchedBesideABusyUser(t *testing.T) {
	db := aheadDB(t, nil, 20_000)
	for _, none := range []bool{true, false} {
		it, err := db.NewIter(&engine.IterOptions{NoBackground: none})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for range 3 {
			it.SetBounds(nil, nil)
			for c := new(iterator.Chunk); it.NextChunk(c); rows += c.Len() {
				if c.Len() > 1_000 {
					time.Sleep(5 * time.Millisecond)
				}
			}
		}
		if rows != 3*20_000 || it.Error() != nil || engine.FillsAhead(db) > 0 == none {
			t.Errorf("NoBackground %v: %d rows, %d fills ahead, %v", none, rows, engine.FillsAhead(db), it.Error())
		}
		it.Close()
	}
}

// Where every slot is taken, a fill in the background waits for none: the user makes it.
func TestABackgroundWithoutASlotIsLeftOut(t *testing.T) {
	db := aheadDB(t, &engine.Options{Gate: 4}, 5_000) // one slot for iterators
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			it, err := db.NewIter(engine.Eager(&engine.IterOptions{}))
			if err != nil {
				t.Error(err)
				return
			}
			defer it.Close()
			rows := 0
			for it.Next() {
				if rows++; rows%500 == 0 {
					runtime.Gosched()
				}
			}
			if rows != 5_000 {
				t.Error(rows, it.Error())
			}
		})
	}
	wg.Wait()
	if n := engine.ScanSlots(db); n != 0 {
		t.Errorf("%d slots were not given back", n)
	}
}

// Close of the database waits for fills in the background, and nothing is left of them.
func TestCloseWaitsForFillsInTheBackground(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		db := openDir(t, t.TempDir()+"/db", nil)
		b := db.NewBatch()
		for i := range 3_000 {
			b.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 50))
		}
		if err := db.Write(b, nil); err != nil {
			t.Fatal(err)
		}
		var its []*iterator.Iterator
		for range 4 {
			it, err := db.NewIter(engine.Eager(&engine.IterOptions{}))
			if err != nil {
				t.Fatal(err)
			}
			it.First()
			its = append(its, it)
		}
		err := db.Close()
		expectLeaks(t, err, len(its))
		for _, it := range its {
			if it.NextChunk(new(iterator.Chunk)) {
				t.Error("a closed database gives rows that were fetched before")
			}
			it.Close()
		}
	}
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 5_000 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

func expectLeaks(t *testing.T, err error, iterators int) {
	t.Helper()
	leak, ok := err.(*engine.LeakError)
	if !ok || leak.Iterators != iterators {
		t.Errorf("%v, want %d iterators left open", err, iterators)
	}
}

// An iterator that its user has lost is found although a fill was made for it.
func TestALostIteratorIsReportedInSpiteOfItsBackground(t *testing.T) {
	h := &heard{}
	db := aheadDB(t, &engine.Options{Logger: slog.New(h)}, 5_000)
	func() {
		it, err := db.NewIter(engine.Eager(&engine.IterOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		it.First()
	}()
	collectUntil(t, "the report", func() bool { return len(h.with(garbage)) == 1 })
	expectLeaks(t, db.Close(), 1)
}

// The rows that were fetched ahead are not handed over once the context has ended.
func TestABackgroundEndsWithItsContext(t *testing.T) {
	db := aheadDB(t, nil, 5_000)
	ctx, cancel := context.WithCancel(t.Context())
	it, err := db.NewIter(engine.Eager(&engine.IterOptions{Context: ctx}))
	if err != nil {
		t.Fatal(err)
	}
	var c iterator.Chunk
	if !it.NextChunk(&c) {
		t.Fatal(it.Error())
	}
	cancel()
	if it.NextChunk(&c) {
		t.Error("rows after the end of the context")
	}
	expectError(t, "Close", it.Close(), context.Canceled)
}
