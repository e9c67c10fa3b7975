package iterator

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// countRows is how many rows one call counts before the context is looked at again.
const countRows = 64 << 10

// Count counts the rows of the range and sums up the bytes of their keys and values (0 for keys only,
// after the cut by ValuesUpTo), without bringing a row to Go. It honours Limit, looks at ctx between
// stretches of 65,536 rows, and leaves the iterator fresh. On an error the sums are those of the rows
// before it.
func (it *Iterator) Count(ctx context.Context) (rowCount, keyBytes, valueBytes int64, err error) {
	if it == nil {
		return 0, 0, 0, dberr.ErrClosed
	}
	if !it.absolute() {
		return 0, 0, 0, it.err
	}
	it.forget()
	move := cbridge.MoveFirst
	for {
		want := uint64(countRows)
		if left := int64(it.cfg.Limit) - rowCount; it.cfg.Limit > 0 && left < countRows {
			want = uint64(left)
		}
		if err := it.cfg.Owner.Enter(ctx); err != nil {
			return rowCount, keyBytes, valueBytes, it.cfg.Owner.Describe("count", err)
		}
		c := it.src.Count(move, want)
		it.cfg.Owner.Leave()
		move = cbridge.MoveOn
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
