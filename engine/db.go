package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/iterator"
)

// The data calls of a DB are those of its default family.

// family is the default family, or nil, which answers ErrClosed.
func (d *DB) family() *ColumnFamily {
	if d == nil {
		return nil
	}
	return d.def
}

// Get reads a key of the default family: see ColumnFamily.Get.
func (d *DB) Get(key []byte, o *ReadOptions) ([]byte, error) { return d.family().Get(key, o) }

// GetAppend reads a key of the default family: see ColumnFamily.GetAppend.
func (d *DB) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	return d.family().GetAppend(dst, key, o)
}

// GetPinned lends C memory to f, during f only: see ColumnFamily.GetPinned.
func (d *DB) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	return d.family().GetPinned(key, o, f)
}

// Has reports whether a key of the default family is there: see ColumnFamily.Has.
func (d *DB) Has(key []byte, o *ReadOptions) (bool, error) { return d.family().Has(key, o) }

// MayHave tells whether a key of the default family may be there: see ColumnFamily.MayHave.
func (d *DB) MayHave(key []byte) (bool, error) { return d.family().MayHave(key) }

// NewIter makes an iterator over the default family: see ColumnFamily.NewIter.
func (d *DB) NewIter(o *IterOptions) (*iterator.Iterator, error) { return d.family().NewIter(o) }

// Put sets a key of the default family: see ColumnFamily.Put.
func (d *DB) Put(key, value []byte, o *WriteOptions) error { return d.family().Put(key, value, o) }

// Delete deletes a key of the default family: see ColumnFamily.Delete.
func (d *DB) Delete(key []byte, o *WriteOptions) error { return d.family().Delete(key, o) }

// SingleDelete deletes a key of the default family that was put once: see ColumnFamily.SingleDelete.
func (d *DB) SingleDelete(key []byte, o *WriteOptions) error {
	return d.family().SingleDelete(key, o)
}

// DeleteRange deletes keys of the default family: see ColumnFamily.DeleteRange.
func (d *DB) DeleteRange(start, end []byte, o *WriteOptions) error {
	return d.family().DeleteRange(start, end, o)
}

// Merge adds an operand to a key of the default family: see ColumnFamily.Merge.
func (d *DB) Merge(key, operand []byte, o *WriteOptions) error {
	return d.family().Merge(key, operand, o)
}

// Writer returns a Writer to the default family: see ColumnFamily.Writer.
func (d *DB) Writer(o *WriteOptions) Writer { return d.family().Writer(o) }

// Ingest makes table files part of the default family: see ColumnFamily.Ingest.
func (d *DB) Ingest(ctx context.Context, paths []string, o *IngestOptions) error {
	return d.family().Ingest(ctx, paths, o)
}

// NewLoader begins a bulk load into the default family: see ColumnFamily.NewLoader.
func (d *DB) NewLoader(ctx context.Context, o *BulkLoadOptions) (*Loader, error) {
	return d.family().NewLoader(ctx, o)
}
