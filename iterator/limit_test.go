package iterator_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// way is a direction to walk in.
type way struct {
	sign  int
	seek  func([]byte) bool
	step  func() bool
	chunk func(*iterator.Chunk) bool
}

func ways(it *iterator.Iterator) (forwards, backwards way) {
	return way{1, it.SeekGE, it.Next, it.NextChunk}, way{-1, it.SeekLE, it.Prev, it.PrevChunk}
}

// A window may hold more rows than a limit allows: those on both sides of where a seek landed. A
// seek that lands at one end of it must not hand over all of them.
func TestALimitHoldsInAWindowFilledForAnotherSeek(t *testing.T) {
	db := openTestDB(t, nil)
	const middle = 500
	rows := numbered(repeat(2*middle, 10))
	fill(t, db, rows)
	for limit := 258; limit <= 264; limit++ { // more than a seek fetches at once
		for mirrored := range 2 {
			for _, turned := range []bool{false, true} {
				for _, steps := range []int{0, 1, limit - 1} {
					it := newIter(t, db, &engine.IterOptions{Limit: limit})
					first, then := ways(it)
					if mirrored == 1 {
						first, then = then, first
					}
					// Over the rows on one side of the middle; then one step the other way fills the window with
					// the rows on both sides, to the limits.
					var c iterator.Chunk
					first.seek(rows[middle].key)
					for first.chunk(&c) {
					}
					then.step()
					// From either end of that window to the other.
					if turned {
						first, then = then, first
					}
					from := middle - first.sign*(limit-1)
					mustCost(t, 0, "a seek to an end of the window", func() { first.seek(rows[from].key) })
					for range steps {
						first.step()
					}
					at := from + first.sign*steps
					wantRow(t, it, rows[at], "after the steps")
					n := 0
					for first.chunk(&c) {
						for i := range c.Len() {
							if want := rows[at+first.sign*n]; !sameRow(row{c.Key(i), c.Value(i)}, want) {
								t.Fatalf("row %d of a chunk is %x, want %x", n, c.Key(i), want.key)
							}
							n++
						}
					}
					if n != limit-steps || it.Error() != nil {
						t.Errorf("limit %d, %d steps: %d rows, %v", limit, steps, n, it.Error())
					}
					if !then.step() {
						t.Fatal(it.Error())
					}
					wantRow(t, it, rows[from+first.sign*(limit-1)], "the last row within the limit")
				}
			}
		}
	}
}

// The limit counts from where an absolute move lands, to both sides; a move that lands in a gap
// starts counting at the row stepped on next.
func TestALimitCountsFromTheRowLandedOn(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(20, 10))
	fill(t, db, rows)
	it := newIter(t, db, &engine.IterOptions{Limit: 3})
	wantSteps := func(what string, step func() bool, want ...int) {
		t.Helper()
		for _, i := range want {
			if !step() {
				t.Fatalf("%s: no row %d: %v", what, i, it.Error())
			}
			wantRow(t, it, rows[i], what)
		}
		if step() || it.Valid() {
			t.Fatalf("%s: on %x beyond the limit", what, it.Key())
		}
	}
	it.SeekGE(rows[10].key)
	wantSteps("forwards", it.Next, 11, 12)
	wantSteps("and back over the row landed on", it.Prev, 12, 11, 10, 9, 8)
	wantSteps("and forwards again", it.Next, 8, 9, 10, 11, 12)
	if it.SeekGE([]byte{1}) {
		t.Fatal("there is a row behind the last")
	}
	wantSteps("from the gap at the end", it.Prev, 19, 18, 17)
	wantSteps("and back", it.Next, 17, 18, 19)
	if it.SeekLT(rows[0].key) {
		t.Fatal("there is a row before the first")
	}
	wantSteps("from the gap at the beginning", it.Next, 0, 1, 2)
	it.SetBounds(nil, nil)
	wantSteps("from where a fresh iterator stands", it.Prev, 19, 18, 17)
	rowsCounted, _, _, err := it.Count(nil)
	if rowsCounted != 3 || err != nil {
		t.Errorf("%d rows, %v", rowsCounted, err)
	}
	n := 0
	for range it.All() {
		n++
	}
	if n != 3 {
		t.Errorf("All yields %d rows", n)
	}
}
