package iterator

import (
	"context"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// pushdownCost is how many rows, or KiB of rows, one call looks at: between calls the context is looked
// at, and Close may come in. A call's own cost, spread over so many rows, does not show.
const pushdownCost = 4096

// Pushdown is work on the rows of a range that C does, in calls of bounded length. For package engine
// only.
type Pushdown struct {
	Op string // for errors

	// Call makes one call into C, from where m says.
	Call func(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed

	// After, if not nil, is called after each of them, outside the guard. An error ends the work, and is
	// what Push returns.
	After func() error
}

// Push does the work on all rows of the range, those that Limit lets through. It leaves the iterator
// fresh. The iterator's context, or if it has none ctx, which may be nil too, is looked at before each
// call. What was done before an error stays done. For package engine only.
func (it *Iterator) Push(ctx context.Context, p Pushdown) error {
	if rbdebug.On {
		defer it.moving(p.Op)()
	}
	if it == nil {
		return dberr.ErrClosed
	}
	if !it.absolute() {
		return it.err
	}
	it.forget()
	if it.cfg.Context != nil {
		ctx = it.cfg.Context
	}
	rows, move := int64(0), cbridge.MoveFirst
	for {
		s := cbridge.Stretch{Rows: math.MaxInt64, Cost: pushdownCost}
		if it.cfg.Limit > 0 {
			s.Rows = uint64(int64(it.cfg.Limit) - rows)
		}
		if err := it.cfg.Owner.Enter(ctx); err != nil {
			return it.cfg.Owner.Describe(p.Op, err)
		}
		done := p.Call(it.src, move, s)
		it.cfg.Stats.counted(done.Rows)
		it.cfg.Owner.Leave()
		rows += done.Rows
		move = cbridge.MoveOn
		if p.After != nil {
			if err := p.After(); err != nil {
				return err
			}
		}
		switch {
		case it.cfg.Limit > 0 && rows >= int64(it.cfg.Limit):
			return nil // whatever follows, an error too, is beyond the limit
		case done.Err != nil:
			return it.cfg.Owner.Describe(p.Op, done.Err)
		case done.End:
			return nil
		}
	}
}
