package engine

import (
	"log/slog"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// LiveHandles counts the Go values that C has handles of.
func LiveHandles() int64 { return cbridge.LiveHandles() }

// SetCloseTimeout changes how long d's Close waits for calls in flight. Not while Close runs.
func SetCloseTimeout(d *DB, timeout time.Duration) { d.timeout = timeout }

// Children counts the handles that d has registered as open.
func Children(d *DB) int {
	d.children.mu.Lock()
	defer d.children.mu.Unlock()
	n := 0
	for c := d.children.head; c != nil; c = c.next {
		n++
	}
	return n
}

// SetMultiGetMost changes how many bytes the values of a MultiGet may take, and gives back what puts
// it right again. Not while one runs.
func SetMultiGetMost(n uint64) (restore func()) {
	old := multiGetMost
	multiGetMost = n
	return func() { multiGetMost = old }
}

// SetSecondaryTimeout changes how long s's Close waits. Not while Close runs.
func SetSecondaryTimeout(s *Secondary, timeout time.Duration) { s.timeout = timeout }

// WithoutLanes has databases opened with o let any number of goroutines into C.
func WithoutLanes(o *Options) { o.unbounded = true }

// HoldColdReads takes every slot that a cold read could have, until release.
func HoldColdReads(d *DB) (release func()) {
	l := d.guard.lanes
	held := []*lane{&l.direct, &l.reads}
	for _, one := range held {
		for range one.width {
			one.acquire(nil)
		}
	}
	return func() {
		for _, one := range held {
			for range one.width {
				one.release()
			}
		}
	}
}

// ColdReadsWaiting is how many lookups of d wait to be made together.
func ColdReadsWaiting(d *DB) int {
	q := &d.guard.lanes.cold
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.len
}

// ReadApart has d make each cold read by itself, or not. Not while any runs.
func ReadApart(d *DB, apart bool) { d.guard.lanes.apart = apart }

// MakeOlder has the open handles of d look older than they are.
func MakeOlder(d *DB, by time.Duration) {
	d.children.mu.Lock()
	defer d.children.mu.Unlock()
	for c := d.children.head; c != nil; c = c.next {
		c.since -= by
	}
}

// LogLine is a message of RocksDB's LOG.
type LogLine struct {
	At                   time.Time
	Level                slog.Level
	Thread, Source, Text string
}

// ParseLogLine reads the first line of a message.
func ParseLogLine(s string) (LogLine, bool) {
	l, ok := parseLogLine(s)
	return LogLine{l.at, l.level, l.thread, l.source, l.text}, ok
}

// Follower is a follower that looks at the LOG only when it is told to.
type Follower struct{ f *follower }

// Follow begins to follow the LOG in dir.
func Follow(dir string, l *slog.Logger) Follower { return Follower{newFollower(dir, l)} }

// Look does what a follower does every second.
func (f Follower) Look() { f.f.look(false) }

// Stop does what it does last.
func (f Follower) Stop() { f.f.look(true) }

// PredicateProgram is what C gets of a predicate.
func PredicateProgram(p *Predicate) []byte { return p.compiled() }

// LockWaiters is how many wait for locks of keys.
func LockWaiters(d *DB) (n int) {
	t := d.tx.locks
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.locks {
		n += l.queue.len + l.upgrades.len
	}
	return n
}

// LockedKeys is how many keys are locked.
func LockedKeys(d *DB) int {
	d.tx.locks.mu.Lock()
	defer d.tx.locks.mu.Unlock()
	return len(d.tx.locks.locks)
}

// Eager has iterators made with o fill in the background after every fill.
func Eager(o *IterOptions) *IterOptions {
	o.eager = true
	return o
}

// ScanSlots is how many slots of d's lane for iterators are taken.
func ScanSlots(d *DB) int64 { return d.guard.lanes.scans.state.Load() % lineUp }

// FillsAhead is how many fills of d's open iterators were made in the background.
func FillsAhead(d *DB) (n uint64) {
	d.children.mu.Lock()
	defer d.children.mu.Unlock()
	for c := d.children.head; c != nil; c = c.next {
		if o, ok := c.owner.(*iterOwner); ok {
			n += o.stats.Ahead.Load()
		}
	}
	return n
}

// Filling has iterators made with o ask for so many bytes in each fill, or for what one row needs.
func Filling(o *IterOptions, bytes int) *IterOptions {
	o.fill = bytes
	return o
}

// StepsOf makes an iterator of C over what r shows, a DB, a ColumnFamily, a Snapshot or an IndexedBatch, that no
// database lists: it must be freed before the database's Close, and not be used in two goroutines.
func StepsOf(r Reader, o *IterOptions) (*cbridge.Iter, error) {
	if b, ok := r.(*IndexedBatch); ok {
		v, err := b.lockView()
		if err != nil {
			return nil, err
		}
		defer b.s.mu.Unlock()
		rep, err := b.s.replay()
		if err != nil {
			return nil, err
		}
		c, err := b.s.over.NewIter(rep, v.cf.c, o.plan())
		if err == nil {
			b.s.taken(rep)
		}
		return c, err
	}
	v, _, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	read, err := v.enter(opNewIter, nil, nil)
	if err != nil {
		return nil, err
	}
	defer v.leave(opNewIter)
	return v.cf.c.NewIter(read.Snapshot, o.plan())
}
