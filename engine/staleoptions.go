package engine

import (
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// RocksDB before 9.11 lets a flush or compaction put the options that were in force when it began back into force when it
// ends, the triggers among them by which writes are stopped. After a SetOptions that raised them all writes may so stop
// for good. There the options are set once more when what ran meanwhile has ended.

// settleLate is how often it is looked in the end. Close waits so long.
const settleLate = 100 * time.Millisecond

// settling is a call of SetOptions whose options may have to be set again.
type settling struct {
	c      *ColumnFamily
	number uint64 // of the family's calls
	apply  func() error
	before uint64 // what superVersion was

	mu   sync.Mutex // the call does not end while its options are set beside it
	over chan struct{}
	err  error // what the call answered
}

// setForGood sets options by apply, and sees to it that they stay in force. The caller holds the family.
func (c *ColumnFamily) setForGood(apply func() error) error {
	if linkedSince("9.11") {
		return apply()
	}
	s := &settling{c: c, number: c.changes.Add(1), apply: apply, before: c.superVersion(), over: make(chan struct{})}
	c.db.guard.aside(opSettle, s.settle) // the caller is in the guard
	s.err = apply()
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.over)
	return s.err
}

// settle goes on until nothing that ran when the options were set runs any more. A call that does not return is helped if
// writes are stopped: it may wait for one of them.
func (s *settling) settle() {
	select {
	case <-s.over:
		if s.c.isIdle() && s.c.superVersion() == s.before+1 { // which are theirs
			return
		}
	case <-time.After(stallEndSoon):
	}
	flushed, compacted := false, false
	for pause := stallEndSoon; s.wanted(); pause = min(2*pause, settleLate) {
		time.Sleep(pause)
		flushed = flushed || s.c.number("rocksdb.num-running-flushes") == 0
		compacted = compacted || s.c.number("rocksdb.num-running-compactions") == 0
		if !flushed || !compacted || !s.isOver() && s.c.number("rocksdb.is-write-stopped") == 0 {
			continue
		}
		before := s.c.superVersion()
		switch tried, err := s.again(); {
		case err != nil:
			say(s.c.db.log, slog.LevelWarn, "rockbridge: options could not be set again behind a flush or compaction", slog.Any("error", err))
			return
		case tried && s.c.isIdle() && s.c.superVersion() == before+1:
			return
		}
		flushed, compacted = false, false
	}
}

func (s *settling) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// wanted tells whether the options are still those that are to be in force.
func (s *settling) wanted() bool {
	failed := s.isOver() && s.err != nil
	return !failed && !s.c.dropped.Load() && !s.c.db.guard.closing.Load() && s.c.changes.Load() == s.number
}

// again sets the options once more, if it can be tried now. It writes the manifest: an error is for the log, and not for
// another try, which would fail on a full disk as this one did.
func (s *settling) again() (tried bool, err error) {
	s.mu.Lock()
	if !s.isOver() {
		defer s.mu.Unlock()
		return true, s.apply()
	}
	s.mu.Unlock()
	if !s.c.claim.TryRLock() {
		return false, nil
	}
	defer s.c.claim.RUnlock()
	if !s.wanted() {
		return false, nil
	}
	return true, s.c.db.manifestCall(s.apply)
}

// superVersion grows by one with each state of the family that RocksDB puts into force.
func (c *ColumnFamily) superVersion() uint64 { return c.number(PropCurrentSuperVersionNumber) }

// isIdle tells whether nothing is flushed or compacted in the database.
func (c *ColumnFamily) isIdle() bool {
	return c.number("rocksdb.num-running-flushes") == 0 && c.number("rocksdb.num-running-compactions") == 0
}

// number is a property that is a number, 0 if it is not known.
func (c *ColumnFamily) number(property string) uint64 {
	text, _ := c.c.Property(property)
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}
