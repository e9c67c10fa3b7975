package engine

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// opKind names the calls that the guard tells apart: when Close gives up, it says which are running.
type opKind uint8

const (
	opGet opKind = iota
	opGetPinned
	opHas
	opNewIter
	opIterate
	opWrite
	opSnapshot
	opFamily
	opFlush
	opCompact
	opCheckpoint
	opSyncWAL
	opFlushWAL
	opProperty
	opBatch
	opMultiGet
	opOptions
	opView
	opCatchUp
	opWaitForCompact
	opCancel
	opMetrics
	opIngest
	opImport
	opTx
	opBackup
	opUpdates
	opFiles
	opStatistics
	opResume
	opPause
	opGetEntity
	opSizes
	opTrace
	opSuggest
	opSettle // what goes on behind a call: dropped families are freed, options set again
	opKinds
)

var opNames = [opKinds]string{
	"get", "get pinned", "has", "new iterator", "iterate", "write", "snapshot",
	"column family", "flush", "compact", "checkpoint", "sync WAL", "flush WAL", "property",
	"indexed batch", "multi get", "options", "view", "catch up",
	"wait for compact", "end of background work",
	"metrics",
	"ingest",
	"import",
	"transaction",
	"backup",
	"updates",
	"files",
	"statistics",
	"resume",
	"pause",
	"get entity",
	"approximate sizes",
	"trace",
	"suggest compact",
	"settle",
}

// guard stands round every call into C. It counts the calls in flight, so that Close can wait for
// them, and refuses calls once Close has begun. It is what keeps a closed database from crashing. It
// also takes the call's lane, where the call as a whole has one.
type guard struct {
	closing atomic.Bool
	stopped atomic.Uint64 // bits of the kinds whose new calls stand aside for a moment: see drain
	lanes   *lanes        // nil: no bound
	running [opKinds]callCount
}

// enter begins a call, unless the database is closing or ctx (which may be nil) has ended.
func (g *guard) enter(ctx context.Context, op opKind) error {
	if ctx != nil {
		if err := ctx.Err(); err != nil {
			return dberr.FromContext(opNames[op], err)
		}
	}
	// Counted before the flag is read, as Close sets the flag before it reads the counts: one of the
	// two sees the other.
	g.running[op].begin()
	for g.closing.Load() || g.stopped.Load() != 0 {
		if g.closing.Load() {
			g.running[op].refuse()
			return ErrClosed
		}
		if !g.standAside(op) {
			break
		}
	}
	if l := g.lanes.of(op); l != nil {
		if err := l.acquire(ctx); err != nil {
			g.running[op].refuse()
			return describe(err, opNames[op], "")
		}
	}
	return nil
}

// tryEnter is enter for a call that can be left out: it does not wait for its lane.
func (g *guard) tryEnter(op opKind) bool {
	g.running[op].begin()
	if l := g.lanes.of(op); !g.closing.Load() && !g.stops(op) && (l == nil || l.try()) {
		return true
	}
	g.running[op].refuse()
	return false
}

// leave ends a call that enter or tryEnter let in.
func (g *guard) leave(op opKind) {
	if l := g.lanes.of(op); l != nil {
		l.release()
	}
	g.running[op].end()
}

// busy names the calls in flight, or is empty.
func (g *guard) busy() string {
	var names []string
	for op := range g.running {
		if g.running[op].running() != 0 {
			names = append(names, opNames[op])
		}
	}
	return strings.Join(names, ", ")
}

// shut refuses new calls and waits until those in flight have ended. After half the time-out it calls
// hurry, which may be nil; after all of it, it names those that have not.
func (g *guard) shut(timeout time.Duration, hurry func()) (running string) {
	begun := time.Now()
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		running = g.busy()
		waited := time.Since(begun)
		if running == "" || waited > timeout {
			return running
		}
		if waited > timeout/2 && hurry != nil {
			hurry()
			hurry = nil
		}
		time.Sleep(pause)
	}
}

// refuse refuses new calls, and those that wait in a lane.
func (g *guard) refuse() {
	g.closing.Store(true)
	g.lanes.close()
}

// aside runs a call into C in a goroutine. It counts as one in flight.
func (g *guard) aside(op opKind, call func()) {
	g.running[op].begin()
	go func() {
		defer g.running[op].end()
		call()
	}()
}
