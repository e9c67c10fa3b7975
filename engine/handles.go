package engine

import (
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"
)

// The profile of open handles, and their ages.

// handles is the profile that ProfileHandles fills. Its entries are records, which refer to nothing:
// handles themselves would never be collected.
var handles = pprof.NewProfile("rockbridge.handles")

var profiling atomic.Bool

// ProfileHandles has the profile "rockbridge.handles" of package runtime/pprof, which net/http/pprof
// serves too, gather the open databases, iterators, snapshots, indexed batches and transactions with the stacks that
// made them: those that are made while it is on. Reports of handles that were never closed then have
// the stack too. It walks the stack of each handle: to make and close an iterator that reads nothing
// took 2.8 times as long, so it is off at first. Safe for concurrent use.
func ProfileHandles(on bool) { profiling.Store(on) }

// record is a handle's entry in the profile.
type record struct {
	kind string
	pcs  []uintptr
}

// deepest is how much of a stack is kept.
const deepest = 32

// newRecord enters a handle into the profile. skip is how many callers to leave out, its own first.
func newRecord(kind string, skip int) *record {
	r := &record{kind: kind, pcs: make([]uintptr, deepest)}
	r.pcs = r.pcs[:runtime.Callers(skip+2, r.pcs)]
	handles.Add(r, skip+1)
	return r
}

// stack is the stack as text, a line a frame; empty if there is no record.
func (r *record) stack() string {
	if r == nil || len(r.pcs) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(r.pcs)
	for {
		f, more := frames.Next()
		b.WriteString(f.Function + " " + f.File + ":" + utoa(uint32(f.Line)) + "\n")
		if !more {
			return b.String()
		}
	}
}

// watched is what is known of an open handle besides its use.
type watched struct {
	since   time.Duration // its making, by age's clock
	record  *record       // nil: it is not in the profile
	cleanup runtime.Cleanup
}

// born begins the life of a handle. It is called by what the exported function calls.
func (w *watched) born(kind string) {
	w.since = age(0)
	if profiling.Load() {
		w.record = newRecord(kind, 2)
	}
}

// buried ends the life of a handle, as far as the profile is concerned.
func (w *watched) buried() {
	if w.record != nil {
		handles.Remove(w.record)
	}
}

var started = time.Now()

// age is the time since another, by a clock that began with the process.
func age(since time.Duration) time.Duration { return time.Since(started) - since }
