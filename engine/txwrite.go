package engine

import (
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Put sets key to value, for Commit to write. With Pessimistic it locks key first: see GetForUpdate for
// what that may answer. ErrTooLarge beyond MaxKeySize, MaxValueSize and MaxBatchSize. A write that was
// refused, whatever the reason, makes Commit fail too, unless a rollback to a savepoint takes it back.
func (t *Tx) Put(key, value []byte) error {
	if rbdebug.On {
		defer t.alone("Tx.Put")()
	}
	return t.write("put", key, func() error { return t.b.Put(key, value) })
}

// Delete deletes key; no error if it is not there. See Put.
func (t *Tx) Delete(key []byte) error {
	if rbdebug.On {
		defer t.alone("Tx.Delete")()
	}
	return t.write("delete", key, func() error { return t.b.Delete(key) })
}

// Merge adds an operand to key. ErrInvalidArgument if the family has no merge operator. See Put.
func (t *Tx) Merge(key, operand []byte) error {
	if rbdebug.On {
		defer t.alone("Tx.Merge")()
	}
	return t.write("merge", key, func() error { return t.b.Merge(key, operand) })
}

// write locks a key and adds a record. Nothing goes into C but the beginning of the transaction: the
// records go down with the commit.
func (t *Tx) write(op string, key []byte, add func() error) error {
	if err := t.enterKey(op); err != nil {
		return err
	}
	defer t.leave()
	err := t.lock(key, true)
	if err == nil {
		err = add()
	}
	if err == nil {
		return nil
	}
	return t.refuse(t.explain(err, op, key))
}

// Savepoint remembers the present state for RollbackToSavepoint. Savepoints nest.
func (t *Tx) Savepoint() error {
	if rbdebug.On {
		defer t.alone("Tx.Savepoint")()
	}
	if err := t.enter("savepoint"); err != nil {
		return err
	}
	defer t.leave()
	t.s.saves = append(t.s.saves, t.s.failed)
	return t.b.SetSavepoint()
}

// RollbackToSavepoint takes back what was written since the newest savepoint, and forgets that
// savepoint. ErrInvalidArgument if there is none. Keys that were locked since stay locked, and the
// commit depends on what it did. Iterators made before still show what was taken back.
func (t *Tx) RollbackToSavepoint() error {
	if rbdebug.On {
		defer t.alone("Tx.RollbackToSavepoint")()
	}
	if err := t.enterSavepoint("rollback to savepoint"); err != nil {
		return err
	}
	defer t.leave()
	s := t.s
	n := len(s.saves) - 1
	err := t.b.RollbackToSavepoint()
	s.failed, s.saves = s.saves[n], s.saves[:n]
	if s.failed == nil {
		s.ib.s.batch.err = nil
	}
	return err
}

// ReleaseSavepoint forgets the newest savepoint and keeps what was written since. ErrInvalidArgument if
// there is none.
func (t *Tx) ReleaseSavepoint() error {
	if rbdebug.On {
		defer t.alone("Tx.ReleaseSavepoint")()
	}
	if err := t.enterSavepoint("release savepoint"); err != nil {
		return err
	}
	defer t.leave()
	s, b := t.s, &t.s.ib.s.batch
	s.saves, b.saves = s.saves[:len(s.saves)-1], b.saves[:len(b.saves)-1]
	return nil
}

// enterSavepoint begins a call that needs a savepoint.
func (t *Tx) enterSavepoint(op string) error {
	if err := t.enter(op); err != nil {
		return err
	}
	if len(t.s.saves) == 0 {
		t.leave()
		return describe(invalid(op, "there is no savepoint"), "", t.s.db.path)
	}
	return nil
}
