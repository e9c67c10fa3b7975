package iterator_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// expiring is a context that ends when it has been looked at so many times.
type expiring struct {
	context.Context
	left atomic.Int64
}

func expireAfter(n int64) *expiring {
	c := &expiring{Context: context.Background()}
	c.left.Store(n)
	return c
}

func (c *expiring) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestAContextThatEndsStopsTheNextFill(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(20_000, 50))
	fill(t, db, rows)
	for name, scan := range map[string]func(*iterator.Iterator) int{
		"Next": scans["Next"], "Prev": scans["Prev"], "NextChunk": scans["NextChunk"],
		"PrevChunk": scans["PrevChunk"], "All": scans["All"], "Backward": scans["Backward"],
	} {
		before := 0
		for fills := range int64(6) {
			// NewIter looks at the context too.
			it := newIter(t, db, &engine.IterOptions{Context: expireAfter(fills + 1)})
			n := scan(it)
			if n >= len(rows) || n < before || fills > 0 && n == 0 || fills == 0 && n != 0 {
				t.Errorf("%s: %d rows after %d fills, %d after one less", name, n, fills, before)
			}
			before = n
			if err := it.Error(); !errors.Is(err, context.Canceled) || it.Valid() || it.Next() || it.Prev() {
				t.Errorf("%s: Error is %v, Valid %v", name, err, it.Valid())
			}
			if it.First() || !errors.Is(it.Error(), context.Canceled) {
				t.Errorf("%s: First works under an ended context: %v", name, it.Error())
			}
			if err := it.Close(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: Close answers %v", name, err)
			}
		}
	}
}

func TestCountLooksAtItsContextBetweenStretches(t *testing.T) {
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(140_000, 1)))
	it := newIter(t, db, nil)
	before := int64(-1)
	for looks := range int64(4) { // how long a stretch is depends on how quickly rows come
		rows, keyBytes, valueBytes, err := it.Count(expireAfter(looks))
		if rows <= before || rows >= 140_000 || keyBytes != 8*rows || valueBytes != rows || !errors.Is(err, context.Canceled) {
			t.Errorf("after %d looks: %d rows, %d and %d bytes, %v", looks, rows, keyBytes, valueBytes, err)
		}
		if looks == 0 && rows != 0 {
			t.Errorf("%d rows before the first look", rows)
		}
		before = rows
	}
	if rows, _, _, err := it.Count(expireAfter(1000)); rows != 140_000 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	limited := newIter(t, db, &engine.IterOptions{Limit: 1000})
	if rows, _, _, err := limited.Count(expireAfter(1)); rows != 1000 || err != nil {
		t.Errorf("%d rows, %v, under a limit", rows, err)
	}
}

// A deadline that passes is told as the standard library tells it.
func TestADeadlineIsTold(t *testing.T) {
	db := openTestDB(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	it := newIter(t, db, nil)
	if _, _, _, err := it.Count(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, dberr.ErrTimedOut) {
		t.Error(err)
	}
}

var errRefused = errors.New("refused")

// refusable is an iterator whose guard can be told to refuse calls.
func refusable(t *testing.T, rows []row) (*iterator.Iterator, *bareOwner) {
	t.Helper()
	s, err := openBridge(t.TempDir(), cbridge.FamilyOptions{Compression: -1}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := s.put(r.key, r.value); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.family.NewIter(nil, cbridge.IterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := &bareOwner{c: c}
	it := iterator.New(c, iterator.Config{Owner: o, Closed: &o.dbClosed})
	t.Cleanup(func() {
		it.Close()
		s.db.Close()
	})
	return it, o
}

// A refused call leaves what is known intact: rows of any size can be looked at, and gone to again.
func TestARefusedCallLosesNothing(t *testing.T) {
	for _, size := range []int{10, 3 << 19} {
		rows := numbered(repeat(8, size))
		it, o := refusable(t, rows)
		refuse := func(int) error { return errRefused }
		moves := map[string]func() bool{
			"First":  it.First,
			"Last":   it.Last,
			"SeekGE": func() bool { return it.SeekGE([]byte{0}) },
			"SeekLE": func() bool { return it.SeekLE([]byte{1}) },
			"SeekLT": func() bool { return it.SeekLT([]byte{1}) },
			"NextChunk": func() bool {
				it.NextChunk(new(iterator.Chunk))
				return it.NextChunk(new(iterator.Chunk))
			},
			"Refresh": func() bool { return it.Refresh() == nil },
			"Count":   func() bool { _, _, _, err := it.Count(nil); return err == nil },
		}
		for name, move := range moves {
			o.refuse = nil
			if !it.SeekGE(rows[4].key) || !it.Next() { // with further rows in the window
				t.Fatal(it.Error())
			}
			o.refuse = refuse
			if move() || it.Valid() && name != "Refresh" && name != "Count" {
				t.Errorf("%s of a refused call works", name)
			}
			if err := it.Error(); err != nil && !errors.Is(err, errRefused) {
				t.Errorf("%s: Error is %v", name, err)
			}
			if err := it.Error(); err != nil && (it.Next() || it.Prev() || it.NextChunk(new(iterator.Chunk)) || it.Error() != err) {
				t.Errorf("after %s was refused, a step works: %v", name, it.Error())
			}
			// Whatever this shows, it must not be rubbish.
			if k, v := it.Key(), it.Value(); k != nil && (!bytes.Equal(k, rows[5].key) || !bytes.Equal(v, rows[5].value)) {
				t.Errorf("%s: key %x, value of %d bytes", name, k, len(v))
			}
			o.refuse = nil
			for i := range rows {
				if !it.SeekGE(rows[i].key) {
					t.Fatalf("after %s: %v", name, it.Error())
				}
				wantRow(t, it, rows[i], "after "+name)
			}
		}
	}
}

func TestFailedBoundsStopEveryMoveUntilOthersAreSet(t *testing.T) {
	rows := numbered(repeat(100, 10))
	it, o := refusable(t, rows)
	o.refuse = func(int) error { return errRefused }
	it.SetBounds(rows[10].key, nil)
	o.refuse = nil
	for name, move := range map[string]func() bool{
		"First": it.First, "Last": it.Last, "Next": it.Next, "Prev": it.Prev,
		"SeekGE": func() bool { return it.SeekGE(rows[5].key) }, "Refresh": func() bool { return it.Refresh() == nil },
		"Count": func() bool { _, _, _, err := it.Count(nil); return err == nil },
	} {
		if move() || !errors.Is(it.Error(), errRefused) {
			t.Errorf("%s works on bounds that were not set: %v", name, it.Error())
		}
	}
	it.SetBounds(make([]byte, cbridge.MaxKeySize+1), nil)
	if it.First() || !errors.Is(it.Error(), dberr.ErrTooLarge) {
		t.Errorf("Error is %v", it.Error())
	}
	it.SetBounds(rows[10].key, nil)
	if it.Error() != nil || !it.First() {
		t.Fatal(it.Error())
	}
	wantRow(t, it, rows[10], "First")
}

func TestASoughtKeyBeyondTheLargestIsRefused(t *testing.T) {
	rows := numbered(repeat(100, 10))
	it, _ := refusable(t, rows)
	large := make([]byte, cbridge.MaxKeySize+1)
	for name, seek := range map[string]func([]byte) bool{"SeekGE": it.SeekGE, "SeekLE": it.SeekLE, "SeekLT": it.SeekLT} {
		if seek(large) || !errors.Is(it.Error(), dberr.ErrTooLarge) || it.Next() {
			t.Errorf("%s: %v", name, it.Error())
		}
		if !it.First() {
			t.Error(it.Error())
		}
	}
	for range it.From(large) {
		t.Error("From yields a row")
	}
	if !errors.Is(it.Error(), dberr.ErrTooLarge) {
		t.Error(it.Error())
	}
	if largest := make([]byte, cbridge.MaxKeySize); !it.SeekLE(bytes.Repeat([]byte{0xff}, cbridge.MaxKeySize)) || !it.SeekGE(largest) {
		t.Error(it.Error())
	}
}
