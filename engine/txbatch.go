package engine

import (
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Append adds the records of b, which is unchanged, in their families, whatever family the transaction is
// aimed at: all or none. With Pessimistic it locks their keys first, in an order of its own so that such
// calls do not wait for each other in a ring; keys that were locked before an error stay so. What the
// calls for single records refuse is refused here, and DB.Write's errors about a batch are answered here
// already. ErrUnsupported for single deletes, range deletions and entities, which no transaction has. As
// a refused Put, a refused Append makes Commit fail too.
func (t *Tx) Append(b *Batch) error {
	const op = "append"
	if rbdebug.On {
		defer t.alone("Tx.Append")()
		defer b.around("Tx.Append of it")()
	}
	if err := t.enter(op); err != nil {
		return err
	}
	defer t.leave()
	if err := t.append(b); err != nil {
		return t.refuse(describe(err, op, t.s.db.path))
	}
	return nil
}

func (t *Tx) append(b *Batch) error {
	if b == nil {
		return invalid("", "the batch is nil")
	}
	if b = b.state(); b.err != nil {
		return refused(b.err)
	}
	if len(b.rep) == 0 {
		return nil
	}
	s := t.s.txState
	numbers, err := t.numbersOf(b)
	if err != nil {
		return err
	}
	if err := s.lockAll(numbers); err != nil {
		return s.met(err)
	}
	if b.count > 0 {
		if err := s.begin(); err != nil {
			return err
		}
	}
	return t.b.Append(b)
}

// numbersOf gives the locks' numbers of a batch's keys, unless a transaction does not take the batch.
func (t *Tx) numbersOf(b *Batch) ([]uint64, error) {
	families, err := t.s.db.resolve(b)
	if err != nil {
		return nil, err
	}
	for _, c := range families {
		if c.dropped.Load() {
			return nil, c.errDropped("")
		}
	}
	b.seal()
	numbers := make([]uint64, 0, b.count)
	for r := range b.Records() {
		switch r.Kind {
		case KindPut, KindDelete, KindMerge:
			numbers = append(numbers, t.s.db.tx.locks.of(r.Family, r.Key))
		case KindLogData:
		case KindDeleteRange:
			return nil, errRange()
		default:
			return nil, dberr.New("", dberr.Unsupported, "transactions have no single deletes and no entities")
		}
	}
	return numbers, nil
}

// LogData adds a record that goes to the write-ahead log only, with what the transaction writes, and touches
// no key: Updates shows it. One that was prepared and is found again after an opening has it no more, as it
// is in the log already. ErrTooLarge beyond MaxValueSize and MaxBatchSize. See Put.
func (t *Tx) LogData(blob []byte) error {
	if rbdebug.On {
		defer t.alone("Tx.LogData")()
	}
	if err := t.enter("log data"); err != nil {
		return err
	}
	defer t.leave()
	if err := t.b.LogData(blob); err != nil {
		return t.refuse(describe(err, "log data", t.s.db.path))
	}
	return nil
}

// Repr is a copy, in RocksDB's format, of the batch that Commit would write, which ParseBatch reads; that of
// an empty one after the end.
func (t *Tx) Repr() []byte {
	if t == nil || t.s == nil {
		return (*IndexedBatch)(nil).Repr()
	}
	return t.s.ib.Repr()
}

// refuse notes the first write that was refused.
func (t *Tx) refuse(err error) error {
	if t.s.failed == nil {
		t.s.failed = err
	}
	return err
}
