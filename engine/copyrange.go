package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// copyRoom is how many bytes of rows CopyRange commits at once.
const copyRoom = 512 << 10

// CopyRange copies the rows of from that o describes into a family, of the same database or another one,
// without bringing them to Go, and tells how many rows and bytes of keys and values it has copied, also on
// an error. Rows of the family with the same keys are overwritten; what was merged is copied as the value
// that reads show. w says how the copies are committed.
//
// All rows are of one state of from. They are committed in batches of at most 4,096 rows and 512 KiB, or
// one larger row, each of them atomic; the whole is not. ctx, which may be nil, is looked at between
// calls into C. A commit that w.Context leaves under way is not counted and may yet be made.
// ErrInvalidArgument with KeysOnly or ValuesUpTo, which would copy half of the rows only; ErrUnsupported from a family with
// WideColumns.
func CopyRange(ctx context.Context, from Reader, o *IterOptions, to *ColumnFamily, w *WriteOptions) (rows, bytes int64, err error) {
	const op = "copy range"
	if err := to.checkBuilt(op, w); err != nil {
		return 0, 0, err
	}
	if err := plainReader(op, from); err != nil {
		return 0, 0, err
	}
	if o != nil && (o.KeysOnly || o.ValuesUpTo != 0) {
		return 0, 0, to.describe(invalid(op, "KeysOnly and ValuesUpTo would lose what is not copied"), op, nil)
	}
	c := copier{to: to, w: w, batch: cbridge.NewCBatch()}
	defer c.batch.Free()
	err = push(ctx, from, o, iterator.Pushdown{Op: op, Call: c.call, After: c.after})
	return c.rows, c.bytes, err
}

// copier copies one stretch after the other.
type copier struct {
	to          *ColumnFamily
	w           *WriteOptions
	batch       *cbridge.CBatch
	last        cbridge.Copied
	rows, bytes int64
}

// call fills the batch. It names the family of a database that from's guard knows nothing of.
func (c *copier) call(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
	if err := c.to.db.enterWrite(nil, opWrite); err != nil {
		c.last = cbridge.Copied{Passed: cbridge.Passed{End: true, Err: err}}
		return c.last.Passed
	}
	defer c.to.db.guard.leave(opWrite)
	defer c.to.release()
	if err := c.to.hold(""); err != nil {
		c.last = cbridge.Copied{Passed: cbridge.Passed{End: true, Err: err}}
		return c.last.Passed
	}
	c.last = src.Copy(m, s, c.to.c, c.batch, copyRoom)
	return c.last.Passed
}

// after commits it.
func (c *copier) after() error {
	if c.last.Rows == 0 {
		return nil
	}
	if err := c.to.writeBuilt("copy range", c.batch, c.last.Rows, c.w); err != nil {
		return err
	}
	c.batch.Clear()
	c.rows += c.last.Rows
	c.bytes += c.last.KeyBytes + c.last.ValueBytes
	return nil
}
