package engine

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// RocksDB's threads tell what they do to a listener in C, which puts it into a bounded queue and goes on: no thread
// of RocksDB's ever runs Go, nor waits for somebody who reads.

// Event is something that RocksDB did, or that happened to it. Fields that a comment does not give to a kind, or that
// the linked RocksDB does not tell, are zero; see docs/observability.md.
type Event struct {
	Kind   EventKind
	Number uint64 // from 1 on, over all events of the database; numbers that are missing were dropped
	Time   time.Time
	Family string
	Job    int    // RocksDB's number of the flush or compaction, as in its LOG; -1: none
	Path   string // of the file that was written, deleted or ingested
	Reason string // why: of a flush, a compaction, a background error, a new table
	Err    error  // an *Error, with a code as from a call

	Compaction EventCompaction // of CompactionBegun and CompactionCompleted

	Rows, Bytes                 uint64     // of a table created; Rows of a flush completed and of a file ingested
	Entries, Deletes            uint64     // of a memtable sealed: all, and of these deletes
	FirstSequence, LastSequence uint64     // of a flush completed; the first also of a memtable sealed
	StalledBefore, StalledNow   StallState // of StallChanged
}

// EventCompaction is of a compaction; what it wrote is known once it is completed.
type EventCompaction struct {
	Level, OutputLevel int // the uppermost that it reads, and the one that it writes
	FilesIn, FilesOut  uint64
	RowsIn, RowsOut    uint64
	BytesIn, BytesOut  uint64
	Elapsed            time.Duration
}

// mostEvents is the limit of Options.Events.
const mostEvents = 1 << 20

// eventsEvery is how often somebody who waits for events looks into the queue.
const eventsEvery = 20 * time.Millisecond

// eventQueue is what is known of a database's events. nil: nobody asked for them.
type eventQueue struct {
	mu      sync.Mutex
	c       *cbridge.Events // nil: the database is closed
	taken   []cbridge.Event // and not handed out yet
	counts  cbridge.EventCounts
	cleanup runtime.Cleanup
}

func (o *Options) validateEvents() error {
	switch {
	case o.ManualRecovery && !Supports(Resume):
		return describeOption(unsupported("open", Resume), "ManualRecovery")
	case o.Events == 0:
		return nil
	case o.Events < 0 || o.Events > mostEvents:
		return invalid("open", "Events is out of range")
	case o.ReadOnly:
		return invalid("open", "Events: nothing happens in a database that is open for reading only")
	case !Supports(EventListeners):
		return describeOption(unsupported("open", EventListeners), "Events")
	}
	return nil
}

// watchEvents has the plan's database tell its events, if o asks for it.
func (d *DB) watchEvents(plan *cbridge.Plan, o *Options) error {
	if o.Events == 0 {
		return nil
	}
	c, err := cbridge.NewEvents(uint64(o.Events))
	if err != nil {
		return err
	}
	plan.Events(c)
	d.events = &eventQueue{c: c}
	d.events.cleanup = runtime.AddCleanup(d.events, func(c *cbridge.Events) { c.Free() }, c)
	return nil
}

// end keeps what has come, once the database is closed, and frees the queue in C.
func (q *eventQueue) end() {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.c == nil {
		return
	}
	q.cleanup.Stop()
	q.taken = append(q.taken, q.c.Take()...)
	q.counts = q.c.Count()
	q.c.Free()
	q.c = nil
}

// next takes the oldest event; open tells whether more may come.
func (q *eventQueue) next() (e cbridge.Event, ok, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.taken) == 0 && q.c != nil {
		q.taken = q.c.Take()
	}
	if len(q.taken) == 0 {
		return e, false, q.c != nil
	}
	e = q.taken[0]
	q.taken[0] = cbridge.Event{}
	q.taken = q.taken[1:]
	return e, true, true
}

// count gives the counts, also of a closed database; events that were taken and not handed out wait too.
func (q *eventQueue) count() cbridge.EventCounts {
	if q == nil {
		return cbridge.EventCounts{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.counts
	if q.c != nil {
		n = q.c.Count()
	}
	n.Waiting += uint64(len(q.taken))
	return n
}

// Events gives what happens in the database, oldest first, and waits for more, until ctx, which may be nil, ends or the
// database is closed: its last pair has the error, the context's or ErrClosed, which comes after what happened until
// then. Options.Events asks for them and says how many are kept for somebody to take; ErrInvalidArgument without it.
// What comes while as many wait is dropped: Number tells, and Metrics counts. Each event goes to one taker. It appears
// up to 20 ms after it happened. An event is told by a thread that does the work, so those of different work come in no
// certain order.
func (d *DB) Events(ctx context.Context) iter.Seq2[Event, error] {
	if ctx == nil {
		ctx = context.Background()
	}
	return func(yield func(Event, error) bool) {
		if d == nil || d.c == nil {
			yield(Event{}, ErrClosed)
			return
		}
		if d.events == nil {
			err := error(invalid("events", "Options.Events was not set"))
			if d.guard.closing.Load() {
				err = ErrClosed
			}
			yield(Event{}, d.describe(err, "events"))
			return
		}
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			c, ok, open := d.events.next()
			switch {
			case ok && !yield(d.event(&c), nil):
				return
			case ok:
				continue
			case !open:
				yield(Event{}, ErrClosed)
				return
			}
			timer.Reset(eventsEvery)
			select {
			case <-timer.C:
			case <-ctx.Done():
				yield(Event{}, d.describe(dberr.FromContext("events", ctx.Err()), "events"))
				return
			}
		}
	}
}

// event gives an event in the API's terms.
func (d *DB) event(c *cbridge.Event) Event {
	kind := EventKind(c.Kind)
	e := Event{
		Kind: kind, Number: c.Number, Time: c.At, Family: c.Family, Job: c.Job, Path: c.Path, Reason: kind.reason(c.Reason),
		Entries: c.Entries, Deletes: c.Deletes, FirstSequence: c.FirstSequence, LastSequence: c.LastSequence,
		StalledBefore: StallState(c.StallBefore), StalledNow: StallState(c.Stall),
	}
	if c.Err != nil {
		e.Err = describeFamily(describe(c.Err, kind.String(), d.path), c.Family)
	}
	if kind == CompactionBegun || kind == CompactionCompleted {
		e.Compaction = EventCompaction{
			Level: c.Level, OutputLevel: c.OutputLevel, FilesIn: c.FilesIn, FilesOut: c.FilesOut, RowsIn: c.RecordsIn,
			RowsOut: c.RecordsOut, BytesIn: c.BytesIn, BytesOut: c.BytesOut, Elapsed: time.Duration(c.Elapsed) * time.Microsecond,
		}
		return e
	}
	e.Rows, e.Bytes = c.RecordsOut, c.BytesOut
	return e
}

// EventMetrics is of Options.Events.
type EventMetrics struct {
	Counts  map[string]uint64 `json:"counts"`  // totals by kind, dropped ones too
	Dropped uint64            `json:"dropped"` // total: came while as many waited as Options.Events allows
	Waiting uint64            `json:"waiting"` // for somebody to take them
}

func (q *eventQueue) metrics() EventMetrics {
	c := q.count()
	m := EventMetrics{Counts: map[string]uint64{}, Dropped: c.Dropped, Waiting: c.Waiting}
	for _, k := range EventKinds() {
		m.Counts[k.String()] = c.OfKind[k]
	}
	return m
}
