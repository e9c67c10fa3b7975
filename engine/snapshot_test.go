package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

func newSnapshot(t *testing.T, db *engine.DB) *engine.Snapshot {
	t.Helper()
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASnapshotShowsItsMomentInEveryFamily(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	ids := []uint32{0, 1, 2}
	model := modelDB{}
	type moment struct {
		s     *engine.Snapshot
		model modelDB
	}
	var open []moment
	check := func(m moment) {
		t.Helper()
		expectModel(t, "default", m.s, m.model.family(0))
		for id, c := range families {
			view := m.s.In(c)
			expectModel(t, c.Name(), view, m.model.family(id))
			for key, row := range m.model.family(id) {
				if v, err := view.Get([]byte(key), nil); row.there() && (err != nil || string(v) != row.value) {
					t.Fatalf("%s: Get of %q: %q, %v", c.Name(), key, v, err)
				}
			}
		}
	}
	b := db.NewBatch()
	for range 600 {
		switch n := r.IntN(20); {
		case n < 12:
			rec := randomRecord(r, ids)
			b.Reset()
			if err := errors.Join(add(b, families, rec), db.Write(b, nil)); err != nil {
				t.Fatal(err)
			}
			model.apply(rec)
		case n < 14:
			open = append(open, moment{newSnapshot(t, db), model.clone()})
		case n < 17 && len(open) > 0:
			check(open[r.IntN(len(open))])
		case n < 18 && len(open) > 0:
			i := r.IntN(len(open))
			if err := open[i].s.Close(); err != nil {
				t.Fatal(err)
			}
			open = append(open[:i], open[i+1:]...)
		case n == 18 && r.IntN(4) == 0:
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		case n == 19 && r.IntN(8) == 0:
			if err := db.Compact(context.Background(), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, m := range open {
		check(m)
		if err := m.s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestViewsOfASnapshotCloseTogether(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	for _, last := range []bool{false, true} {
		s := newSnapshot(t, db)
		view := s.In(families[1])
		both := []*engine.Snapshot{s, view, view.In(families[2])}
		first := both[0]
		if last {
			first = both[2]
		}
		for range 2 {
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		}
		for i, v := range both {
			if _, err := v.Get([]byte("k"), nil); err != engine.ErrClosed {
				t.Errorf("view %d: %v", i, err)
			}
			if err := v.Close(); err != nil {
				t.Errorf("view %d: %v", i, err)
			}
		}
	}
	if err := db.Close(); err != nil { // no LeakError
		t.Error(err)
	}
}

func TestASnapshotKnowsFamiliesMadeAndDroppedLater(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	one := families[1]
	if err := one.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	s := newSnapshot(t, db)
	defer s.Close()
	later, err := db.CreateColumnFamily("later", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	expectRows(t, "a later family", s.In(later), map[string]string{})
	expectRows(t, "family one", s.In(one), map[string]string{"k": "v"})
	if err := db.DropColumnFamily(one); err != nil {
		t.Fatal(err)
	}
	_, err = s.In(one).Get([]byte("k"), nil)
	expectError(t, "a dropped family", err, engine.ErrFamilyDropped)
	foreign := openTemp(t, nil).ColumnFamilies()[0]
	_, err = s.In(foreign).Get([]byte("k"), nil)
	expectError(t, "another database's family", err, engine.ErrInvalidArgument)
	_, err = s.In(foreign).NewIter(nil)
	expectError(t, "another database's family", err, engine.ErrInvalidArgument)
	if _, err := s.In(nil).Get([]byte("k"), nil); err != engine.ErrClosed {
		t.Errorf("no family: %v", err)
	}
	expectRows(t, "the snapshot itself", s, map[string]string{})
}

// The [R] of the law: what an iterator reads stays, although nothing else holds the snapshot any more.
func TestAnIteratorOutlivesItsSnapshot(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 1 << 20}})
	const n = 3000
	put := func(version string) {
		for i := range n {
			if err := db.Put(fmt.Appendf(nil, "%05d", i), []byte(version+strings.Repeat("x", 200)), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("old")
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	s := newSnapshot(t, db)
	var its []*iterator.Iterator
	for range 2 {
		it, err := s.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		its = append(its, it)
	}
	its[1].First() // one has rows in its buffer already
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	put("new")
	if err := errors.Join(db.DeleteRange([]byte("01000"), []byte("02000"), nil), db.Flush(), db.Compact(nil, nil, nil)); err != nil {
		t.Fatal(err)
	}
	put("newest")
	if err := errors.Join(db.Flush(), db.Compact(nil, nil, nil)); err != nil {
		t.Fatal(err)
	}
	for _, it := range its {
		rows := 0
		for k, v := range it.All() {
			if string(k) != fmt.Sprintf("%05d", rows) || !strings.HasPrefix(string(v), "old") {
				t.Fatalf("row %d is %s = %.10s", rows, k, v)
			}
			rows++
		}
		if err := it.Close(); err != nil || rows != n {
			t.Errorf("%d rows, %v", rows, err)
		}
	}
}

func TestViewShowsOneStateAndClosesIt(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), []byte("1"), nil); err != nil {
		t.Fatal(err)
	}
	var kept *engine.Snapshot
	err := db.View(context.Background(), func(s *engine.Snapshot) error {
		kept = s
		if err := db.Put([]byte("k"), []byte("2"), nil); err != nil {
			return err
		}
		expectRows(t, "inside", s, map[string]string{"k": "1"})
		return db.View(nil, func(inner *engine.Snapshot) error {
			expectRows(t, "a view within", inner, map[string]string{"k": "2"})
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := kept.Get([]byte("k"), nil); err != engine.ErrClosed {
		t.Errorf("after View: %v", err)
	}
	mine := errors.New("mine")
	if err := db.View(nil, func(s *engine.Snapshot) error { return mine }); err != mine {
		t.Errorf("f's error: %v", err)
	}
	func() {
		defer func() {
			if recover() != mine {
				t.Error("the panic of f did not come through")
			}
		}()
		db.View(nil, func(s *engine.Snapshot) error { kept = s; panic(mine) })
	}()
	if _, err := kept.Get([]byte("k"), nil); err != engine.ErrClosed {
		t.Errorf("after a panic: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	err = db.View(cancelled, func(s *engine.Snapshot) error { t.Error("f was called"); return nil })
	expectError(t, "cancelled", err, context.Canceled)
}

func TestReadersOfASnapshotMeetItsClose(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		s := newSnapshot(t, db)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for {
					var v []byte
					var err error
					if i%2 == 0 {
						v, err = s.Get([]byte("k"), nil)
					} else {
						var it *iterator.Iterator
						if it, err = s.NewIter(nil); err == nil {
							it.First()
							v = it.Value()
							err = it.Close()
						}
					}
					if err == engine.ErrClosed {
						return
					}
					if err != nil || string(v) != "v" {
						t.Errorf("%q, %v", v, err)
						return
					}
				}
			})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}
