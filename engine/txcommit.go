package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Commit writes what the transaction wrote, all or nothing, and ends it, whatever it answers; only a
// prepared transaction stays so when its commit fails. ErrBusy and ErrTryAgain: others have, or may
// have, changed what it depends on, and nothing was written; ErrExpired, past TxOptions.Expiration:
// neither. The error of a write that was refused is returned, and nothing is written. ErrFamilyDropped
// and the context's error: nothing was written, unless the error's text says that the outcome is unknown.
func (t *Tx) Commit() error {
	if rbdebug.On {
		defer t.alone("Tx.Commit")()
	}
	return t.finish("commit", true)
}

// Rollback ends the transaction and gives up what it wrote. It is nil after Commit or Rollback: fit for
// defer. Only of a prepared transaction, whose rollback has to be logged, it can fail; it stays prepared
// then.
func (t *Tx) Rollback() error {
	if rbdebug.On {
		defer t.alone("Tx.Rollback")()
	}
	if err := t.finish("rollback", false); err != ErrClosed {
		return err
	}
	return nil
}

func (t *Tx) finish(op string, commit bool) error {
	if t == nil || t.s == nil {
		return ErrClosed
	}
	s := t.s.txState
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == txOver {
		if commit {
			return s.errOver(op)
		}
		return ErrClosed
	}
	if s.state != txPrepared {
		s.child.closed()
	}
	if err := s.db.guard.enter(nil, opTx); err != nil {
		return ErrClosed // the database's Close frees it
	}
	switch {
	case s.state == txPrepared:
		defer s.db.guard.leave(opTx)
		return describe(s.resolve(commit), op, s.db.path)
	case !commit:
		defer s.db.guard.leave(opTx)
		s.end()
		return nil
	}
	gone, err := s.commit()
	if gone == nil {
		s.end()
		s.db.guard.leave(opTx)
	} else {
		s.endLater(gone)
	}
	return describe(s.met(err), op, s.db.path)
}

// endLater ends a transaction whose write is still under way, when gone is closed.
func (s *txState) endLater(gone <-chan struct{}) {
	s.state = txOver
	go func() {
		<-gone
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end()
		s.db.guard.leave(opTx)
	}()
}

// ready looks for what keeps the transaction from being written, and holds the families that it names,
// for release to follow, on an error too.
func (s *txState) ready() (held []*ColumnFamily, err error) {
	b := &s.ib.s.batch
	switch {
	case s.ctx != nil && s.ctx.Err() != nil:
		return nil, dberr.FromContext("", s.ctx.Err())
	case s.expiry.past():
		return nil, errExpired("")
	case s.failed != nil:
		return nil, refusedIn(s.failed, "the transaction")
	case b.err != nil:
		return nil, refusedIn(b.err, "the transaction")
	}
	if err := s.db.full(); err != nil {
		return nil, err
	}
	b.seal()
	if rbdebug.On {
		b.mustBeValid()
	}
	families, err := s.db.resolve(b)
	if err != nil {
		return nil, err
	}
	return hold(families)
}

// commit writes the records. gone is not nil if the caller has left while they are being written.
func (s *txState) commit() (gone <-chan struct{}, err error) {
	b, db := &s.ib.s.batch, &s.db.tx
	if db.mode == Optimistic { // keeps plain writes out between RocksDB's look for conflicts and its write
		if err := db.lockAll(s.ctx, &s.owner, s.touched, true, db.writeHow()); err != nil {
			return nil, err
		}
	}
	held, err := s.ready()
	defer func() {
		if gone == nil {
			release(held)
		}
	}()
	if err != nil {
		return nil, err
	}
	if s.c == nil || b.count == 0 && db.mode == Pessimistic { // nothing can conflict
		return s.commitPlain(held)
	}
	records := b.rep[batchrepr.HeaderLen:]
	return nil, s.alone(s.ctx, func() error { return s.c.Commit(cFamilies(held), records) })
}

// alone takes a call into C that writes through the lanes, by itself.
func (s *txState) alone(ctx context.Context, call func() error) error {
	return shutDown(s.db.commits.alone(ctx, s.o.flags(), pending{apply: func(uint32) error {
		if s.db.observed() {
			defer s.db.observe(ctx, opTx, nil, noKey)()
		}
		return call()
	}}))
}

// commitPlain writes records that depend on nothing but locks, which the transaction has: as any other
// batch, together with those of others.
func (s *txState) commitPlain(held []*ColumnFamily) (gone <-chan struct{}, err error) {
	b := &s.ib.s.batch
	if len(b.rep) <= batchrepr.HeaderLen { // LogData alone is written
		return nil, nil
	}
	rep := b.rep
	gone, err = s.db.commits.commit(s.ctx, s.o.flags(), pending{
		size: len(rep), count: int(b.count),
		apply: func(flags uint32) error { return s.db.writeBatch(flags, rep) },
		join:  func(to []byte) []byte { return append(to, rep[batchrepr.HeaderLen:]...) },
	}, rep)
	if gone == nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		<-gone
		release(held)
		close(done)
	}()
	return done, err
}

// Prepare is the first of two phases: it logs what the transaction wrote, under a name of 1 to 512
// bytes that no other prepared transaction has, and from then on only Commit and Rollback can follow.
// After a crash, or a Close, the transaction is found again: see DB.PreparedTxs. Durable as Commit is:
// with TxOptions.Sync. Any other outcome ends the transaction as a failed Commit does, but ErrUnsupported
// unless Options.Transactions is Pessimistic, and ErrInvalidArgument for a name that is too long or
// empty, DisableWAL, and a transaction that wrote nothing.
func (t *Tx) Prepare(name string) error {
	if rbdebug.On {
		defer t.alone("Tx.Prepare")()
	}
	if err := t.enter("prepare"); err != nil {
		return err
	}
	defer t.leave()
	return describe(t.s.prepare(name), "prepare", t.s.db.path)
}

const maxTxName = 512 // RocksDB's

func (s *tx) prepare(name string) error {
	switch {
	case s.db.tx.mode != Pessimistic:
		return dberr.New("", dberr.Unsupported, "two phases need Options.Transactions to be Pessimistic")
	case len(name) == 0 || len(name) > maxTxName:
		return invalid("", "a name has 1 to 512 bytes")
	case s.o.DisableWAL:
		return invalid("", "DisableWAL leaves nothing of the transaction to be found again")
	case s.ib.s.batch.count == 0 && s.failed == nil:
		return invalid("", "the transaction wrote nothing")
	}
	if err := s.db.guard.enter(s.ctx, opTx); err != nil {
		return err
	}
	defer s.db.guard.leave(opTx)
	if err := s.logPrepared(name); err != nil {
		s.end()
		return s.met(err)
	}
	s.state, s.name = txPrepared, name
	s.expiry.stop()
	s.child.closed() // it is no leak: it outlives the database's Close
	return nil
}

// logPrepared is the call into C. The transaction counts as prepared before the families that it names
// can be dropped.
func (s *tx) logPrepared(name string) error {
	held, err := s.ready()
	defer func() { release(held) }()
	if err == nil && s.c == nil {
		s.c, _, err = s.db.c.Begin(s.o.flags(), false)
	}
	if err != nil {
		return err
	}
	records := s.ib.s.batch.rep[batchrepr.HeaderLen:]
	err = s.alone(s.ctx, func() error { return s.c.Prepare(name, cFamilies(held), records) })
	if err == nil {
		s.db.tx.keep(s)
	}
	return err
}

// resolve is the second phase.
func (s *txState) resolve(commit bool) error {
	if err := s.alone(nil, func() error { return s.c.Finish(commit) }); err != nil {
		return err
	}
	s.db.tx.resolved(s)
	s.end()
	return nil
}
