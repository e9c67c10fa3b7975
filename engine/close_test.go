package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A call in flight holds Close up, and Close says which one it is; nothing is freed under it. When it
// has ended, Close succeeds.
func TestCloseAnswersBusyUntilCallsEnd(t *testing.T) {
	db := openTemp(t, nil)
	engine.SetCloseTimeout(db, 20*time.Millisecond)
	value := strings.Repeat("v", 100_000)
	if err := errors.Join(db.Put([]byte("k"), []byte(value), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.GetPinned([]byte("k"), nil, func(lent []byte) error {
		for range 3 {
			err := db.Close()
			if !errors.Is(err, engine.ErrBusy) || !strings.Contains(err.Error(), "get pinned") {
				t.Errorf("Close during GetPinned: %v", err)
			}
		}
		if _, err := db.Get([]byte("k"), nil); err != engine.ErrClosed {
			t.Errorf("Get after a Close that was busy: %v", err)
		}
		if it.First() || it.Error() != engine.ErrClosed {
			t.Errorf("First after a Close that was busy: %v", it.Error())
		}
		if string(lent) != value {
			t.Error("the lent value has changed")
		}
		it.Close() // refused by the guard, and still no leak
		return nil
	})
	if err != nil {
		t.Errorf("GetPinned: %v", err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Errorf("Close after the call has ended: %v", err)
		}
	}
}

func TestCloseCountsWhatWasLeftOpen(t *testing.T) {
	for iterators := range 4 {
		for snapshots := range 3 {
			db := openTemp(t, nil)
			for range iterators + 1 {
				it, err := db.NewIter(nil)
				if err != nil {
					t.Fatal(err)
				}
				if iterators == 0 {
					it.Close()
				}
			}
			for range snapshots {
				if _, err := db.NewSnapshot(); err != nil {
					t.Fatal(err)
				}
			}
			left := iterators + 1
			if iterators == 0 {
				left = 0
			}
			err := db.Close()
			var leak *engine.LeakError
			if !errors.As(err, &leak) {
				leak = &engine.LeakError{}
			}
			if leak.Iterators != left || leak.Snapshots != snapshots || (err == nil) != (left+snapshots == 0) {
				t.Errorf("%d iterators and %d snapshots were left open: %v", left, snapshots, err)
			}
		}
	}
}

// A snapshot that is closed under its readers is freed behind the last of them. Freed before, its
// memory would be the next snapshot's, and a read would see what was written in between.
func TestASnapshotIsNotFreedUnderItsReaders(t *testing.T) {
	versions := 20_000
	if testing.Short() {
		versions /= 10
	}
	db := openTemp(t, nil)
	type version struct {
		s     *engine.Snapshot
		value string
	}
	var newest atomic.Pointer[version]
	var done atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done.Store(true) // at the latest, when the test gives up
	reads := make([]int, 8)
	for i := range reads {
		wg.Go(func() {
			for !done.Load() {
				v := newest.Load()
				if v == nil {
					continue
				}
				switch got, err := v.s.Get([]byte("k"), nil); {
				case err == nil && string(got) != v.value:
					t.Errorf("a snapshot of %s reads %s", v.value, got)
					return
				case err != nil && err != engine.ErrClosed:
					t.Error(err)
					return
				}
				reads[i]++
			}
		})
	}
	for n := range versions {
		value := fmt.Sprint(n)
		if err := db.Put([]byte("k"), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
		s, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		if old := newest.Swap(&version{s, value}); old != nil {
			old.s.Close()
		}
	}
	done.Store(true)
	wg.Wait()
	newest.Load().s.Close()
	if n := engine.Children(db); n != 0 {
		t.Errorf("%d handles are still registered", n)
	}
	t.Logf("%d snapshots, reads by goroutine: %d", versions, reads)
}

func TestClosedHandlesAreForgotten(t *testing.T) {
	db := openTemp(t, nil)
	for range 50 {
		s, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		it, err := s.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := engine.Children(db); n != 2 {
			t.Fatalf("%d handles are registered, 2 are open", n)
		}
		if err := errors.Join(s.Close(), it.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if n := engine.Children(db); n != 0 {
		t.Errorf("%d handles are still registered", n)
	}
}

// Whoever closes the database from within a callback or a loop has left open what these use.
func TestCloseWithinAViewAndWithinAScan(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	var leak *engine.LeakError
	err := db.View(t.Context(), func(s *engine.Snapshot) error {
		if err := db.Close(); !errors.As(err, &leak) || leak.Snapshots != 1 {
			t.Errorf("Close within a View: %v", err)
		}
		_, err := s.Get([]byte("k"), nil)
		return err
	})
	if err != engine.ErrClosed {
		t.Errorf("View: %v", err)
	}
	db = openTemp(t, nil)
	for i := range 1000 {
		if err := db.Put(fmt.Append(nil, i), make([]byte, 1000), nil); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	rows, done := engine.Scan(db, nil)
	for key, value := range rows {
		if n++; n == 1 {
			if err := db.Close(); !errors.As(err, &leak) || leak.Iterators != 1 {
				t.Errorf("Close within a Scan: %v", err)
			}
		}
		if len(key) == 0 || len(value) != 1000 {
			t.Errorf("row %d: %q of %d bytes", n, key, len(value))
		}
	}
	if err := done(); err != engine.ErrClosed || n == 1000 {
		t.Errorf("Scan: %d rows and %v", n, err)
	}
}

// A callback that panics leaves nothing behind that would hold Close up.
func TestAPanicInACallbackIsTheCallersOwn(t *testing.T) {
	db := openTemp(t, nil)
	engine.SetCloseTimeout(db, 20*time.Millisecond)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	rows, _ := engine.Scan(db, nil)
	for name, call := range map[string]func(){
		"GetPinned": func() { db.GetPinned([]byte("k"), nil, func([]byte) error { panic("mine") }) },
		"View":      func() { db.View(t.Context(), func(*engine.Snapshot) error { panic("mine") }) },
		"Scan": func() {
			for range rows {
				panic("mine")
			}
		},
	} {
		func() {
			defer func() {
				if p := recover(); p != "mine" {
					t.Errorf("%s: panic %v", name, p)
				}
			}()
			call()
		}()
	}
	if n := engine.Children(db); n != 0 {
		t.Errorf("%d handles are still registered", n)
	}
	if err := db.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Rows without log are there after a Close also where they wait in a full memtable for a second one, to be flushed together.
func TestACloseKeepsRowsWithoutLogInFullMemtables(t *testing.T) {
	o := &engine.Options{Families: map[string]engine.FamilyOptions{
		"f": {WriteBufferSize: 64 << 10, Extra: "max_write_buffer_number=4;min_write_buffer_number_to_merge=2;" + byHandOnly},
	}}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	large := make([]byte, 100_000)
	mustDo(t, f.Put([]byte("b"), []byte("1"), &engine.WriteOptions{DisableWAL: true}), f.Put([]byte("c"), large, nil),
		db.Put([]byte("a"), nil, nil)) // which changes the memtable of f
	rows := rowsOf(t, f)
	mustDo(t, db.Close())
	db = openDir(t, dir, o)
	defer db.Close()
	f, err = db.ColumnFamily("f")
	mustDo(t, err)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	expectRows(t, "after a Close", f, rows)
}
