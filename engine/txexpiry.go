package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// expiry is when a transaction that nobody has ended ends by itself, so that whoever forgot it, or hangs,
// keeps others from its keys no longer. RocksDB's own takes the locks of an expired transaction only when
// somebody wants them, and knows of its locks only.
type expiry struct {
	at    time.Time // zero: never
	timer *time.Timer
	came  bool
}

// startExpiry has the transaction expire.
func (s *txState) startExpiry() {
	if s.o.Expiration == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiry.at = time.Now().Add(s.o.Expiration)
	s.expiry.timer = time.AfterFunc(s.o.Expiration, s.expire)
}

// expire ends the transaction, unless it is prepared or over. It waits for a call that is under way, as that
// may be the commit.
func (s *txState) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != txOpen || s.db.guard.enter(nil, opTx) != nil {
		return // the database's Close frees it
	}
	defer s.db.guard.leave(opTx)
	s.expiry.came = true
	s.end()
}

// stop is for a transaction that has ended, or cannot expire any more.
func (e *expiry) stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
}

// past tells whether the time has come, the timer's call or not.
func (e *expiry) past() bool {
	return e.came || !e.at.IsZero() && !time.Now().Before(e.at)
}

// bound shortens how long a lock is waited for.
func (e *expiry) bound(timeout time.Duration) time.Duration {
	if e.at.IsZero() {
		return timeout
	}
	left := max(time.Until(e.at), 1)
	if timeout < 0 || left < timeout {
		return left
	}
	return timeout
}

// explain gives the error of a wait for a lock that the expiry has cut short.
func (e *expiry) explain(err error) error {
	if errors.Is(err, ErrTimedOut) && !errors.Is(err, context.DeadlineExceeded) && e.past() {
		return errExpired("")
	}
	return err
}

// errOver is the answer of a transaction that has ended.
func (s *txState) errOver(op string) error {
	if s.expiry.came && !s.db.guard.closing.Load() {
		return describe(errExpired(op), "", s.db.path)
	}
	return ErrClosed
}

func errExpired(op string) error {
	return dberr.New(op, dberr.Expired, "the transaction has lasted longer than TxOptions.Expiration, and was rolled back")
}
