package engine

import (
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// checkBuilt refuses what writeBuilt would, before there is anything to write.
func (c *ColumnFamily) checkBuilt(op string, o *WriteOptions) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	if err := c.db.enterWrite(o.context(), opWrite); err != nil {
		return c.describe(err, op, nil)
	}
	defer c.db.guard.leave(opWrite)
	if c.dropped.Load() {
		return c.errDropped(op)
	}
	if c.stamped() {
		return c.describe(errStamped(op), "", nil)
	}
	_, err := o.flags(op, 0)
	return c.describe(err, op, nil)
}

// writeBuilt commits a batch of so many records for this family that C has built of what it read. The
// batch may be freed or changed afterwards, whatever became of it.
func (c *ColumnFamily) writeBuilt(op string, b *cbridge.CBatch, records int64, o *WriteOptions) error {
	if err := c.db.enterWrite(o.context(), opWrite); err != nil {
		return c.describe(err, op, nil)
	}
	data := b.Data()
	flags, err := o.flags(op, len(data)+c.db.timesOf(int(records)))
	if err != nil {
		c.db.guard.leave(opWrite)
		return c.describe(err, op, nil)
	}
	locks, err := c.db.lockBatch(o.context(), data)
	if err != nil {
		c.db.guard.leave(opWrite)
		return c.describe(err, op, nil)
	}
	var gone <-chan struct{}
	if err = c.hold(op); err == nil {
		gone, err = c.db.commits.commit(o.context(), flags, pending{
			size: len(data), count: int(records), gather: o.gather(),
			apply: func(flags uint32) error {
				if c.db.observed() {
					defer c.db.observe(nil, opWrite, c, noKey)()
				}
				return c.db.c.WriteCBatch(flags, b)
			},
			join: func(rep []byte) []byte { return append(rep, data[batchrepr.HeaderLen:]...) },
		}, nil)
	}
	if gone == nil {
		c.release()
		c.db.tx.locks.release(locks)
		c.db.guard.leave(opWrite)
	} else { // the records were joined to others' by then
		c.db.finishLater(gone, []*ColumnFamily{c}, locks)
	}
	return c.describe(blocked(err, o != nil && o.NoSlowdown), op, nil)
}
