package engine

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// SuggestCompact suggests to compact the range [start, end) of every family, and does not wait. See
// ColumnFamily.SuggestCompact.
func (d *DB) SuggestCompact(ctx context.Context, start, end []byte) error {
	if d == nil || d.c == nil {
		return ErrClosed
	}
	for _, c := range slices.Clone(*d.families.Load()) {
		err := c.SuggestCompact(ctx, start, end)
		if err != nil && !errors.Is(err, ErrFamilyDropped) { // dropped meanwhile: nothing to compact
			return err
		}
	}
	return nil
}

// SuggestCompact marks the table files that reach into the range [start, end) of the family, and does not wait: RocksDB
// compacts each of them as a whole, in the background, with what it meets in the next level, when it has nothing more urgent
// to do. nil bounds are open. So the space of rows that were deleted is given back with nobody waiting for it.
//
// It is a wish: only Compact makes sure. Files of the last level that has any are never marked, so nothing becomes of rows
// that all lie in one level; nor does of what is in memtables, which Flush writes to files. A file that begins at end is
// marked too. A mark stays until its file is compacted; Close may forget it. Where automatic compactions are off, they begin
// when SetOptions has put them on; during PauseBackground, at its end. FIFO compaction does not look at marks. WaitForCompact
// waits for what was suggested, and Health and Events tell what became of it.
//
// ctx, which may be nil, ends the wait for a slot of the gate only. ErrReadOnly on a database that is open for reading only;
// ErrTooLarge for a bound above MaxKeySize, ErrInvalidArgument for one that GoComparator does not take; where an error of the
// file system keeps RocksDB from work, that error. It is safe for concurrent use.
func (c *ColumnFamily) SuggestCompact(ctx context.Context, start, end []byte) error {
	if err := c.enter(ctx, opSuggest); err != nil {
		return err
	}
	defer c.db.guard.leave(opSuggest)
	return c.describe(c.suggestCompact(ctx, start, end), "suggest compact", nil)
}

func (c *ColumnFamily) suggestCompact(ctx context.Context, start, end []byte) error {
	if c.db.readOnly {
		return dberr.New("", dberr.ReadOnly, "")
	}
	if empty, err := c.emptyRange(start, end); empty || err != nil {
		return err // RocksDB would mark files of level 0 that reach over it
	}
	if c.stamped() {
		start, end = stampedBound(start), stampedBound(end)
	}
	if c.db.observed() {
		defer c.db.observe(ctx, opSuggest, c, noKey)()
	}
	if err := c.db.stopped(); err != nil {
		return err
	}
	return c.c.SuggestCompact(start, end)
}

// emptyRange tells whether a range ends where it starts, or before, in the family's order.
func (c *ColumnFamily) emptyRange(start, end []byte) (bool, error) {
	if err := c.checkBounds(start, end); err != nil {
		return false, err
	}
	compare := c.ops.order.compare
	if compare == nil {
		compare = bytes.Compare
	}
	return start != nil && end != nil && compare(start, end) >= 0, nil
}

// stampedBound gives a bound the timestamp that RocksDB takes off before it compares it.
func stampedBound(key []byte) []byte {
	if key == nil {
		return nil
	}
	return append(slices.Clip(key), make([]byte, stampSize)...)
}
