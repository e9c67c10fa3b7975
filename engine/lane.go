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

	mu     sync.Mutex // round what follows, and every change of how many wait
	line   line[*laneWaiter]
	closed bool

	waits  atomic.Uint64 // calls that had to wait
	waited atomic.Int64  // how long, in nanoseconds
}

// lineUp is one goroutine that waits, in a lane's state.
const lineUp = 1 << 32

// laneWaiter is a goroutine that waits for a slot.
type laneWaiter struct {
	turn  chan bool          // holds one: true with a slot, false when the lane was closed
	place place[*laneWaiter] // gone: turn has, or gets, a value
}

var laneWaiters = sync.Pool{New: func() any {
	w := &laneWaiter{turn: make(chan bool, 1)}
	w.place.of = w
	return w
}}

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
	l.line.push(&w.place)
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
	gone := w.place.gone
	if !gone {
		l.line.remove(&w.place)
		l.state.Add(-lineUp)
	}
	l.mu.Unlock()
	if gone && <-w.turn { // its turn came at the same moment
		l.release()
	}
	return false, dberr.FromContext("", ctx.Err())
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
	w, ok := l.line.pop()
	if ok {
		l.state.Add(-lineUp)
	} else { // the line has gone meanwhile
		l.state.Add(-1)
	}
	l.mu.Unlock()
	if ok {
		w.turn <- true
	}
}

// close sends those who wait away, and everybody who would have to wait later.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for w, ok := l.line.pop(); ok; w, ok = l.line.pop() {
		l.state.Add(-lineUp)
		w.turn <- false // it has room
	}
}
