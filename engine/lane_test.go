package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever the goroutines do, no more of them are in than the lane is wide, and in the end every slot is
// free again: none is lost to a caller who gave up just when its turn came.
func TestALaneKeepsItsWidthAndItsSlots(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for range rounds {
		l := &lane{width: 1 + rand.Int64N(4)}
		var in, most atomic.Int64
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for range 20 {
					if !enterFor(l, time.Duration(rand.IntN(30))*time.Microsecond) {
						continue
					}
					n := in.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					if rand.IntN(2) == 0 {
						time.Sleep(time.Microsecond)
					}
					in.Add(-1)
					l.release()
				}
			})
		}
		wg.Wait()
		if most.Load() > l.width {
			t.Fatalf("%d were in a lane of width %d", most.Load(), l.width)
		}
		if s := l.state.Load(); s != 0 || l.line.first != nil || l.line.len != 0 {
			t.Fatalf("the lane is empty, and its state %#x", s)
		}
	}
}

// enterFor takes a slot, and waits no longer than d for it; for ever if d is 0.
func enterFor(l *lane, d time.Duration) bool {
	if d == 0 {
		return l.acquire(nil) == nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return l.acquire(ctx) == nil
}

// waiting waits until n goroutines stand in line.
func (l *lane) waiting(t *testing.T, n int64) {
	t.Helper()
	for begin := time.Now(); l.state.Load()/lineUp != n; time.Sleep(10 * time.Microsecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d wait, want %d", l.state.Load()/lineUp, n)
		}
	}
}

func TestALaneServesInTheOrderOfComing(t *testing.T) {
	l := &lane{width: 1}
	l.acquire(nil)
	const n = 100
	order := make(chan int, n)
	for i := range n {
		go func() {
			l.acquire(nil)
			order <- i
			l.release()
		}()
		l.waiting(t, int64(i+1))
	}
	if l.try() {
		t.Error("somebody overtook those who wait")
	}
	l.release()
	for want := range n {
		if got := <-order; got != want {
			t.Fatalf("number %d came in place of %d", got, want)
		}
	}
}

func TestWhoWaitsInALaneLeavesWithItsContext(t *testing.T) {
	l := &lane{width: 1}
	l.acquire(nil)
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error, 3)
	for range cap(left) {
		go func() { left <- l.acquire(ctx) }()
	}
	l.waiting(t, 3)
	cancel()
	for range cap(left) {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	l.waiting(t, 0)
	l.release()
	if !l.try() {
		t.Error("the slot is lost")
	}
}

func TestAClosedLaneSendsAwayWhoWaits(t *testing.T) {
	l := &lane{width: 1}
	l.acquire(nil)
	left := make(chan error, 10)
	for i := range cap(left) {
		ctx := context.Background()
		if i%2 == 0 {
			c, cancel := context.WithCancel(ctx)
			defer cancel()
			ctx = c
		}
		go func() { left <- l.acquire(ctx) }()
	}
	l.waiting(t, 10)
	l.close()
	for range cap(left) {
		if err := <-left; err != ErrClosed {
			t.Errorf("who waited: %v", err)
		}
	}
	if err := l.acquire(nil); err != ErrClosed {
		t.Errorf("who comes later: %v", err)
	}
	l.release()
	if s := l.state.Load(); s != 0 {
		t.Errorf("state %#x", s)
	}
}

// Every kind of call has a lane, but for those whose parts take one, or that are not calls of a database's.
func TestEveryKindOfCallHasALane(t *testing.T) {
	within := map[opKind]string{
		opGet: "lookup", opGetPinned: "lookup", opHas: "lookup", opGetEntity: "lookup", opMultiGet: "lookup", opWrite: "commit", opImport: "commit", opTx: "its parts", opSyncWAL: "syncer", opFlushWAL: "that of writes",
		opCompact: "enterCompact", opPause: "enterWork", opOptions: "one at a time", opView: "Secondary", opCatchUp: "Secondary", opCancel: "Close",
		opSettle: "one at a time, and for each family",
	}
	l := newLanes(&Options{})
	for op := range opKinds {
		if why, exempt := within[op]; (l.of(op) == nil) != exempt {
			t.Errorf("%s: lane %v, exempt as a %q", opNames[op], l.of(op), why)
		}
	}
}
