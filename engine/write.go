package engine

import (
	"bytes"
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Put sets key to value. ErrTooLarge beyond MaxKeySize and MaxValueSize.
func (c *ColumnFamily) Put(key, value []byte, o *WriteOptions) error {
	return c.apply(cbridge.Put, "put", key, value, o)
}

// Delete deletes key; no error if it is not there.
func (c *ColumnFamily) Delete(key []byte, o *WriteOptions) error {
	return c.apply(cbridge.Delete, "delete", key, nil, o)
}

// SingleDelete deletes a key, more cheaply than Delete, that was put once since its last SingleDelete
// and was never merged into or deleted by Delete: DeleteRange begins anew. For any other key the
// outcome is undefined, and old values may come back.
func (c *ColumnFamily) SingleDelete(key []byte, o *WriteOptions) error {
	if c != nil && c.db != nil && c.db.timed {
		if err := c.enter(o.context(), opWrite); err != nil {
			return err
		}
		defer c.db.guard.leave(opWrite)
		return c.describe(errTimedSingle(), "single delete", key)
	}
	return c.apply(cbridge.SingleDelete, "single delete", key, nil, o)
}

// DeleteRange deletes the keys in [start, end). ErrUnsupported with Options.Transactions and
// Options.RowCacheSize. A nil end is ErrInvalidArgument, since RocksDB has no
// last key, and so is a start above end.
func (c *ColumnFamily) DeleteRange(start, end []byte, o *WriteOptions) error {
	return c.apply(cbridge.DeleteRange, "delete range", start, end, o)
}

// Merge adds an operand to key for the family's merge operator. ErrInvalidArgument if it has none, or
// if the operand is malformed for it.
func (c *ColumnFamily) Merge(key, operand []byte, o *WriteOptions) error {
	return c.apply(cbridge.Merge, "merge", key, operand, o)
}

// Writer returns a Writer whose every call commits by itself under o. It is safe for concurrent use.
func (c *ColumnFamily) Writer(o *WriteOptions) Writer { return familyWriter{c, o} }

type familyWriter struct {
	c *ColumnFamily
	o *WriteOptions
}

func (w familyWriter) Put(key, value []byte) error     { return w.c.Put(key, value, w.o) }
func (w familyWriter) Delete(key []byte) error         { return w.c.Delete(key, w.o) }
func (w familyWriter) Merge(key, operand []byte) error { return w.c.Merge(key, operand, w.o) }

// apply commits one operation.
func (c *ColumnFamily) apply(op cbridge.Op, name string, key, value []byte, o *WriteOptions) error {
	return c.applyChecked(op, name, key, value, o, func() ([]byte, error) { return key, c.check(op, key, value) })
}

// applyChecked is apply with the key that check gives, unless it refuses.
func (c *ColumnFamily) applyChecked(op cbridge.Op, name string, key, value []byte, o *WriteOptions, check func() ([]byte, error)) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	if err := c.db.enterWrite(o.context(), opWrite); err != nil {
		return c.describe(err, name, key)
	}
	stored, err := check()
	if err != nil {
		c.db.guard.leave(opWrite)
		return c.describe(err, name, nil)
	}
	flags, err := o.flags(name, len(stored)+len(value))
	if err != nil {
		c.db.guard.leave(opWrite)
		return c.describe(err, name, key)
	}
	locks, err := c.db.tx.lockKey(o.context(), c, key)
	if err != nil {
		c.db.guard.leave(opWrite)
		return c.describe(err, name, key)
	}
	gone, err := c.commit(op, flags, name, stored, value, o)
	if gone == nil {
		c.release()
		c.db.tx.locks.release(locks)
		c.db.guard.leave(opWrite)
	} else {
		c.db.finishLater(gone, []*ColumnFamily{c}, locks)
	}
	return c.describe(blocked(err, o != nil && o.NoSlowdown), name, key)
}

// commit is apply with everything checked. c.release must follow it, also on an error: when gone, if
// that is not nil, is closed.
func (c *ColumnFamily) commit(op cbridge.Op, flags uint32, name string, key, value []byte, o *WriteOptions) (gone <-chan struct{}, err error) {
	if err := c.hold(name); err != nil {
		return nil, err
	}
	return c.db.commits.commit(o.context(), flags, pending{
		size: len(key) + len(value) + recordRoom, count: 1, gather: o.gather(),
		apply: func(flags uint32) error {
			if c.db.observed() {
				defer c.db.observe(o.context(), opWrite, c, len(key))()
			}
			if c.stamped() || op == putEntity { // RocksDB's calls for single keys want the timestamp apart, and there is none for entities
				rep := appendOp(batchrepr.AppendHeader(make([]byte, 0, len(key)+len(value)+recordRoom)), op, c.c.ID, key, value)
				batchrepr.SetCount(rep, 1)
				return c.db.noteWrite(c.db.c.Write(flags, rep))
			}
			return c.db.noteWrite(c.c.Apply(op, flags, key, value))
		},
		join: func(rep []byte) []byte { return appendOp(rep, op, c.c.ID, key, value) },
	}, nil)
}

// appendOp appends an operation to a batch in RocksDB's format.
func appendOp(rep []byte, op cbridge.Op, family uint32, key, value []byte) []byte {
	switch op {
	case putEntity:
		return batchrepr.AppendPutEntity(rep, family, key, value)
	case cbridge.Delete:
		return batchrepr.AppendDelete(rep, family, key)
	case cbridge.SingleDelete:
		return batchrepr.AppendSingleDelete(rep, family, key)
	case cbridge.Merge:
		return batchrepr.AppendMerge(rep, family, key, value)
	case cbridge.DeleteRange:
		return batchrepr.AppendDeleteRange(rep, family, key, value)
	}
	return batchrepr.AppendPut(rep, family, key, value)
}

// finishLater ends a write, when gone is closed, that its caller has left.
func (d *DB) finishLater(gone <-chan struct{}, held []*ColumnFamily, locks *lockOwner) {
	go func() {
		<-gone
		release(held)
		d.tx.locks.release(locks)
		d.guard.leave(opWrite)
	}()
}

// check refuses what RocksDB cannot hold, or would notice only after the write-ahead log has it.
func (c *ColumnFamily) check(op cbridge.Op, key, value []byte) error {
	if c.stamped() {
		return c.unstampedWrite(op)
	}
	if op == cbridge.DeleteRange {
		if c.db.tx.mode != NoTx {
			return errRange()
		}
		if c.db.rowCached {
			return errRowRange()
		}
		return c.checkRange(key, value)
	}
	if err := checkSizes(key, value); err != nil {
		return err
	}
	switch op {
	case cbridge.Merge:
		if err := c.checkMerge(value); err != nil {
			return err
		}
	case putEntity:
		if err := c.wideOnly(""); err != nil {
			return err
		}
	}
	return c.checkKey(key)
}

func checkSizes(key, value []byte) error {
	if len(key) > MaxKeySize {
		return dberr.New("", dberr.TooLarge, "the key exceeds MaxKeySize")
	}
	if len(value) > MaxValueSize {
		return dberr.New("", dberr.TooLarge, "the value exceeds MaxValueSize")
	}
	return nil
}

func checkRange(start, end []byte) error {
	switch {
	case end == nil:
		return invalid("", "a range to delete needs an end: RocksDB has no last key")
	case len(start) > MaxKeySize || len(end) > MaxKeySize:
		return dberr.New("", dberr.TooLarge, "a bound exceeds MaxKeySize")
	case bytes.Compare(start, end) > 0:
		return invalid("", "the range ends before it starts")
	}
	return nil
}

// enter begins a call that names no family.
func (d *DB) enter(ctx context.Context, op opKind) error {
	if d == nil || d.c == nil {
		return ErrClosed
	}
	return describe(d.guard.enter(ctx, op), opNames[op], d.path)
}

// enterWrite begins a call that changes the database.
func (d *DB) enterWrite(ctx context.Context, op opKind) error {
	if err := d.enter(ctx, op); err != nil {
		return err
	}
	if d.readOnly {
		d.guard.leave(op)
		return dberr.New("", dberr.ReadOnly, "")
	}
	if err := d.operatorFailures.kept.refusal(); err != nil {
		d.guard.leave(op)
		return err
	}
	if op == opWrite || op == opImport {
		if err := d.full(); err != nil {
			d.guard.leave(op)
			return err
		}
	}
	return nil
}

// Write commits a batch atomically, over all the families it names, in one call into C. The batch is
// unchanged and may be written again. The error of a record that the batch refused is returned, and
// nothing is written; ErrFamilyDropped and ErrFamilyNotFound name the family, ErrInvalidArgument a
// batch of another database, a merge into a family without an operator, a malformed operand, or entities for a family
// without FamilyOptions.WideColumns.
func (d *DB) Write(b *Batch, o *WriteOptions) error {
	if rbdebug.On {
		defer b.around("DB.Write")()
	}
	if d == nil || d.c == nil {
		return ErrClosed
	}
	return describe(d.write(b, o), "write", d.path)
}

func (d *DB) write(b *Batch, o *WriteOptions) error {
	if err := d.enterWrite(o.context(), opWrite); err != nil {
		return err
	}
	prepared := false
	defer func() { // also when the debug build finds the batch damaged, and panics
		if !prepared {
			d.guard.leave(opWrite)
		}
	}()
	b, flags, families, err := d.prepare(b, o)
	if err != nil || len(b.rep) == 0 {
		return err
	}
	locks, err := d.lockBatch(o.context(), b.rep)
	if err != nil {
		return err
	}
	prepared = true
	held, err := hold(families)
	var gone <-chan struct{}
	if err == nil {
		gone, err = d.commits.commit(o.context(), flags, pending{
			size: len(b.rep), count: int(b.count), gather: o.gather(),
			apply: func(flags uint32) error { return d.writeBatch(flags, b.rep) },
			join:  func(rep []byte) []byte { return append(rep, b.rep[batchrepr.HeaderLen:]...) },
		}, b.rep)
	}
	if gone == nil {
		release(held)
		d.tx.locks.release(locks)
		d.guard.leave(opWrite)
	} else {
		d.finishLater(gone, held, locks)
	}
	return blocked(err, o != nil && o.NoSlowdown)
}

// writeBatch is the call into C for a batch, or for many that are written together.
func (d *DB) writeBatch(flags uint32, rep []byte) error {
	if d.observed() {
		defer d.observe(nil, opWrite, nil, noKey)()
	}
	return d.noteWrite(d.c.Write(flags, rep))
}

// prepare makes a batch ready and finds the families to hold. It refuses what cannot be written.
func (d *DB) prepare(b *Batch, o *WriteOptions) (*Batch, uint32, []*ColumnFamily, error) {
	if b == nil {
		return nil, 0, nil, invalid("", "the batch is nil")
	}
	b = b.state()
	flags, err := o.flags("write", len(b.rep)+d.timesOf(int(b.count)))
	if err != nil {
		return nil, 0, nil, err
	}
	if b.err != nil {
		return nil, 0, nil, refused(b.err)
	}
	if len(b.rep) == 0 {
		return b, flags, nil, nil
	}
	b.seal()
	if rbdebug.On {
		b.mustBeValid()
	}
	families, err := d.resolve(b)
	return b, flags, families, err
}

// refused repeats the error of a record that the batch did not take, as Write's own.
func refused(err error) error { return refusedIn(err, "the batch") }

// refusedIn is refused for what else collects records.
func refusedIn(err error, what string) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	w := dberr.Wrap("write", e.Code, err)
	w.Family, w.Key, w.Msg = e.Family, e.Key, what+" refused a record: "+e.Msg
	return w
}

// resolve finds the families that a batch names and checks what RocksDB would notice too late.
func (d *DB) resolve(b *Batch) ([]*ColumnFamily, error) {
	if b.db != nil && b.db != d {
		return nil, invalid("", "the batch names families of another database")
	}
	if err := d.checkTimed(b); err != nil {
		return nil, err
	}
	var stack [8]*ColumnFamily
	families := stack[:0]
	for i := range b.uses {
		u := &b.uses[i]
		c := u.cf
		if c == nil {
			c = d.familyByID(u.id)
		}
		if c == nil {
			return nil, dberr.New("", dberr.FamilyNotFound, "no column family has number "+utoa(u.id))
		}
		if u.merges && !c.merges {
			return nil, describeFamily(invalid("", "the family has no merge operator"), c.name)
		}
		if u.wide && !c.ops.wide {
			return nil, describeFamily(c.wideOnly(""), c.name)
		}
		if u.unchecked {
			if err := c.checkOperands(b); err != nil {
				return nil, err
			}
		}
		if err := c.resolveStamps(u, b); err != nil {
			return nil, err
		}
		if err := c.checkRecords(b); err != nil {
			return nil, err
		}
		families = append(families, c)
	}
	return families, nil
}

func (d *DB) familyByID(id uint32) *ColumnFamily {
	if id == 0 {
		return d.def
	}
	for _, c := range *d.families.Load() {
		if c.c.ID == id {
			return c
		}
	}
	return nil
}

// hold claims the family for a write: it cannot be dropped before release, which must follow on an
// error too. The default family is never dropped.
func (c *ColumnFamily) hold(op string) error {
	if c == c.db.def {
		return nil
	}
	c.claim.RLock()
	if c.dropped.Load() {
		return c.errDropped(op)
	}
	return nil
}

func (c *ColumnFamily) release() {
	if c != c.db.def {
		c.claim.RUnlock()
	}
}

// hold claims families for a write. held are those to release, on an error too.
func hold(families []*ColumnFamily) (held []*ColumnFamily, err error) {
	for i, c := range families {
		if err := c.hold("write"); err != nil {
			return families[:i+1], err
		}
	}
	return families, nil
}

func release(held []*ColumnFamily) {
	for _, c := range held {
		c.release()
	}
}
