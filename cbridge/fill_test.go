package cbridge

import (
	"bytes"
	cmdline "flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var seedFlag = cmdline.Uint64("cbridge.seed", 0, "seed of random tests; 0: taken from the clock")

func newRand(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-cbridge.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0xcb))
}

// absolute are the moves that do not depend on where the iterator is, and whether they go backwards.
var absolute = []struct {
	move Move
	back bool
}{
	{MoveFirst, false},
	{MoveLast, true},
	{MoveGE, false},
	{MoveGT, false},
	{MoveLE, true},
	{MoveLT, true},
}

// stepped are all rows from a move on, by one call a step.
func stepped(t testing.TB, s *StepIter, m Move, back bool, key []byte) []testRow {
	t.Helper()
	var ok bool
	switch m {
	case MoveFirst:
		ok = s.First()
	case MoveLast:
		ok = s.Last()
	default:
		ok = s.Seek(m, key)
	}
	var out []testRow
	for ok {
		if k, v := s.Lengths(); k != len(s.Key()) || v != len(s.Value()) || !s.Valid() {
			t.Fatalf("lengths are %d and %d, Valid %v on %q", k, v, s.Valid(), s.Key())
		}
		out = append(out, testRow{s.Key(), s.Value()})
		if back {
			ok = s.Prev()
		} else {
			ok = s.Next()
		}
	}
	if s.Err() != nil || s.Valid() || s.Key() != nil || s.Value() != nil || s.Next() || s.Prev() {
		t.Fatalf("at the end: %v, %q", s.Err(), s.Key())
	}
	return out
}

// greedy is the fill that a buffer and a number of rows allow, of the rows that follow.
func greedy(rows []testRow, capacity, maxRows int) Filled {
	f := Filled{}
	for _, r := range rows {
		if f.Rows == maxRows {
			return f
		}
		if f.Used+4*f.Rows+r.size() > capacity {
			if f.Rows == 0 {
				f.Need = r.size()
			}
			return f
		}
		f.Used += r.size() - 4
		f.Rows++
	}
	f.End = f.Rows < maxRows
	return f
}

// checkFill fills once and compares the answer with the rows that should follow.
func checkFill(it *Iter, m Move, key []byte, follow []testRow, capacity, maxRows int) (Filled, error) {
	const guard = 0x5a
	area := bytes.Repeat([]byte{guard}, capacity+32)
	buf := area[16 : 16+capacity : 16+capacity]
	got := it.Fill(m, key, buf, uint32(maxRows))
	want := greedy(follow, capacity, maxRows)
	// At the last row that max rows allow, whether more follow is not looked at.
	if got != want {
		return got, fmt.Errorf("move %d into %d bytes, at most %d rows: %+v, want %+v", m, capacity, maxRows, got, want)
	}
	for i, r := range readRows(buf, follow[:got.Rows]) {
		if !r.equal(follow[i]) {
			return got, fmt.Errorf("move %d: row %d is %v, want %v", m, i, r, follow[i])
		}
	}
	for i := range 16 {
		if area[i] != guard || area[len(area)-1-i] != guard {
			return got, fmt.Errorf("move %d into %d bytes wrote beside the buffer", m, capacity)
		}
	}
	return got, nil
}

// drain goes on from a move until the end, with buffers of random size, and larger ones when a row
// asks for it.
func drain(r *rand.Rand, it *Iter, m Move, key []byte, follow []testRow, largest int) error {
	need := 0
	for calls := 0; ; calls++ {
		capacity := 1 + r.IntN(largest)
		if need > 0 { // one byte less is asked for again
			capacity = need - 1 + r.IntN(3)
		}
		f, err := checkFill(it, m, key, follow, capacity, 1+r.IntN(10))
		if err != nil {
			return err
		}
		follow, need, m, key = follow[f.Rows:], f.Need, MoveOn, nil
		if f.End {
			_, err := checkFill(it, MoveOn, nil, nil, capacity, 5) // and it stays the end
			return err
		}
	}
}

func randomIterOptions(r *rand.Rand) IterOptions {
	bound := func() []byte {
		switch r.IntN(4) {
		case 0:
			return bytes.Repeat([]byte{'a' + byte(r.IntN(3)) - 1}, r.IntN(4))
		case 1:
			return []byte{}
		default:
			return nil
		}
	}
	o := IterOptions{Lower: bound(), Upper: bound()}
	if r.IntN(4) == 0 {
		o.Flags |= KeysOnly
	}
	if r.IntN(4) == 0 {
		o.MaxValue = uint64(1 + r.IntN(100))
	}
	return o
}

func randomSought(r *rand.Rand) []byte {
	key := make([]byte, r.IntN(5))
	for i := range key {
		key[i] = []byte{0, 'a', 'b', 0xff}[r.IntN(4)]
	}
	return key
}

// Fills give exactly the rows that one call a step gives, from every move, into buffers of 1 to 4,096
// bytes, and tell exactly how far they came.
func TestFillsDeliverWhatStepsDeliver(t *testing.T) {
	r := newRand(t)
	for range 6 {
		db, f := openTest(t, "", FamilyOptions{BlockSize: 200, Compression: 0})
		randomRows(t, r, db, f, r.IntN(150), 300)
		for range 60 {
			o := randomIterOptions(r)
			it, steps := newTestIter(t, f, nil, o), NewStepIter(newTestIter(t, f, nil, o))
			for range 10 {
				a := absolute[r.IntN(len(absolute))]
				key := randomSought(r)
				follow := stepped(t, steps, a.move, a.back, key)
				largest := []int{8, 40, 400, 4096}[r.IntN(4)]
				if err := drain(r, it, a.move, key, follow, largest); err != nil {
					t.Fatalf("%v\nfrom %q with %+v", err, key, o)
				}
			}
			it.Free()
			steps.Free()
		}
	}
}

func TestEveryBufferSizeDeliversEveryRow(t *testing.T) {
	r := newRand(t)
	db, f := openTest(t, "", FamilyOptions{Compression: -1})
	randomRows(t, r, db, f, 60, 120)
	it, steps := newTestIter(t, f, nil, IterOptions{}), NewStepIter(newTestIter(t, f, nil, IterOptions{}))
	defer it.Free()
	defer steps.Free()
	for capacity := 1; capacity <= 4096; capacity++ {
		if testing.Short() && capacity%13 != 0 {
			continue
		}
		a := absolute[capacity%2] // First, Last
		follow := stepped(t, steps, a.move, a.back, nil)
		m, size := a.move, capacity
		for end := false; !end; {
			got, err := checkFill(it, m, nil, follow, size, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			follow, end, m, size = follow[got.Rows:], got.End, MoveOn, max(capacity, got.Need)
		}
	}
}

// Rows about as large as the buffer, one of 1 MiB and empty ones are all delivered, by two calls a row at most: one that asks
// for room, one that has it.
func TestRowsAboutTheSizeOfTheBufferAreDeliveredByFewCalls(t *testing.T) {
	r := newRand(t)
	db, f := openTest(t, "", FamilyOptions{Compression: -1})
	value := make([]byte, 1<<20)
	header := testRow{}.size()
	for n := 1; n <= 4096; n++ {
		if testing.Short() && n%13 != 0 {
			continue
		}
		sizes := []int{0, 1, n - 1, n, n + 1, n - header - 1, n - header, n - header + 1}
		if n%64 == 0 {
			sizes = append(sizes, len(value))
		}
		r.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
		var batch []testRow
		for i, size := range sizes { // of key and value together; the key of a row without bytes is empty
			key := []byte{byte('a' + i)}[:min(max(size, 0), 1)]
			batch = append(batch, testRow{key, value[:max(size, 1)-1]})
		}
		for _, row := range batch {
			if err := f.Apply(Put, 0, row.key, row.value); err != nil {
				t.Fatal(err)
			}
		}
		it, steps := newTestIter(t, f, nil, IterOptions{}), NewStepIter(newTestIter(t, f, nil, IterOptions{}))
		a := absolute[n%2]
		follow := stepped(t, steps, a.move, a.back, nil)
		rows, calls, m, size := len(follow), 0, a.move, n
		for end := false; !end; calls++ {
			got, err := checkFill(it, m, nil, follow, size, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			follow, end, m, size = follow[got.Rows:], got.End, MoveOn, max(n, got.Need)
		}
		if len(follow) > 0 || calls > 2*rows+2 {
			t.Errorf("buffer of %d: %d of %d rows are left after %d calls", n, len(follow), rows, calls)
		}
		it.Free()
		steps.Free()
		for _, row := range batch {
			if err := f.Apply(Delete, 0, row.key, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n%512 == 0 {
			if err := db.Flush([]*Family{f}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A turn begins with the row that the fill before it ended with, however that fill ended.
func TestTurnsBeginWithTheRowDeliveredLast(t *testing.T) {
	r := newRand(t)
	for range 4 {
		db, f := openTest(t, "", FamilyOptions{BlockSize: 200, Compression: 0})
		randomRows(t, r, db, f, r.IntN(100), 50)
		for range 100 {
			o := randomIterOptions(r)
			it, steps := newTestIter(t, f, nil, o), NewStepIter(newTestIter(t, f, nil, o))
			rows := stepped(t, steps, MoveFirst, false, nil)
			if err := turns(r, it, steps, t, rows); err != nil {
				t.Fatalf("%v\nwith %+v", err, o)
			}
			it.Free()
			steps.Free()
		}
	}
}

func turns(r *rand.Rand, it *Iter, steps *StepIter, t *testing.T, rows []testRow) error {
	a := absolute[r.IntN(len(absolute))]
	key := randomSought(r)
	follow := stepped(t, steps, a.move, a.back, key)
	gap := len(rows) - len(follow) // before the row of this index
	if a.back {
		gap = len(follow)
	}
	m, back := a.move, a.back
	for range 12 {
		f, err := checkFill(it, m, key, follow, 1+r.IntN(400), 1+r.IntN(10))
		if err != nil {
			return err
		}
		if back {
			gap -= f.Rows
		} else {
			gap += f.Rows
		}
		m, key = MoveOn, nil
		if r.IntN(3) > 0 {
			back = !back
			m = MoveTurnForward
			if back {
				m = MoveTurnBack
			}
		}
		follow = rows[gap:]
		if back {
			follow = backwards(rows[:gap])
		}
	}
	return nil
}

func backwards(rows []testRow) []testRow {
	out := make([]testRow, len(rows))
	for i, r := range rows {
		out[len(rows)-1-i] = r
	}
	return out
}

func TestCountsAreThoseOfSteps(t *testing.T) {
	r := newRand(t)
	db, f := openTest(t, "", FamilyOptions{Compression: -1})
	randomRows(t, r, db, f, 120, 300)
	for range 200 {
		o := randomIterOptions(r)
		it, steps := newTestIter(t, f, nil, o), NewStepIter(newTestIter(t, f, nil, o))
		rows := stepped(t, steps, MoveFirst, false, nil)
		m := MoveFirst
		for end := false; !end; m = MoveOn {
			most := 1 + r.IntN(50)
			var want Counted
			for _, row := range rows[:min(most, len(rows))] {
				want.Rows++
				want.KeyBytes += int64(len(row.key))
				want.ValueBytes += int64(len(row.value))
			}
			want.End = most >= len(rows)
			got := it.Count(m, uint64(most))
			if got != want {
				t.Fatalf("%+v, want %+v, of at most %d", got, want, most)
			}
			rows, end = rows[want.Rows:], got.End
		}
		it.Free()
		steps.Free()
	}
}
