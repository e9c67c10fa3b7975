package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// lane lets width goroutines into C at once. The others wait in Go, where they cost no thread, in the
// order of their coming; nobody overtakes them.
type lane struct {
	name  string
	width int64
	state atomic.Int64 // slots taken, and above them, times lineUp, how many wait

	mu          sync.Mutex // round what follows, and every change of how many wait
	first, last *laneWaiter
	closed      bool

	waits  atomic.Uint64 // calls that had to wait
	waited atomic.Int64  // how long, in nanoseconds
}

// lineUp is one goroutine that waits, in a lane's state.
const lineUp = 1 << 32

// laneWaiter is a goroutine that waits for a slot.
type laneWaiter struct {
	turn       chan bool // of one place: true with a slot, false when the lane was closed
	prev, next *laneWaiter
	gone       bool // it is not in line any more: turn has, or gets, a value
}

var laneWaiters = sync.Pool{New: func() any { return &laneWaiter{turn: make(chan bool, 1)} }}

// try takes a slot if one is free and nobody waits for it.
func (l *lane) try() bool {
	for {
		s := l.state.Load()
		if s >= l.width { // taken, or somebody waits
			return false
		}
		if l.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

// acquire takes a slot, waiting for it until ctx, which may be nil, ends. ErrClosed once the lane is
// closed.
func (l *lane) acquire(ctx context.Context) error {
	if l.try() {
		return nil
	}
	w := laneWaiters.Get().(*laneWaiter)
	if taken, err := l.join(w); taken || err != nil {
		laneWaiters.Put(w)
		return err
	}
	begun := time.Now()
	got, err := l.wait(ctx, w)
	laneWaiters.Put(w)
	l.waits.Add(1)
	l.waited.Add(int64(time.Since(begun)))
	switch {
	case err != nil:
		return err
	case !got:
		return ErrClosed
	}
	return nil
}

// join puts w in line, unless there is a slot after all.
func (l *lane) join(w *laneWaiter) (taken bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, ErrClosed
	}
	for {
		s := l.state.Load()
		step := int64(lineUp)
		if s < l.width {
			step = 1
		}
		if l.state.CompareAndSwap(s, s+step) {
			if step == 1 {
				return true, nil
			}
			break
		}
	}
	w.prev, w.next, w.gone = l.last, nil, false
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	return false, nil
}

// wait waits for w's turn.
func (l *lane) wait(ctx context.Context, w *laneWaiter) (got bool, err error) {
	if ctx == nil || ctx.Done() == nil {
		return <-w.turn, nil
	}
	select {
	case got = <-w.turn:
		return got, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	gone := w.gone
	if !gone {
		l.remove(w)
		l.state.Add(-lineUp)
	}
	l.mu.Unlock()
	if gone && <-w.turn { // its turn came at the same moment
		l.release()
	}
	return false, dberr.FromContext("", ctx.Err())
}

// remove takes w out of the line.
func (l *lane) remove(w *laneWaiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.gone = nil, nil, true
}

// release gives a slot back: to the one who has waited longest.
func (l *lane) release() {
	for {
		s := l.state.Load()
		if s >= lineUp {
			break
		}
		if l.state.CompareAndSwap(s, s-1) {
			return
		}
	}
	l.mu.Lock()
	w := l.first
	if w == nil { // the line has gone meanwhile
		l.state.Add(-1)
	} else {
		l.remove(w)
		l.state.Add(-lineUp)
	}
	l.mu.Unlock()
	if w != nil {
		w.turn <- true
	}
}

// close sends those who wait away, and everybody who would have to wait later.
func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	w := l.first
	for v := w; v != nil; v = v.next {
		l.state.Add(-lineUp)
		v.gone = true
	}
	l.first, l.last = nil, nil
	l.mu.Unlock()
	for w != nil {
		next := w.next // after its turn it may be in another line
		w.prev, w.next = nil, nil
		w.turn <- false
		w = next
	}
}
