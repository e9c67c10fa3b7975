package engine

import (
	"context"
	"runtime"
)

// A goroutine that blocks in C holds a thread of the operating system, and Go ends the process when it
// needs more than 10,000. So no call goes into C but through one of these lanes.
//
// The fast lane is for calls that are expected not to block. Half of it serves reads that may turn out
// to be cold, as long as there are few of them: then a read is one call into C, as it is without
// lanes. Beyond that a read looks into the cache only, in the other half, and where that is not enough
// goes on to the gate. So reads that the cache serves never stand behind cold ones. Where the gate has
// no slot for a cold read either, those that wait are made together: see coldReads.
//
// The gate is for calls that may block, one part for each kind, so that writes which are stalled, or
// compactions, leave the others their slots.
type lanes struct {
	direct lane // the fast lane: reads that may be cold
	quick  lane // the fast lane: the rest

	reads   lane // the gate: cold reads
	scans   lane // the gate: iterators
	writes  lane // the gate: commits and syncs of the log
	work    lane // the gate: flush, compaction, checkpoint, families
	compact lane // manual compactions, one at a time; who has it takes a slot for work too

	cold  coldReads // waits for reads
	apart bool      // for tests that compare: cold reads are never made together
}

// laneKind tells what lane a call takes as a whole.
type laneKind uint8

const (
	laneNone  laneKind = iota // its parts take lanes by themselves
	laneQuick                 //
	laneScans                 //
	laneWork                  //
)

// opLanes are the lanes of the calls. Those of lookups are taken by guard.read, those of writes by the
// commits, those of compactions by Compact, that of a pause by PauseBackground: its end must not wait behind calls that
// wait for it. Nor must SetOptions, which may end a stall; one runs at a time.
var opLanes = [opKinds]laneKind{
	opNewIter: laneScans, opIterate: laneScans, opSnapshot: laneQuick, opFamily: laneWork,
	opFlush: laneWork, opCheckpoint: laneWork, opWaitForCompact: laneWork,
	opProperty: laneQuick, opBatch: laneQuick, opMetrics: laneQuick,
	opIngest: laneWork, opBackup: laneWork, opUpdates: laneScans, opFiles: laneWork, opStatistics: laneQuick,
	opResume: laneWork, opSizes: laneScans, opTrace: laneWork, opSuggest: laneWork,
}

// Limits of Options.FastLane and Options.Gate. Go allows 10,000 threads.
const (
	minFastLane    = 2
	minGate        = 4
	maxLanes       = 4096
	gateDefault    = 64
	fastPerProc    = 4
	compactsAtOnce = 1
)

// newLanes makes the lanes of one database, of the widths in o.
func newLanes(o *Options) *lanes {
	if o.unbounded {
		return nil
	}
	fast, gate := int64(o.FastLane), int64(o.Gate)
	if fast == 0 {
		fast = min(fastPerProc*int64(runtime.GOMAXPROCS(0)), maxLanes)
	}
	if gate == 0 {
		gate = gateDefault
	}
	l := &lanes{}
	l.direct.width = fast / 2
	l.quick.width = fast - fast/2
	l.scans.width, l.writes.width, l.work.width = gate/4, gate/4, gate/4
	l.reads.width = gate - 3*(gate/4)
	l.compact.width = compactsAtOnce
	l.cold.lane = &l.reads
	for i, name := range [...]string{"fast_direct", "fast_quick", "gate_reads", "gate_scans", "gate_writes", "gate_work", "compact"} {
		l.all()[i].name = name
	}
	return l
}

// validateLanes refuses widths that leave a lane without a slot, or Go without threads.
func (o *Options) validateLanes() error {
	switch {
	case o.FastLane != 0 && o.FastLane < minFastLane || o.FastLane > maxLanes:
		return invalid("open", "FastLane must be 0 or between 2 and 4096")
	case o.Gate != 0 && o.Gate < minGate || o.Gate > maxLanes:
		return invalid("open", "Gate must be 0 or between 4 and 4096")
	}
	return nil
}

// of gives the lane that calls of a kind take as a whole; nil: none.
func (l *lanes) of(op opKind) *lane {
	if l == nil {
		return nil
	}
	switch opLanes[op] {
	case laneQuick:
		return &l.quick
	case laneScans:
		return &l.scans
	case laneWork:
		return &l.work
	}
	return nil
}

// enterCompact takes what a manual compaction needs. Its own lane comes first, so that those who wait
// for it take no slots.
func (l *lanes) enterCompact(ctx context.Context) error {
	if l == nil {
		return nil
	}
	if err := l.compact.acquire(ctx); err != nil {
		return err
	}
	if err := l.work.acquire(ctx); err != nil {
		l.compact.release()
		return err
	}
	return nil
}

// leaveCompact gives back what enterCompact took.
func (l *lanes) leaveCompact() {
	if l != nil {
		l.work.release()
		l.compact.release()
	}
}

// enterWork takes a slot for work, for a call that has waited in Go before.
func (l *lanes) enterWork(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.work.acquire(ctx)
}

// leaveWork gives back what enterWork took.
func (l *lanes) leaveWork() {
	if l != nil {
		l.work.release()
	}
}

// close sends away everybody who waits.
func (l *lanes) close() {
	for _, one := range l.all() {
		one.close()
	}
}

// all are the lanes, in the order of the fast one, the gate, and what stands before that.
func (l *lanes) all() []*lane {
	if l == nil {
		return nil
	}
	return []*lane{&l.direct, &l.quick, &l.reads, &l.scans, &l.writes, &l.work, &l.compact}
}

// lookup is a read of a key, or of several, as it goes through the lanes.
type lookup struct {
	cacheOnly bool // the caller wants to look into the cache only
	blind     bool // the cache alone cannot be asked

	// call is the call into C. It is told whether to look into the cache only, and answers then whether
	// that was not enough.
	call func(probe bool) (miss bool)
	// join makes the lookup together with others, and answers whether it has to be made alone after
	// all; nil: it cannot be.
	join func(q *coldReads) (alone bool, err error)
}

// read takes a lookup through the lanes.
func (l *lanes) read(ctx context.Context, t lookup) error {
	switch {
	case l == nil:
		t.call(false)
		return nil
	case t.cacheOnly:
		return l.quick.run(ctx, t.call)
	case l.direct.try():
		t.call(false)
		l.direct.release()
		return nil
	}
	if !t.blind {
		if err := l.quick.acquire(ctx); err != nil {
			return err
		}
		miss := t.call(true)
		l.quick.release()
		if !miss {
			return nil
		}
	}
	if t.join != nil && !l.apart {
		if l.reads.try() {
			t.call(false)
			l.reads.release()
			return nil
		}
		if alone, err := t.join(&l.cold); !alone || err != nil {
			return err
		}
	}
	return l.reads.run(ctx, t.call)
}

// run is a lookup in a slot of the lane.
func (l *lane) run(ctx context.Context, call func(probe bool) (miss bool)) error {
	if err := l.acquire(ctx); err != nil {
		return err
	}
	call(false)
	l.release()
	return nil
}
