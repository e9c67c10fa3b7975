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
	"github.com/rockbridge-db/rockbridge/iterator"
)

// familyWithTable makes a family with a table of rows.
func familyWithTable(t *testing.T, db *engine.DB, name string, rows int) *engine.ColumnFamily {
	t.Helper()
	c, err := db.CreateColumnFamily(name, nil)
	for i := 0; i < rows && err == nil; i++ {
		err = c.Put(fmt.Appendf(nil, "%04d", i), []byte(name), nil)
	}
	if err == nil {
		err = c.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tableFiles(t *testing.T, dir string) int {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	return len(tables)
}

// comes waits until what goes on in the background has come about.
func comes(t *testing.T, what string, done func() bool) {
	t.Helper()
	for begun := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%s: not after 30 seconds", what)
		}
	}
}

// A dropped family's files and its descriptor go while the database is open, and not with the process.
func TestADroppedFamilyLeavesNeitherFilesNorDescriptors(t *testing.T) {
	db := openTemp(t, nil)
	open := func() int { return strings.Count(descriptorsOf(t), db.Path()) }
	before := open()
	for round := range 3 {
		var dropped []*engine.ColumnFamily
		for i := range 5 {
			dropped = append(dropped, familyWithTable(t, db, fmt.Sprint("family ", i), 10))
		}
		for _, c := range dropped {
			if err := db.DropColumnFamily(c); err != nil {
				t.Fatal(err)
			}
		}
		comes(t, "the end of the tables", func() bool { return tableFiles(t, db.Path()) == 0 })
		comes(t, "the end of the descriptors", func() bool { return open() <= before })
		for _, c := range dropped {
			if _, err := c.Get([]byte("0000"), nil); !errors.Is(err, engine.ErrFamilyDropped) {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
}

// Iterators that are open on a dropped family read on, also to places where they have not been; the files go with the last.
func TestADroppedFamilysFilesStayForItsIterators(t *testing.T) {
	db := openTemp(t, nil)
	c := familyWithTable(t, db, "family", 2000)
	var its []*iterator.Iterator
	for range 2 {
		it, err := c.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		its = append(its, it)
	}
	other := familyWithTable(t, db, "other", 1)
	for _, c := range []*engine.ColumnFamily{c, other} {
		if err := db.DropColumnFamily(c); err != nil {
			t.Fatal(err)
		}
	}
	comes(t, "the end of the other's table", func() bool { return tableFiles(t, db.Path()) == 1 })
	for _, it := range its {
		for _, i := range []int{1999, 0, 1000} {
			if key := fmt.Sprintf("%04d", i); !it.SeekGE([]byte(key)) || string(it.Key()) != key {
				t.Fatalf("%s: %q, %v", key, it.Key(), it.Error())
			}
		}
		if n := tableFiles(t, db.Path()); n != 1 {
			t.Errorf("%d tables while an iterator is open", n)
		}
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	}
	comes(t, "the end of the table", func() bool { return tableFiles(t, db.Path()) == 0 })
}

// Reads that follow each other without a gap, by more goroutines than there are lanes, keep no dropped family.
func TestADroppedFamilyGoesUnderReadersThatNeverPause(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("0000"), nil, nil); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop.Store(true)
	victim := atomic.Pointer[engine.ColumnFamily]{}
	victim.Store(familyWithTable(t, db, "family", 100))
	for range 64 {
		readers.Go(func() {
			for !stop.Load() {
				if _, err := db.Get([]byte("0000"), nil); err != nil {
					t.Error(err)
					return
				}
				if v, err := victim.Load().Get([]byte("0099"), nil); err != nil && !errors.Is(err, engine.ErrFamilyDropped) || err == nil && string(v) != "family" {
					t.Errorf("%q, %v", v, err)
					return
				}
			}
		})
	}
	for range 2 {
		if err := db.DropColumnFamily(victim.Load()); err != nil {
			t.Fatal(err)
		}
		comes(t, "the end of the table", func() bool { return tableFiles(t, db.Path()) == 0 })
		victim.Store(familyWithTable(t, db, "family", 100))
	}
}

// Calls of which there is always one under way, as each ends when the next one has begun, are held up for a moment.
func TestADroppedFamilyGoesUnderCallsWithoutAGap(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), nil, nil); err != nil {
		t.Fatal(err)
	}
	c := familyWithTable(t, db, "family", 10)
	turn, free := make(chan struct{}), make(chan struct{}, 1)
	free <- struct{}{}
	var stop atomic.Bool
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			for !stop.Load() {
				err := db.GetPinned([]byte("k"), nil, func([]byte) error {
					select {
					case <-turn:
					case <-free:
					}
					select {
					case turn <- struct{}{}: // the other is within its call
					case <-time.After(5 * time.Millisecond): // it has to wait
						free <- struct{}{}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer callers.Wait()
	defer stop.Store(true)
	if err := db.DropColumnFamily(c); err != nil {
		t.Fatal(err)
	}
	comes(t, "the end of the table", func() bool { return tableFiles(t, db.Path()) == 0 })
}

// A call that waits for one of its own kind within itself goes on, though the database waits for it.
func TestADroppedFamilyHoldsUpNoCallWithinACall(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	c := familyWithTable(t, db, "family", 10)
	err := db.GetPinned([]byte("k"), nil, func([]byte) error {
		if err := db.DropColumnFamily(c); err != nil {
			return err
		}
		for begun := time.Now(); time.Since(begun) < 400*time.Millisecond; { // two drains and more
			if err := db.GetPinned([]byte("k"), nil, func([]byte) error { return nil }); err != nil {
				return err
			}
		}
		if tableFiles(t, db.Path()) != 1 {
			t.Error("the family was freed under a call")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	comes(t, "the end of the table", func() bool { return tableFiles(t, db.Path()) == 0 })
}

// Close ends the wait for iterators, and for calls, that keep dropped families.
func TestCloseDoesNotWaitForDroppedFamilies(t *testing.T) {
	for name, keep := range map[string]bool{"with an iterator": true, "at once": false} {
		t.Run(name, func(t *testing.T) {
			db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
			c := familyWithTable(t, db, "family", 10)
			var it *iterator.Iterator
			if keep {
				var err error
				if it, err = c.NewIter(nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.DropColumnFamily(c); err != nil {
				t.Fatal(err)
			}
			err := db.Close()
			if leak := new(engine.LeakError); keep != errors.As(err, &leak) || !keep && err != nil {
				t.Errorf("close: %v", err)
			}
			if it != nil {
				it.Close()
			}
		})
	}
}
