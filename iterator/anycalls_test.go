package iterator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var callsFlag = flag.Int("iter.calls", 30_000, "calls in any state of an iterator; a third with -short")

// anyCalls makes calls on iterators without regard to whether they make sense: in gaps, after errors, after Close, on an
// iterator that was never made. Each has one answer, which the model gives.
type anyCalls struct {
	*session
	nowhere bool // no database stands behind it
	closed  bool
	ended   bool // Error is ErrClosed
	failed  bool // Error is ErrInvalidArgument
	done    int  // calls
	recent  []string
	chunk   iterator.Chunk
}

// A million calls and more (-iter.calls) end no process and answer as the model does, whatever state they meet.
func TestAnyCallInAnyStateOfAnIteratorIsAnswered(t *testing.T) {
	left := *callsFlag
	if testing.Short() {
		left /= 3
	}
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d calls from -iter.seed=%d", left, seed)
	for ; left > 0; seed++ {
		n, err := anyRound(seed, anyCallsOfARound, nil)
		if err != nil {
			t.Fatalf("%v\nreplay: go test -run '^%s$' -iter.seed=%d -iter.calls=1", err, t.Name(), seed)
		}
		left -= n
	}
}

const anyCallsOfARound = 5000

func TestTheTestOfAnyCallsFindsPlantedFaults(t *testing.T) {
	for _, name := range []string{"Next passes over a row", "SeekLT takes an equal key", "Count leaves it where it was", "a gap has an order", "SetBounds forgets the upper one"} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				if _, err := anyRound(seed+1, anyCallsOfARound, faults[name]); err != nil {
					return
				}
			}
			t.Error("not found")
		})
	}
}

// anyRound makes calls on the iterators of one random database, and tells how many.
func anyRound(seed uint64, calls int, plant func(*session)) (n int, err error) {
	d, err := newData(newRand(seed))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	for n < calls {
		s, err := newSession(d, false)
		if err != nil {
			return n, err
		}
		if plant != nil {
			plant(s)
		}
		a := &anyCalls{session: s}
		if oneIn(d.r, 8) && plant == nil {
			a.nothing()
		}
		err = a.round(50 + d.r.IntN(400))
		n += a.done
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// nothing takes an iterator that was never made in the place of the one at hand.
func (a *anyCalls) nothing() {
	a.it.Close()
	a.it = pick(a.r, (*iterator.Iterator)(nil), &iterator.Iterator{})
	a.nowhere, a.closed, a.model = true, true, &model{at: -1, origin: -1}
	a.ended = a.it == (*iterator.Iterator)(nil)
}

// round makes calls until the iterator was closed for a while.
func (a *anyCalls) round(calls int) (err error) {
	defer a.session.done()
	defer a.it.Close()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			err = fmt.Errorf("%w\nafter:\n\t%v", err, a.recent)
		}
	}()
	for range calls {
		if err := a.call(); err != nil {
			return err
		}
		if err := a.standing(); err != nil {
			return err
		}
	}
	return nil
}

func (a *anyCalls) say(format string, args ...any) {
	a.done++
	if len(a.recent) >= 30 {
		a.recent = slices.Delete(a.recent, 0, 1)
	}
	a.recent = append(a.recent, fmt.Sprintf(format, args...))
	trace("%s", a.recent[len(a.recent)-1])
}

// call makes one call.
func (a *anyCalls) call() error {
	key := a.target()
	switch a.r.IntN(40) {
	case 0:
		return a.went("First", a.it.First(), true, walker.first)
	case 1:
		return a.went("Last", a.it.Last(), true, walker.last)
	case 2, 3, 4, 5, 6:
		m := pick(a.r, cbridge.MoveGE, cbridge.MoveLE, cbridge.MoveLT)
		return a.went(fmt.Sprintf("seek %d %s", m, quote(key)), seeks[m](a.it, key), true, func(w walker) bool { return w.seek(m, key) })
	case 7, 8, 9, 10, 11, 12, 13, 14:
		return a.went("Next", a.it.Next(), false, func(w walker) bool { return w.step(false) })
	case 15, 16, 17, 18, 19, 20, 21, 22:
		return a.went("Prev", a.it.Prev(), false, func(w walker) bool { return w.step(true) })
	case 23, 24, 25, 26:
		return a.fill(oneIn(a.r, 2))
	case 27:
		return a.fillNothing()
	case 28:
		return a.range_("All", a.it.All(), walker.first, false)
	case 29:
		return a.range_("Backward", a.it.Backward(), walker.last, true)
	case 30:
		return a.range_("From", a.it.From(key), func(w walker) bool { return w.seek(cbridge.MoveGE, key) }, false)
	case 31:
		return a.bound()
	case 32:
		return a.again()
	case 33:
		return a.counts()
	case 34:
		if oneIn(a.r, 6) {
			return a.close()
		}
	}
	return a.compared(key)
}

// went compares the answer of a move. An absolute one begins anew after an error.
func (a *anyCalls) went(what string, got, absolute bool, f func(walker) bool) error {
	a.say("%s = %v", what, got)
	want := false
	switch {
	case a.closed:
		a.ended, a.failed = true, false
	case absolute || !a.failed:
		a.failed = false
		want = f(a.model)
	}
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}

// fill fills a chunk.
func (a *anyCalls) fill(back bool) error {
	what, fill := "NextChunk", a.it.NextChunk
	if back {
		what, fill = "PrevChunk", a.it.PrevChunk
	}
	ok := fill(&a.chunk)
	n := a.chunk.Len()
	a.say("%s = %v with %d rows", what, ok, n)
	if a.closed || a.failed {
		a.ended = a.closed
		a.failed = a.failed && !a.closed
		if ok || n != 0 {
			return fmt.Errorf("%s gave %d rows of no iterator", what, n)
		}
		return nil
	}
	rows, err := chunkOf(a.model, back, n)
	if err != nil || ok != (n > 0) {
		return fmt.Errorf("%s with %d rows: %v, %w", what, n, ok, err)
	}
	for i, want := range rows {
		if !sameRow(row{a.chunk.Key(i), a.chunk.Value(i)}, want) {
			return fmt.Errorf("%s: row %d is %s, want %s", what, i, quote(a.chunk.Key(i)), quote(want.key))
		}
	}
	return nil
}

// fillNothing gives nil for a chunk.
func (a *anyCalls) fillNothing() error {
	ok := pick(a.r, a.it.NextChunk, a.it.PrevChunk)(nil)
	a.say("a fill of no chunk = %v", ok)
	a.ended = a.ended || a.closed
	a.failed = !a.closed
	if ok {
		return errors.New("no chunk was filled")
	}
	return nil
}

// range_ ranges over some rows.
func (a *anyCalls) range_(what string, rows iter.Seq2[[]byte, []byte], start func(walker) bool, back bool) error {
	stop, n := pick(a.r, 1, 2, 10, 100), 0
	a.say("range over %d of %s", stop, what)
	a.failed = a.failed && a.closed
	more := start
	for key, value := range rows {
		if a.closed || !more(a.model) {
			return fmt.Errorf("%s yields row %d, %s, that is not there", what, n, quote(key))
		}
		if want, _ := a.model.row(); !sameRow(row{key, value}, want) {
			return fmt.Errorf("%s yields %s, want %s", what, quote(key), quote(want.key))
		}
		if n++; n == stop {
			return nil
		}
		more = func(w walker) bool { return w.step(back) }
	}
	if a.closed {
		a.ended, a.failed = true, false
		return nil
	}
	if more(a.model) {
		return fmt.Errorf("%s ends after %d rows", what, n)
	}
	return nil
}

func (a *anyCalls) bound() error {
	lower, upper := a.bounds()
	a.say("SetBounds %s %s", quote(lower), quote(upper))
	a.it.SetBounds(lower, upper)
	a.failed, a.ended = false, a.closed
	if !a.closed {
		a.shape.lower, a.shape.upper, a.shape.prefix = lower, upper, nil
		a.model.show(a.shape, a.state)
	}
	return nil
}

func (a *anyCalls) again() error {
	err := a.it.Refresh()
	a.say("Refresh: %v", err)
	a.failed, a.ended = false, a.closed
	if a.closed != errors.Is(err, dberr.ErrClosed) || !a.closed && err != nil {
		return fmt.Errorf("Refresh: %w", err)
	}
	if !a.closed {
		a.model.show(a.shape, a.state)
	}
	return nil
}

func (a *anyCalls) counts() error {
	rows, keys, values, err := a.it.Count(pick(a.r, nil, context.Background()))
	a.say("Count = %d, %v", rows, err)
	a.failed, a.ended = false, a.closed
	if a.closed {
		if rows != 0 || !errors.Is(err, dberr.ErrClosed) {
			return fmt.Errorf("Count of no iterator is %d, %w", rows, err)
		}
		return nil
	}
	if r, k, v := a.model.counted(); err != nil || rows != r || keys != k || values != v {
		return fmt.Errorf("Count is %d, %d, %d, want %d, %d, %d: %w", rows, keys, values, r, k, v, err)
	}
	a.model.fresh()
	return nil
}

func (a *anyCalls) close() error {
	err := a.it.Close()
	a.say("Close: %v", err)
	want := a.failed && !a.closed
	a.closed = true
	if want != errors.Is(err, dberr.ErrInvalidArgument) || !want && err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	return nil
}

// compared asks for what a row has.
func (a *anyCalls) compared(key []byte) error {
	a.say("compare with %s", quote(key))
	return a.session.compare(a.stands())
}

// stands is the row, and whether there is one: it stays after an error and after Close.
func (a *anyCalls) stands() ([]byte, bool) {
	r, on := a.model.row()
	return r.key, on
}

// standing compares what the iterator shows of its place.
func (a *anyCalls) standing() error {
	want, on := a.model.row()
	if got := a.it.Valid(); got != (on && !a.closed && !a.failed) {
		return fmt.Errorf("Valid is %v on a row (%v), closed %v, failed %v", got, on, a.closed, a.failed)
	}
	if got := a.it.Key(); string(got) != string(want.key) || on != (got != nil) {
		return fmt.Errorf("it stands on %s, want %s (%v)", quote(got), quote(want.key), on)
	}
	if len(want.value) > 1000 && !oneIn(a.r, 100) { // copying it would be most of the test
		return a.error()
	}
	if got := (row{a.it.Key(), a.it.Value()}); !sameRow(got, want) {
		return fmt.Errorf("its value is of %d bytes, want %d", len(got.value), len(want.value))
	}
	if k := a.it.KeyLen(); k != len(want.key) {
		return fmt.Errorf("KeyLen is %d, want %d", k, len(want.key))
	}
	if k, v := a.it.AppendKey([]byte("x")), a.it.AppendValue(nil); string(k) != "x"+string(want.key) || string(v) != string(want.value) {
		return fmt.Errorf("AppendKey gives %s, AppendValue %d bytes", quote(k), len(v))
	}
	return a.error()
}

func (a *anyCalls) error() error {
	err := a.it.Error()
	switch {
	case a.ended && errors.Is(err, dberr.ErrClosed), !a.ended && a.failed && errors.Is(err, dberr.ErrInvalidArgument):
		return nil
	case a.ended, a.failed, err != nil:
		return fmt.Errorf("Error is %w: ended %v, failed %v", err, a.ended, a.failed)
	}
	return nil
}
