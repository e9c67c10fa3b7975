package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// How often Update tries, and what it waits between: a random part of a time that doubles.
const (
	updateTries     = 100
	updateFirstWait = 500 * time.Microsecond
	updateMostWait  = 100 * time.Millisecond
)

// Update calls f with a transaction, which it commits. If others are in the way (ErrBusy, ErrDeadlock,
// ErrTryAgain, or ErrTimedOut over a lock, from Commit or from a call in f whose error f returned) it
// waits a little, longer each time, and calls f again with a new transaction: so f must do nothing that
// cannot be repeated, and not keep the transaction. It gives up when ctx ends, with its error, or after
// 100 tries, with the last one's error. f's own error is returned as it is, and a panic goes on; both
// roll back. Without options of its own a transaction shows one state, and no update is lost between its
// reads and its writes of a key.
func (d *DB) Update(ctx context.Context, f func(tx *Tx) error) error {
	return d.UpdateWith(ctx, nil, f)
}

// UpdateWith is Update with options for the transactions.
func (d *DB) UpdateWith(ctx context.Context, o *TxOptions, f func(tx *Tx) error) error {
	for try := 1; ; try++ {
		again, err := d.updateOnce(ctx, o, f)
		if !again || try == updateTries {
			return err
		}
		if waited := pause(ctx, try); waited != nil {
			waited.Msg += ": gave up after " + utoa(uint32(try)) + " tries, the last of which said: " + err.Error()
			return describe(waited, "update", d.path)
		}
	}
}

// updateOnce tells whether another try may help.
func (d *DB) updateOnce(ctx context.Context, o *TxOptions, f func(tx *Tx) error) (again bool, err error) {
	t, err := d.Begin(ctx, o)
	if err != nil {
		return false, err
	}
	defer t.Rollback()
	if err = f(t); err == nil {
		err = t.Commit()
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return err != nil && t.s.conflict && isConflict(err), err
}

// pause waits before another try, unless ctx ends.
func pause(ctx context.Context, try int) *Error {
	most := min(updateFirstWait<<min(try-1, 16), updateMostWait)
	timer := time.NewTimer(rand.N(most) + 1)
	defer timer.Stop()
	var ended <-chan struct{}
	if ctx != nil {
		if ctx.Err() != nil {
			return dberr.FromContext("", ctx.Err())
		}
		ended = ctx.Done()
	}
	select {
	case <-timer.C:
		return nil
	case <-ended:
		return dberr.FromContext("", ctx.Err())
	}
}
