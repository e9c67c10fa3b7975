package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// Flush writes the memtables of the families to files and waits.
func (d *DB) Flush(families []*Family) error {
	if len(families) == 0 {
		return nil
	}
	ps := make([]*C.rb_family, len(families))
	for i, f := range families {
		ps[i] = f.p
	}
	err := failure(C.rb_flush(d.p, &ps[0], C.size_t(len(ps))))
	runtime.KeepAlive(families)
	return err
}

// SyncWAL syncs the write-ahead log to disk.
func (d *DB) SyncWAL() error { return failure(C.rb_sync_wal(d.p)) }

// FlushWAL writes what RocksDB has buffered of the write-ahead log, without a sync.
func (d *DB) FlushWAL() error { return failure(C.rb_flush_wal(d.p)) }

// CancelBackground ends RocksDB's background work for good; writes that wait in a stall fail with code
// ShuttingDown.
func (d *DB) CancelBackground() { C.rb_cancel_background(d.p) }

// Resume has RocksDB take writes again after a background error. Code Unsupported without the tag rb_cxx.
func (d *DB) Resume() error { return failure(C.rb_resume(d.p)) }

// Checkpoint makes a consistent copy of the database in dir, which must not exist.
func (d *DB) Checkpoint(dir string) error {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	return failure(C.rb_checkpoint(d.p, path))
}

// Property reads a property of a family; false if RocksDB does not know the name.
func (f *Family) Property(name string) (string, bool) {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	v := C.rb_property(f.p, n)
	if v == nil {
		return "", false
	}
	defer C.rb_free(unsafe.Pointer(v))
	return C.GoString(v), true
}

// LatestSequence is the sequence number of the newest write.
func (d *DB) LatestSequence() uint64 { return uint64(C.rb_latest_sequence(d.p)) }

// WaitForCompact waits until no flush or compaction is pending, at most so long, then code TimedOut; 0:
// no limit. Code Unsupported before RocksDB 8.7.
func (d *DB) WaitForCompact(timeout time.Duration) error {
	return failure(C.rb_wait_for_compact(d.p, C.uint64_t(timeout.Microseconds())))
}

// Feature is something that versions of RocksDB after 7.8 added.
type Feature uint32

// The features.
const (
	FeatureFlushFamilies    Feature = C.RB_FEATURE_FLUSH_FAMILIES
	FeatureWaitForCompact   Feature = C.RB_FEATURE_WAIT_FOR_COMPACT
	FeatureSnapshotSequence Feature = C.RB_FEATURE_SNAPSHOT_SEQUENCE
	FeatureSetDBOptions     Feature = C.RB_FEATURE_SET_DB_OPTIONS
	FeatureWriteBuffers     Feature = C.RB_FEATURE_WRITE_BUFFERS
	FeatureAsyncIO          Feature = C.RB_FEATURE_ASYNC_IO
	FeatureIngestBottommost Feature = C.RB_FEATURE_INGEST_BOTTOMMOST
	FeatureIngestLinks      Feature = C.RB_FEATURE_INGEST_LINKS
	FeatureIngestNoCopy     Feature = C.RB_FEATURE_INGEST_NO_COPY
	FeatureAdaptive         Feature = C.RB_FEATURE_ADAPTIVE
	FeatureTraces           Feature = C.RB_FEATURE_TRACES
	FeatureAllFiles         Feature = C.RB_FEATURE_ALL_FILES
	FeatureIdentity         Feature = C.RB_FEATURE_IDENTITY
	FeatureSizeFlags        Feature = C.RB_FEATURE_SIZE_FLAGS
	FeatureSizeMargin       Feature = C.RB_FEATURE_SIZE_MARGIN
	FeatureSizeBlobs        Feature = C.RB_FEATURE_SIZE_BLOBS
	FeatureBackupStop       Feature = C.RB_FEATURE_BACKUP_STOP
	FeatureBackupNote       Feature = C.RB_FEATURE_BACKUP_NOTE
	FeatureStatisticsLevels Feature = C.RB_FEATURE_STATISTICS_LEVELS
	FeatureHyperClock       Feature = C.RB_FEATURE_HYPER_CLOCK
	FeatureTunedRateLimit   Feature = C.RB_FEATURE_TUNED_RATE_LIMIT
	FeatureEvents           Feature = C.RB_FEATURE_EVENTS
	FeatureResume           Feature = C.RB_FEATURE_RESUME
	FeatureCompactStatus    Feature = C.RB_FEATURE_COMPACT_STATUS
	FeatureFamilyFiles      Feature = C.RB_FEATURE_FAMILY_FILES
	FeatureCompactFiles     Feature = C.RB_FEATURE_COMPACT_FILES
	FeaturePause            Feature = C.RB_FEATURE_PAUSE
	FeatureDisk             Feature = C.RB_FEATURE_DISK
	FeatureWideColumns      Feature = C.RB_FEATURE_WIDE_COLUMNS
	FeatureTableFilter      Feature = C.RB_FEATURE_TABLE_FILTER
	FeatureTableNewest      Feature = C.RB_FEATURE_TABLE_NEWEST
	FeatureRateLimitMode    Feature = C.RB_FEATURE_RATE_LIMIT_MODE
	FeatureIOContext        Feature = C.RB_FEATURE_IO_CONTEXT
	FeatureCompactor        Feature = C.RB_FEATURE_COMPACTOR
	FeatureDeletionsSize    Feature = C.RB_FEATURE_DELETIONS_SIZE
	FeatureCompactParts     Feature = C.RB_FEATURE_COMPACT_PARTS
	FeatureCompactBlobs     Feature = C.RB_FEATURE_COMPACT_BLOBS
)

// Supports reports whether the linked RocksDB has a feature.
func Supports(f Feature) bool { return C.rb_supports(C.uint32_t(f)) != 0 }
