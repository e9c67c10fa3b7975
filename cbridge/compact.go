package cbridge

// #include "rb.h"
import "C"

// What a compaction does with rows that lie in the last level of its range already.
const (
	BottommostSkip       = C.RB_BOTTOMMOST_SKIP
	BottommostIfFiltered = C.RB_BOTTOMMOST_IF_FILTERED
	BottommostForce      = C.RB_BOTTOMMOST_FORCE
	BottommostForceOnce  = C.RB_BOTTOMMOST_FORCE_ONCE
)

// What a compaction does with values that nothing refers to any more in blob files.
const (
	BlobsCollect = C.RB_BLOBS_COLLECT
	BlobsLeave   = C.RB_BLOBS_LEAVE
	BlobsAsSet   = C.RB_BLOBS_AS_SET
)

// Compaction is how CompactWith goes.
type Compaction struct {
	Exclusive      bool
	Bottommost     uint8
	ChangeLevel    bool
	Target         int32 // with ChangeLevel; -1: the first level that has room
	AllowStall     bool
	Subcompactions uint32 // 0: as set
	Blobs          uint8
	BlobAge        float64 // below 0: as set
}

// Compact compacts the range down and waits; nil bounds are open.
func (f *Family) Compact(start, end []byte) error {
	return failure(C.rb_compact(f.p, flag(start != nil), ptr(start), C.size_t(len(start)),
		flag(end != nil), ptr(end), C.size_t(len(end))))
}

// CompactWith is Compact in a chosen way. Code TryAgain where the files did not come into the
// level that was asked for, Unsupported for what the linked RocksDB lacks. While it changes the level nothing may be
// ingested into the family, nor files be dropped.
func (f *Family) CompactWith(start, end []byte, how Compaction) error {
	return failure(C.rb_compact_with(f.p, flag(start != nil), ptr(start), C.size_t(len(start)),
		flag(end != nil), ptr(end), C.size_t(len(end)), C.rb_compaction{
			exclusive: flag(how.Exclusive), bottommost: C.uint8_t(how.Bottommost),
			change_level: flag(how.ChangeLevel), target: C.int32_t(how.Target),
			allow_stall: flag(how.AllowStall), subcompactions: C.uint32_t(how.Subcompactions),
			blobs: C.uint8_t(how.Blobs), blob_age: C.double(how.BlobAge),
		}))
}

// SuggestCompact marks the files that reach into the range for compaction in the background; nil bounds are open. Bounds
// of a family with timestamps have one behind them.
func (f *Family) SuggestCompact(start, end []byte) error {
	return failure(C.rb_suggest_compact(f.p, flag(start != nil), ptr(start), C.size_t(len(start)),
		flag(end != nil), ptr(end), C.size_t(len(end))))
}

// PauseCompaction stops every Compact and CompactWith that runs, waits until they have ended, and has new ones do
// nothing until ResumeCompaction.
func (d *DB) PauseCompaction() { C.rb_pause_compaction(d.p) }

// ResumeCompaction ends one PauseCompaction.
func (d *DB) ResumeCompaction() { C.rb_resume_compaction(d.p) }
