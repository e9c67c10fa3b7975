package iterator_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// moves are all calls that go somewhere, and whether they say that they did.
func moves(it *iterator.Iterator) map[string]func() bool {
	key := []byte{0}
	ranged := func(loop func(yield func([]byte, []byte) bool)) func() bool {
		return func() (any bool) {
			for range loop {
				any = true
			}
			return any
		}
	}
	return map[string]func() bool{
		"First": it.First, "Last": it.Last, "Next": it.Next, "Prev": it.Prev,
		"SeekGE":    func() bool { return it.SeekGE(key) },
		"SeekLE":    func() bool { return it.SeekLE(key) },
		"SeekLT":    func() bool { return it.SeekLT(key) },
		"NextChunk": func() bool { return it.NextChunk(new(iterator.Chunk)) },
		"PrevChunk": func() bool { return it.PrevChunk(new(iterator.Chunk)) },
		"All":       ranged(it.All()),
		"Backward":  ranged(it.Backward()),
		"From":      ranged(it.From(key)),
		"Refresh":   func() bool { return it.Refresh() == nil },
		"SetBounds": func() bool { it.SetBounds(key, nil); return false },
		"Count":     func() bool { _, _, _, err := it.Count(context.Background()); return err == nil },
	}
}

// wantEnded wants an iterator that keeps its row, goes nowhere and answers ErrClosed to every move.
func wantEnded(t *testing.T, it *iterator.Iterator, want row) {
	t.Helper()
	keeps := func(what string) {
		t.Helper()
		if it.Valid() || !sameRow(row{it.Key(), it.Value()}, want) || it.KeyLen() != len(want.key) || it.ValueLen() != len(want.value) ||
			string(it.AppendKey(nil)) != string(want.key) || string(it.AppendValue(nil)) != string(want.value) {
			t.Errorf("%s: Valid %v, on %x", what, it.Valid(), it.Key())
		}
	}
	keeps("at once")
	if it.Next() { // the next row may lie in the window
		t.Errorf("Next goes to %x", it.Key())
	}
	for name, move := range moves(it) {
		if move() || it.Error() != dberr.ErrClosed {
			t.Errorf("%s works, Error is %v", name, it.Error())
		}
		keeps("after " + name)
	}
	if err := it.Refresh(); err != dberr.ErrClosed {
		t.Errorf("Refresh answers %v", err)
	}
	if n, _, _, err := it.Count(context.Background()); err != dberr.ErrClosed || n != 0 {
		t.Errorf("Count answers %d, %v", n, err)
	}
}

func TestAClosedIteratorKeepsItsRowAndGoesNowhere(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(100, 30))
	fill(t, db, rows)
	places := map[string]func(*iterator.Iterator) row{
		"fresh":      func(*iterator.Iterator) row { return row{} },
		"on a row":   func(it *iterator.Iterator) row { it.SeekGE(rows[50].key); it.Next(); return rows[51] },
		"at the end": func(it *iterator.Iterator) row { steps(it.Next); return row{} },
		"in a loop": func(it *iterator.Iterator) row {
			for range it.Backward() {
				break
			}
			return rows[99]
		},
	}
	for place, goTo := range places {
		t.Run(place, func(t *testing.T) {
			it := newIter(t, db, nil)
			want := goTo(it)
			for range 3 {
				if err := it.Close(); err != nil {
					t.Errorf("Close answers %v", err)
				}
			}
			if it.Error() != nil {
				t.Errorf("Error is %v before any move", it.Error())
			}
			wantEnded(t, it, want)
			if err := it.Close(); err != nil {
				t.Errorf("Close after moves answers %v", err)
			}
		})
	}
}

func TestCloseTellsTheErrorOnce(t *testing.T) {
	rows := numbered(repeat(10, 10))
	it, o := refusable(t, rows)
	o.refuse = func(int) error { return errRefused }
	if it.First() {
		t.Fatal("a refused call works")
	}
	if err := it.Close(); !errors.Is(err, errRefused) {
		t.Errorf("Close answers %v", err)
	}
	if err := it.Error(); !errors.Is(err, errRefused) {
		t.Errorf("Error is %v after Close", err)
	}
	if err := it.Close(); err != nil {
		t.Errorf("the second Close answers %v", err)
	}
	if it.First() || it.Error() != dberr.ErrClosed {
		t.Errorf("Error is %v after a move", it.Error())
	}
}

// The end of the database ends its iterators in the same way.
func TestAnIteratorOfAClosedDatabaseKeepsItsRow(t *testing.T) {
	db, err := engine.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := numbered(repeat(100, 30))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	for range 8 {
		if !it.Next() {
			t.Fatal(it.Error())
		}
	}
	var leak *engine.LeakError
	if err := db.Close(); !errors.As(err, &leak) || leak.Iterators != 1 {
		t.Fatalf("Close of the database answers %v", err)
	}
	wantEnded(t, it, rows[7])
	it.Close()
	wantEnded(t, it, rows[7])
}

func TestANilOrZeroIteratorAnswersAsAClosedOne(t *testing.T) {
	for _, it := range []*iterator.Iterator{nil, new(iterator.Iterator)} {
		wantEnded(t, it, row{})
		if it.HasPrefix(nil) || it.EqualKey(nil) || it.CompareKey(nil) >= 0 {
			t.Error("there is a key")
		}
		if err := it.Close(); err != nil {
			t.Errorf("Close answers %v", err)
		}
		if got := it.AppendKey([]byte("head")); string(got) != "head" {
			t.Errorf("AppendKey gives %q", got)
		}
	}
}
