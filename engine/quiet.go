package engine

import (
	"slices"
	"time"
)

// How long calls may be held up for a drain, and how often that is tried. Most calls take microseconds.
const (
	drainFor   = 10 * time.Millisecond
	drainFirst = 100 * time.Millisecond // after so long without
	drainLast  = time.Minute            // between two, in the end
)

const _ = uint64(64 - opKinds) // guard.stopped has a bit for each

// quiet waits until every call has ended that was in flight when it was called: for each kind of calls there has then been a
// moment without any. Calls that begin meanwhile may be in flight. False: the database is being closed. Where calls
// follow each other without a gap, it has new ones wait for some milliseconds.
func (g *guard) quiet() bool {
	left := make([]opKind, opKinds)
	for op := range left {
		left[op] = opKind(op)
	}
	begun, next, wait := time.Now(), drainFirst, drainFirst
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if left = g.unseen(left); len(left) == 0 {
			return true
		}
		if g.closing.Load() {
			return false
		}
		if time.Since(begun) > next {
			left = g.drain(left)
			wait = min(2*wait, drainLast)
			next = time.Since(begun) + wait
			continue
		}
		time.Sleep(pause)
	}
}

// unseen leaves out the kinds of which no call is in flight.
func (g *guard) unseen(ops []opKind) []opKind {
	return slices.DeleteFunc(ops, func(op opKind) bool { return g.running[op].running() == 0 })
}

// drain has new calls of the kinds wait, for drainFor at most, and gives those of which there was a call in flight all the
// time. A call that waits for another one, in which it runs perhaps, so goes on.
func (g *guard) drain(ops []opKind) []opKind {
	var bits uint64
	for _, op := range ops {
		bits |= 1 << op
	}
	g.stopped.Store(bits)
	defer g.stopped.Store(0)
	for begun := time.Now(); len(ops) > 0 && time.Since(begun) < drainFor && !g.closing.Load(); {
		time.Sleep(20 * time.Microsecond)
		ops = g.unseen(ops)
	}
	return ops
}

// stops tells whether new calls of a kind have to wait.
func (g *guard) stops(op opKind) bool { return g.stopped.Load()&(1<<op) != 0 }

// standAside has a call that has begun wait until it may begin again, if it has to.
func (g *guard) standAside(op opKind) bool {
	if !g.stops(op) {
		return false
	}
	g.running[op].refuse()
	for g.stops(op) {
		time.Sleep(20 * time.Microsecond)
	}
	g.running[op].begin()
	return true
}
