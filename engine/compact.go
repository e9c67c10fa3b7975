package engine

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Bottommost is what a compaction by hand does with rows that lie in the last level of its range already.
type Bottommost int

// What is done with them.
const (
	BottommostIfFiltered Bottommost = iota // compacted where the family has a compaction filter, the default
	BottommostSkip                         // left as they are
	BottommostForce                        // compacted, so that deleted rows and old versions go from there too
	BottommostForceOnce                    // the same, but for files that this compaction itself has made
)

// BlobCollection is what a compaction by hand does with values in blob files that no row refers to any more.
type BlobCollection int

// What is done with them.
const (
	BlobsAsSet   BlobCollection = iota // as enable_blob_garbage_collection has it, the default
	BlobsCollect                       // values that are still referred to move out of the oldest files, which then go
	BlobsLeave                         // nothing
)

// CompactOptions say how a compaction by hand goes. Nil means the defaults.
type CompactOptions struct {
	Bottommost Bottommost

	// Exclusive has no other compaction run meanwhile. Compactions that are under way are waited for, which a context
	// does not end.
	Exclusive bool

	// ChangeLevel moves all files of the level where the compaction ends to another one, without rewriting them. All
	// levels in between must be free of files. ErrTryAgain if no file is in that level afterwards, which a compaction
	// of RocksDB's own may be the cause of; with the build tag rb_cxx (feature CompactStatus) it is RocksDB's own answer
	// instead. Ingest and DeleteFilesInRange wait meanwhile. ErrInvalidArgument where compaction is FIFO.
	ChangeLevel bool

	// TargetLevel is the level that ChangeLevel moves files to, from 1 on; 0: the first one, between the top and where they
	// are, whose size they fit into. Level 0, where each file is searched, is none. ErrInvalidArgument for one that the family has not.
	TargetLevel int

	// Subcompactions is how many parts of the range are compacted side by side at most; 0: as max_subcompactions has
	// it. ErrUnsupported before RocksDB 9.11 without the build tag rb_cxx (feature CompactParts).
	Subcompactions int

	// AllowStall does not wait, before memtables are flushed, until that stalls no writes. ErrUnsupported before
	// RocksDB 9.11 without the build tag rb_cxx (feature CompactParts).
	AllowStall bool

	// Blobs is about values in blob files, and BlobAge the part of these, the oldest ones, above 0 and up to 1, that is
	// collected; 0: as blob_garbage_collection_age_cutoff has it. ErrUnsupported before RocksDB 11.6 without the
	// build tag rb_cxx (feature CompactBlobs).
	Blobs   BlobCollection
	BlobAge float64
}

// check refuses what makes no sense, or is not there.
func (o *CompactOptions) check() error {
	switch {
	case o.Bottommost < 0 || o.Bottommost > BottommostForceOnce:
		return invalid("", "there is no such Bottommost")
	case o.Blobs < 0 || o.Blobs > BlobsLeave:
		return invalid("", "there is no such Blobs")
	case o.TargetLevel < 0 || o.TargetLevel > math.MaxInt32:
		return invalid("", "there is no such TargetLevel")
	case o.TargetLevel > 0 && !o.ChangeLevel:
		return invalid("", "TargetLevel is for ChangeLevel")
	case o.Subcompactions < 0 || o.Subcompactions > math.MaxInt32:
		return invalid("", "Subcompactions is out of range")
	case !(o.BlobAge >= 0 && o.BlobAge <= 1):
		return invalid("", "BlobAge is not between 0 and 1")
	case o.BlobAge > 0 && o.Blobs == BlobsLeave:
		return invalid("", "BlobAge is for blobs that are collected")
	case (o.Subcompactions > 0 || o.AllowStall) && !Supports(CompactParts):
		return unsupported("", CompactParts)
	case (o.Blobs != BlobsAsSet || o.BlobAge > 0) && !Supports(CompactBlobs):
		return unsupported("", CompactBlobs)
	}
	return nil
}

func (o *CompactOptions) c() cbridge.Compaction {
	c := cbridge.Compaction{
		Exclusive: o.Exclusive, ChangeLevel: o.ChangeLevel, Target: int32(o.TargetLevel), AllowStall: o.AllowStall,
		Subcompactions: uint32(o.Subcompactions), BlobAge: o.BlobAge,
	}
	c.Bottommost = [...]uint8{
		BottommostIfFiltered: cbridge.BottommostIfFiltered, BottommostSkip: cbridge.BottommostSkip,
		BottommostForce: cbridge.BottommostForce, BottommostForceOnce: cbridge.BottommostForceOnce,
	}[o.Bottommost]
	c.Blobs = [...]uint8{
		BlobsAsSet: cbridge.BlobsAsSet, BlobsCollect: cbridge.BlobsCollect, BlobsLeave: cbridge.BlobsLeave,
	}[o.Blobs]
	if o.TargetLevel == 0 {
		c.Target = -1
	}
	if o.BlobAge == 0 {
		c.BlobAge = -1
	}
	return c
}

// Compact compacts the range [start, end) of every family down and waits; nil bounds are open. See
// ColumnFamily.Compact.
func (d *DB) Compact(ctx context.Context, start, end []byte) error {
	if d == nil || d.c == nil {
		return ErrClosed
	}
	for _, c := range slices.Clone(*d.families.Load()) {
		err := c.Compact(ctx, start, end)
		if err != nil && !errors.Is(err, ErrFamilyDropped) { // dropped meanwhile: nothing to compact
			return err
		}
	}
	return nil
}

// Compact compacts the range [start, end) of the family down and waits; nil bounds are open. One
// compaction by hand runs at a time in a database, others wait. When ctx, which may be nil, ends, the
// caller leaves at once, and the compaction stops soon: what it has done stays done. So does that of a
// database that is being closed, with ErrClosed.
//
// RocksDB's C API does not tell what became of it: ErrIO without more then, if the database got into a background error
// meanwhile, and nothing of a compaction that failed otherwise. With the build tag rb_cxx (feature CompactStatus) it is RocksDB's own
// answer, ErrCorruption of a damaged file for example. See CompactWith for its options.
func (c *ColumnFamily) Compact(ctx context.Context, start, end []byte) error {
	return c.CompactWith(ctx, start, end, nil)
}

// CompactWith compacts a range of the default family in a chosen way: see ColumnFamily.CompactWith.
func (d *DB) CompactWith(ctx context.Context, start, end []byte, o *CompactOptions) error {
	return d.family().CompactWith(ctx, start, end, o)
}

// CompactWith is Compact in a chosen way. ErrInvalidArgument, ErrUnsupported for options that make no sense, or
// that the linked RocksDB has not; ErrInvalidArgument for a bound that GoComparator does not take too. It is safe for concurrent use.
func (c *ColumnFamily) CompactWith(ctx context.Context, start, end []byte, o *CompactOptions) error {
	if o == nil {
		o = &CompactOptions{}
	}
	if err := c.enter(ctx, opCompact); err != nil {
		return err
	}
	err := c.mayCompact(start, end, o)
	if err == nil {
		err = c.db.guard.lanes.enterCompact(ctx)
	}
	if err != nil {
		c.db.guard.leave(opCompact)
		return c.describe(err, "compact", nil)
	}
	return c.describe(c.compact(ctx, bytes.Clone(start), bytes.Clone(end), *o), "compact", nil)
}

func (c *ColumnFamily) mayCompact(start, end []byte, o *CompactOptions) error {
	if c.db.readOnly {
		return dberr.New("", dberr.ReadOnly, "")
	}
	if err := c.checkBounds(start, end); err != nil {
		return err
	}
	return o.check()
}

// checkBounds refuses bounds that no key can be. Nil ones are open.
func (c *ColumnFamily) checkBounds(start, end []byte) error {
	for _, bound := range [][]byte{start, end} {
		switch {
		case bound == nil:
			continue
		case len(bound) > MaxKeySize:
			return dberr.New("", dberr.TooLarge, "a bound exceeds MaxKeySize")
		}
		if err := c.checkKey(bound); err != nil {
			return err
		}
	}
	return nil
}

// compact makes the call and gives back the lanes and the guard.
func (c *ColumnFamily) compact(ctx context.Context, start, end []byte, o CompactOptions) error {
	d := c.db
	return detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opCompact, c, noKey)()
			}
			if err := d.pauses.begin(); err != nil {
				return err
			}
			defer d.pauses.done()
			if err := d.stopped(); err != nil {
				return err
			}
			if o.ChangeLevel {
				c.refit.Lock()
				defer c.refit.Unlock()
			}
			var err error
			for wakes, again := uint64(0), true; again; again = d.wakes.Load() != wakes { // which may have stopped it
				wakes = d.wakes.Load()
				err = d.note(d.whyBackground(c.c.CompactWith(start, end, o.c())))
			}
			if err == nil && c.hasUnflushed() {
				err = d.refusal() // what stops it at the flush is not counted, and RocksDB's C API does not tell
			}
			if err == nil && d.guard.closing.Load() {
				return ErrClosed // Close may have stopped it
			}
			return err
		},
		stop: d.pauseCompaction, // of the whole database; but only this one runs
		end: func(gone bool) {
			if gone {
				d.resumeCompaction()
			}
			d.guard.lanes.leaveCompact()
			d.guard.leave(opCompact)
		},
	}.run(ctx)
}
