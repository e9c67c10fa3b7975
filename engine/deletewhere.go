package engine

import (
	"context"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// DeleteWhere deletes the rows of a family that o describes, those that o.Filter keeps, Limit at most,
// without bringing them to Go, and tells how many it has deleted, also on an error. w says how the
// deletions are committed.
//
// It is not atomic. It works in stretches of 4,096 rows or fewer: each is read in the newest state, as it
// is when the stretch begins, and its deletions are then committed as one batch. What others write
// ahead of it counts, then, as it would have at the start.
//
// Others must not write rows meanwhile that must not be lost: a row that is written between the moment
// in which its stretch is read and that in which it is committed is deleted with the others, even if
// o.Filter would not keep it any more. RocksDB has no conditional delete outside of transactions. Rows
// that nobody else writes, or whose fate their new values do not change, are safe.
//
// ctx, which may be nil, is looked at between calls into C. A commit that w.Context leaves under way
// is not counted and may yet be made. A range of which nothing is kept is deleted faster by DeleteRange.
func DeleteWhere(ctx context.Context, c *ColumnFamily, o *IterOptions, w *WriteOptions) (deleted int64, err error) {
	const op = "delete where"
	if err := c.checkBuilt(op, w); err != nil {
		return 0, err
	}
	o, stop := o.within(ctx)
	defer stop()
	bare := IterOptions{}
	if o != nil {
		bare = *o
	}
	d := deleter{c: c, left: math.MaxInt64, batch: cbridge.NewCBatch(), buf: make([]byte, splitBuffer)}
	defer d.batch.Free()
	if bare.Limit > 0 {
		d.left = int64(bare.Limit)
	}
	bare.KeysOnly, bare.Limit = true, min(bare.Limit, 0)
	it, err := c.NewIter(&bare)
	if err != nil {
		return 0, err
	}
	for !d.end && err == nil {
		d.rows = 0
		err = it.Push(ctx, iterator.Pushdown{Op: op, Call: d.call, After: func() error { return errStop }})
		if err == errStop {
			err = d.err
		}
		if err != nil {
			err = c.explainIter(err, op, &bare)
		}
		if d.rows > 0 {
			if e := c.writeBuilt(op, d.batch, d.rows, w); e != nil {
				err = e
				break
			}
			deleted += d.rows
			d.left -= d.rows
			d.batch.Clear()
		}
		if d.end = d.end || d.left == 0; !d.end && err == nil {
			err = it.Refresh()
		}
	}
	if closed := it.Close(); err == nil {
		err = closed
	}
	return deleted, err
}

// deleter gathers the deletions of one stretch after the other. Each begins where the one before ended,
// in a newer state.
type deleter struct {
	c     *ColumnFamily
	left  int64 // rows that may yet be deleted
	batch *cbridge.CBatch
	buf   []byte
	next  []byte // where the next stretch begins, in buf; nil: at the first row
	rows  int64  // of the last stretch
	end   bool
	err   error
}

func (d *deleter) call(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
	if d.next != nil {
		m = cbridge.MoveGE
	}
	s.Rows = uint64(d.left)
	p := src.Delete(m, d.next, s, d.c.c, d.batch, d.buf)
	d.rows, d.end, d.err = p.Rows, p.End, p.Err
	if !p.End {
		if p.NextLen > uint64(len(d.buf)) {
			d.buf = make([]byte, p.NextLen)
			src.Delete(cbridge.MoveOn, nil, cbridge.Stretch{}, d.c.c, d.batch, d.buf)
		}
		d.next = d.buf[:p.NextLen]
	}
	return p.Passed
}
