package engine

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// syncer makes the write-ahead log durable for everybody who waits for that, in rounds: a sync serves
// all whose writes were done when it began. Who finds none under way syncs by itself; what gathers
// meanwhile is served by a goroutine.
//
// A sync that failed is never tried again: the file system may have dropped what it could not write, and
// would then call the next one a success.
type syncer struct {
	call   func() error // one at a time, so it takes no lane
	counts *commitCounters

	mu     sync.Mutex
	busy   bool
	next   *syncRound
	failed atomic.Pointer[Error]
}

// syncRound is those who are served by one sync.
type syncRound struct {
	done   chan struct{}
	err    error // once done is closed
	groups []*commitGroup
	served int // commits, and others who wait
}

// sync returns when all that was written before the call is durable. Nobody leaves before: a sync must not
// go on when those whose calls keep the database open have returned.
func (s *syncer) sync() error {
	s.mu.Lock()
	if !s.busy {
		s.busy = true
		s.mu.Unlock()
		err := shutDown(s.run(1))
		s.mu.Lock()
		if s.next == nil {
			s.busy = false
		} else {
			go s.lead()
		}
		s.mu.Unlock()
		return err
	}
	r := s.round()
	r.served++
	s.mu.Unlock()
	<-r.done
	return ownError(r.err)
}

// round is the one that serves who comes now. mu is held.
func (s *syncer) round() *syncRound {
	if s.next == nil {
		s.next = &syncRound{done: make(chan struct{})}
	}
	return s.next
}

// settle has a group's commits return when it is durable.
func (s *syncer) settle(g *commitGroup) {
	s.mu.Lock()
	r := s.round()
	r.groups = append(r.groups, g)
	r.served += g.left
	if !s.busy {
		s.busy = true
		go s.lead()
	}
	s.mu.Unlock()
}

// lead serves round after round until nobody waits.
func (s *syncer) lead() {
	for {
		s.mu.Lock()
		r := s.next
		s.next = nil
		if r == nil {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		r.err = shutDown(s.run(r.served))
		for _, g := range r.groups {
			g.err = unsynced(r.err)
			close(g.done)
		}
		close(r.done)
	}
}

// run syncs, for so many who wait, unless a sync has failed before.
func (s *syncer) run(served int) error {
	if err := s.failure(); err != nil {
		return err
	}
	s.counts.synced(served)
	return s.note(s.call())
}

// note looks whether a call into C answered that a sync has failed, and gives its error on.
func (s *syncer) note(err error) error {
	if e, ok := err.(*Error); ok && e.Code == dberr.SyncFailed {
		s.fail(err)
	}
	return err
}

// unsynced is the answer of a commit whose write was made when Close came before its sync.
func unsynced(err error) error {
	if err == ErrClosed {
		return dberr.New("", dberr.Closed, "written, but perhaps not synced")
	}
	return err
}

// fail notes that a sync has failed, for good.
func (s *syncer) fail(err error) {
	e := dberr.New("", dberr.SyncFailed, "")
	var cause *Error
	if errors.As(err, &cause) {
		e.Msg = cause.Msg
	}
	s.failed.CompareAndSwap(nil, e)
}

// failure is the error that every commit gets after a sync has failed; nil before.
func (s *syncer) failure() error {
	e := s.failed.Load()
	if e == nil {
		return nil
	}
	return ownError(e)
}
