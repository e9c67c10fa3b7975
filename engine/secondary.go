package engine

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Secondary shows a database that another process, its primary, has open for writing. Its state is that
// of its opening until it catches up. It is safe for concurrent use. A nil or zero Secondary answers as
// a closed one.
//
// It is not what RocksDB calls a secondary: that one keeps rows in memory which its primary has
// meanwhile flushed, and then shows values that are out of date, deleted rows, and merges made twice,
// without an error, in every version that was tried. A Secondary reads the database anew instead.
type Secondary struct {
	dir      string
	o        Options
	guard    guard
	timeout  time.Duration // closeTimeout, but in tests
	turn     chan struct{} // holds one token: who has it catches up
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when the goroutine that catches up by itself has ended; nil: none

	mu     sync.Mutex
	now    *seen
	err    error   // of the newest catch-up
	old    []*seen // that could not be closed yet
	leaks  LeakError
	closed bool
}

// seen is one state of the database. It is closed when it is no longer the newest and nobody looks.
type seen struct {
	db      *DB
	viewers int
	state   string // of the primary's files before it was opened; empty: unknown
}

// OpenSecondary opens the database in directory dir for reading while its primary writes it. Nothing in
// dir is changed. Options are those of Open, where ReadOnly is implied; where the
// primary has a wal_dir, Options.Extra must name the same one. Errors are those of Open, and ErrTryAgain
// if the primary changed its files so fast that no state could be read.
func OpenSecondary(dir string, o *Options) (*Secondary, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Secondary{
		dir: dir, o: *o, timeout: closeTimeout,
		turn: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	s.o.ReadOnly, s.o.ErrorIfMissing, s.o.CatchUpEvery = true, true, 0
	err := s.validate(o.CatchUpEvery)
	if err == nil {
		s.now, err = s.look()
	}
	if err != nil {
		return nil, describe(err, "open secondary", dir)
	}
	s.turn <- struct{}{}
	if o.CatchUpEvery > 0 {
		s.done = make(chan struct{})
		go s.catchUpEvery(o.CatchUpEvery)
	}
	return s, nil
}

func (s *Secondary) validate(every time.Duration) error {
	if err := validatePath(s.dir); err != nil {
		return err
	}
	if err := s.o.validate(); err != nil {
		return err
	}
	switch {
	case s.o.InMemory != nil:
		return dberr.New("", dberr.Unsupported, "InMemory: in memory there are no readers beside a writer")
	case every < 0:
		return invalid("", "CatchUpEvery is negative")
	case strings.Contains(s.o.Extra, "max_open_files"):
		return invalid("", "Options.Extra sets max_open_files, which is -1 for a secondary")
	}
	return s.o.expects(s.dir)
}

// allFilesOpen has RocksDB open every file at once: one that the primary then deletes can still be
// read.
const allFilesOpen = "max_open_files=-1"

// look opens the newest state.
func (s *Secondary) look() (*seen, error) {
	state, err := s.state()
	if err != nil {
		return nil, err
	}
	db, err := openBeside(s.dir, &s.o, func(p *cbridge.Plan) error { return p.Extra(allFilesOpen) })
	if err != nil {
		return nil, err
	}
	db.lent = true
	return &seen{db: db, state: state}, nil
}

// state tells whether the primary has written anything; empty if that cannot be told.
func (s *Secondary) state() (state string, err error) {
	if strings.Contains(s.o.Extra, "wal_dir") {
		return "", nil
	}
	err = besideWriter(func() error {
		state, err = writerState(s.dir)
		return err
	})
	return state, err
}

// View calls f with the state that was newest at that moment, as a DB that is open read only: its
// reads agree with each other, whatever the primary writes and whoever catches up meanwhile. f must not
// use db, nor iterators and snapshots from it, after it has returned; Close of db answers
// ErrInvalidArgument. View returns f's error, or the context's if that has ended before.
func (s *Secondary) View(ctx context.Context, f func(db *DB) error) error {
	if err := s.enter(ctx, opView); err != nil {
		return err
	}
	defer s.guard.leave(opView)
	s.mu.Lock()
	v := s.now
	v.viewers++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		v.viewers--
		over := v.viewers == 0 && v != s.now
		s.mu.Unlock()
		if over {
			s.forget(v)
		}
	}()
	return f(v.db)
}

// forget closes a state that nobody looks at any more and adds up what was left open in it. One that a
// stray goroutine still uses is left to Close.
func (s *Secondary) forget(v *seen) error {
	err := v.db.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if leak, ok := err.(*LeakError); ok {
		s.leaks.Iterators += leak.Iterators
		s.leaks.Snapshots += leak.Snapshots
		s.leaks.Batches += leak.Batches
		if rbdebug.On {
			s.leaks.Stacks = append(s.leaks.Stacks, leak.Stacks...)
		}
		return nil
	}
	if err != nil {
		s.old = append(s.old, v)
	}
	return err
}

func (s *Secondary) enter(ctx context.Context, op opKind) error {
	if s == nil || s.turn == nil {
		return ErrClosed
	}
	return describe(s.guard.enter(ctx, op), "", s.dir)
}

// CatchUp looks whether the primary has written anything and, if so, makes its newest state the one
// that View shows: every batch that was acknowledged before the call, whole, but for rows written with
// DisableWAL, which come with the flush that puts them into a file; families that were created are there
// and those that were dropped are not. It opens the database anew and reads what is not flushed yet, with
// an empty block cache; views under way keep theirs. One catch-up runs at a time; ctx, which may be nil,
// ends the wait for another one, not the work itself. After an error, ErrTryAgain if the primary changed
// its files too fast, the state is the old one.
func (s *Secondary) CatchUp(ctx context.Context) error {
	if err := s.enter(ctx, opCatchUp); err != nil {
		return err
	}
	defer s.guard.leave(opCatchUp)
	var ended <-chan struct{}
	if ctx != nil {
		ended = ctx.Done()
	}
	select {
	case <-s.turn:
	case <-ended:
		return describe(dberr.FromContext("catch up", ctx.Err()), "", s.dir)
	}
	defer func() { s.turn <- struct{}{} }()
	err := describe(s.catchUp(), "catch up", s.dir)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	return err
}

func (s *Secondary) catchUp() error {
	state, err := s.state()
	if err != nil {
		return err
	}
	if state != "" && state == s.now.state { // only who has the turn changes now
		return nil
	}
	next, err := s.look()
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := s.now
	s.now = next
	over := old.viewers == 0
	s.mu.Unlock()
	if over {
		s.forget(old)
	}
	return nil
}

// CatchUpError is the error of the newest catch-up, by CatchUp or by itself: nil if it succeeded or
// there was none yet. It stays readable after Close.
func (s *Secondary) CatchUpError() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// catchUpEvery catches up again and again until Close. A failure is kept for CatchUpError and the next
// round tries again.
func (s *Secondary) catchUpEvery(pause time.Duration) {
	defer close(s.done)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		if s.CatchUp(context.Background()) == ErrClosed {
			return
		}
		timer.Reset(pause)
	}
}

// Path is the directory of the database.
func (s *Secondary) Path() string {
	if s == nil {
		return ""
	}
	return s.dir
}

// Close ends the Secondary. It refuses new calls, waits up to 10 seconds for those in flight, and frees
// iterators and snapshots that views left open, which a *LeakError counts. If calls are still in flight
// it answers ErrBusy, naming them, and may be called again; a Close within View does. It is idempotent.
func (s *Secondary) Close() error {
	if s == nil || s.turn == nil {
		return nil
	}
	s.guard.refuse()
	if running := s.guard.shut(s.timeout, nil); running != "" {
		return describe(dberr.New("close", dberr.Busy, "still running: "+running), "", s.dir)
	}
	s.stopOnce.Do(func() { close(s.stop) })
	if s.done != nil {
		<-s.done
	}
	return s.free()
}

// free closes every state. No call is in flight.
func (s *Secondary) free() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	all := append(s.old, s.now)
	s.old, s.closed = nil, true
	s.mu.Unlock()
	var busy error
	for _, v := range all {
		if err := s.forget(v); err != nil {
			busy = err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if busy != nil {
		s.closed = false
		return busy
	}
	if s.leaks.Iterators+s.leaks.Snapshots+s.leaks.Batches > 0 {
		leaks := s.leaks
		return &leaks
	}
	return nil
}
