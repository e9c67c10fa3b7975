package engine

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// DeleteFilesInRange drops table files of the default family: see ColumnFamily.DeleteFilesInRange.
func (d *DB) DeleteFilesInRange(start, end []byte) error {
	return d.family().DeleteFilesInRange(start, end)
}

// DeleteFilesInRange drops the table files of the family whose keys all lie in the range [start, end), at once and
// without reading them; nil bounds are open. It gives space back sooner than a deletion, and is no substitute for
// one: rows in memtables, in files of level 0, and in files that reach beyond the range stay, and where a file had
// a row's newest version, or its deletion, an older version in another file comes to light. Snapshots and
// iterators are not spared: those that begin to read later miss the rows too. It is sound after DeleteRange of
// the same range, or where all of it is of no use any more. A file whose last key is next to end may stay.
// Nothing of it is in the write-ahead log. It is safe for concurrent use. ErrReadOnly, ErrInvalidArgument for a range
// that ends before it starts.
func (c *ColumnFamily) DeleteFilesInRange(start, end []byte) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	return c.describe(c.deleteFiles(start, end), "delete files", nil)
}

func (c *ColumnFamily) deleteFiles(start, end []byte) error {
	if err := c.db.enterWrite(nil, opFiles); err != nil {
		return err
	}
	defer c.db.guard.leave(opFiles)
	if err := c.bytewiseOnly(""); err != nil {
		return err
	}
	last := end
	if end != nil {
		if err := checkRange(start, end); err != nil {
			return err
		}
		if last = keyBefore(end); last == nil || bytes.Compare(last, start) < 0 {
			return nil // nothing lies between
		}
	} else if len(start) > MaxKeySize {
		return dberr.New("", dberr.TooLarge, "a bound exceeds MaxKeySize")
	}
	defer c.release()
	if err := c.hold(""); err != nil {
		return err
	}
	if c.db.observed() {
		defer c.db.observe(nil, opFiles, c, noKey)()
	}
	c.refit.RLock()
	defer c.refit.RUnlock()
	return c.db.manifestCall(func() error { return c.c.DeleteFiles(start, last) })
}

// keyBefore is a key below end and next to it, the nearest if that is no longer than others; nil: there is none.
// RocksDB's C API takes the last key that goes.
func keyBefore(end []byte) []byte {
	if len(end) == 0 {
		return nil
	}
	n := len(end) - 1
	if end[n] == 0 {
		return bytes.Clone(end[:n:n])
	}
	last := append(bytes.Clone(end[:n]), end[n]-1)
	return append(last, bytes.Repeat([]byte{0xFF}, 256)...)
}
