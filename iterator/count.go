package iterator

import (
	"context"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// A call counts as many rows as take about as long as a chunk takes to read: between calls the context is looked
// at, and Close may come in. On a slow disk that is countFew, as many as a chunk has, and more and more as long as they
// come quickly.
const (
	countFew  = 1 << 10
	countMost = 64 << 10
	countFast = 5 * time.Millisecond
)

// Count counts the rows of the range and sums up the bytes of their keys and values (0 for keys only,
// after the cut by ValuesUpTo), without bringing a row to Go. It honours Limit, looks at ctx between
// stretches of 65,536 rows, or fewer where they come slowly, and leaves the iterator fresh. On an error the sums are those of the rows
// before it.
func (it *Iterator) Count(ctx context.Context) (rowCount, keyBytes, valueBytes int64, err error) {
	if rbdebug.On {
		defer it.moving("Count")()
	}
	if it == nil {
		return 0, 0, 0, dberr.ErrClosed
	}
	if !it.absolute() {
		return 0, 0, 0, it.err
	}
	it.forget()
	move, stretch := cbridge.MoveFirst, int64(countFew)
	for {
		want := stretch
		if it.cfg.Limit > 0 {
			want = min(want, int64(it.cfg.Limit)-rowCount)
		}
		if err := it.cfg.Owner.Enter(ctx); err != nil {
			return rowCount, keyBytes, valueBytes, it.cfg.Owner.Describe("count", err)
		}
		begin := time.Now()
		c := it.src.Count(move, uint64(want))
		it.cfg.Stats.counted(c.Rows)
		it.cfg.Owner.Leave()
		if rbdebug.On {
			it.checkCount(c, uint64(want))
		}
		if move = cbridge.MoveOn; time.Since(begin) < countFast {
			stretch = min(4*stretch, countMost)
		} else {
			stretch = max(stretch/4, countFew)
		}
		rowCount += c.Rows
		keyBytes += c.KeyBytes
		valueBytes += c.ValueBytes
		if it.cfg.Limit > 0 && rowCount >= int64(it.cfg.Limit) {
			return rowCount, keyBytes, valueBytes, nil // whatever follows, an error too, is beyond the limit
		}
		if c.Err != nil {
			return rowCount, keyBytes, valueBytes, it.cfg.Owner.Describe("count", c.Err)
		}
		if c.End {
			return rowCount, keyBytes, valueBytes, nil
		}
	}
}
