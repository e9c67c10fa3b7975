package engine

import (
	"bytes"
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// KeyRange are the keys from Start up to End, that of End excluded; nil is open.
type KeyRange struct{ Start, End []byte }

// SizeOptions say what ApproximateSizes counts. Nil and the zero value mean: what is in table files.
type SizeOptions struct {
	// Memtables counts what has not been flushed yet too, and NoFiles leaves table files out. ErrUnsupported before
	// RocksDB 9.5 without the build tag rb_cxx (feature SizeFlags).
	Memtables, NoFiles bool

	// Blobs adds, of the size of all blob files, the part that the range has of the table files. ErrUnsupported before
	// RocksDB 11.6.
	Blobs bool

	// Margin, up to 1, lets the size in files be wrong by that part of it, for which fewer blocks of indexes are read. 0:
	// as little wrong as may be. ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx (feature SizeMargin).
	Margin float64
}

// check refuses what makes no sense, or is not there.
func (o *SizeOptions) check() error {
	switch {
	case !(o.Margin >= 0 && o.Margin <= 1):
		return invalid("", "Margin is not between 0 and 1")
	case o.NoFiles && !o.Memtables && !o.Blobs:
		return invalid("", "nothing is left to be counted")
	case (o.Memtables || o.NoFiles) && !Supports(SizeFlags):
		return unsupported("", SizeFlags)
	case o.Blobs && !Supports(SizeBlobs):
		return unsupported("", SizeBlobs)
	case o.Margin > 0 && !Supports(SizeMargin):
		return unsupported("", SizeMargin)
	}
	return nil
}

// ApproximateSizes tells sizes in the default family: see ColumnFamily.ApproximateSizes.
func (d *DB) ApproximateSizes(ctx context.Context, ranges []KeyRange, o *SizeOptions) ([]int64, error) {
	return d.family().ApproximateSizes(ctx, ranges, o)
}

// ApproximateSizes tells about how many bytes each of the ranges takes on disk, compressed, with old versions and
// deletions, in the newest state: an answer for each, in their order, in a slice that is the caller's own. It reads blocks of
// indexes, not rows: of a small range it may be wrong by a block at either end and more. A range that ends where it starts, or
// before, has 0 bytes. Nothing is told of a file that cannot be read: it counts as empty.
//
// ctx, which may be nil, is looked at before the call. ErrInvalidArgument, ErrUnsupported for options that make no sense,
// or that the linked RocksDB has not; ErrTooLarge for a bound above MaxKeySize; ErrUnsupported for a family whose keys are in
// another order than the bytewise one. It is safe for concurrent use, and works on a read-only database.
func (c *ColumnFamily) ApproximateSizes(ctx context.Context, ranges []KeyRange, o *SizeOptions) ([]int64, error) {
	if o == nil {
		o = &SizeOptions{}
	}
	if err := c.enter(ctx, opSizes); err != nil {
		return nil, err
	}
	defer c.db.guard.leave(opSizes)
	sizes, err := c.approximateSizes(ctx, ranges, o)
	return sizes, c.describe(err, "approximate sizes", nil)
}

func (c *ColumnFamily) approximateSizes(ctx context.Context, ranges []KeyRange, o *SizeOptions) ([]int64, error) {
	if err := c.bytewiseOnly(""); err != nil && !c.stamped() {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(ranges) > mostRanges {
		return nil, dberr.New("", dberr.TooLarge, "there are more than 1,048,576 ranges")
	}
	asked := make([]cbridge.KeyRange, len(ranges))
	for i, r := range ranges {
		if max(len(r.Start), len(r.End)) > MaxKeySize {
			return nil, dberr.New("", dberr.TooLarge, "a bound exceeds MaxKeySize")
		}
		asked[i] = cbridge.KeyRange(r)
		if r.empty() {
			asked[i].End = append([]byte{}, r.Start...) // RocksDB ends the process over one that ends before it starts
		}
	}
	if c.db.observed() {
		defer c.db.observe(ctx, opSizes, c, noKey)()
	}
	told, err := c.c.ApproximateSizes(asked, cbridge.SizeOptions(*o))
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, len(told))
	for i, n := range told {
		if !ranges[i].empty() {
			sizes[i] = int64(n)
		}
	}
	return sizes, nil
}

// mostRanges is how many ranges ApproximateSizes takes at once.
const mostRanges = 1 << 20

func (r KeyRange) empty() bool { return r.End != nil && bytes.Compare(r.Start, r.End) >= 0 }
