package cbridge

// #include "rb.h"
// #cgo noescape rb_metrics_get
// #cgo nocallback rb_metrics_get
// #cgo noescape rb_allocator_used
// #cgo nocallback rb_allocator_used
// #cgo noescape rb_allocator_release
// #cgo nocallback rb_allocator_release
import "C"

import "runtime"

// FamilyMetrics is one family as it is now; see rb.h for each figure.
type FamilyMetrics struct {
	MemtableActive, MemtableCurrent, MemtableAll uint64 // bytes
	MemtablesWaiting, FlushPending               uint64
	TableReaders                                 uint64 // bytes
	CacheCapacity, CacheUsage, CachePinned       uint64 // bytes
	Keys                                         uint64
	LiveData, TableFiles, TableFilesLive         uint64 // bytes
	BlobFiles                                    uint64
	BlobBytes, BlobBytesLive                     uint64
	Level0Files, Versions, CompactionPending     uint64
	CompactionDebt                               uint64 // bytes
	StallDelays, StallStops                      uint64
}

// Allocator is the memory of the process that malloc manages, in bytes.
type Allocator struct {
	Name        string // "glibc", "jemalloc" or "unknown"
	Held, InUse uint64
}

// Metrics is the database as it is now; see rb.h for each figure.
type Metrics struct {
	CacheCapacity, CacheUsage, CachePinned uint64 // bytes
	RowCacheCapacity, RowCacheUsage        uint64 // bytes
	RunningFlushes, RunningCompactions     uint64
	BackgroundErrors                       uint64
	Snapshots                              uint64
	OldestSnapshot                         uint64 // seconds since 1970; 0: none
	WriteStopped, DelayedRate              uint64
	StallMicros                            uint64
	Allocator                              Allocator
	Families                               []FamilyMetrics // in the order asked for
}

// Metrics gathers everything about the database and these of its families, in one call.
func (d *DB) Metrics(families []*Family) Metrics {
	ps := make([]*C.rb_family, len(families)+1) // one more, so that there is a first
	for i, f := range families {
		ps[i] = f.p
	}
	out := make([]C.rb_family_metrics, len(families)+1)
	c := C.rb_metrics_get(d.p, &ps[0], C.size_t(len(families)), &out[0])
	runtime.KeepAlive(families)
	m := Metrics{
		CacheCapacity: uint64(c.cache_capacity), CacheUsage: uint64(c.cache_usage), CachePinned: uint64(c.cache_pinned),
		RowCacheCapacity: uint64(c.row_cache_capacity), RowCacheUsage: uint64(c.row_cache_usage),
		RunningFlushes: uint64(c.running_flushes), RunningCompactions: uint64(c.running_compactions),
		BackgroundErrors: uint64(c.background_errors), Snapshots: uint64(c.snapshots),
		OldestSnapshot: uint64(c.oldest_snapshot), WriteStopped: uint64(c.write_stopped),
		DelayedRate: uint64(c.delayed_rate), StallMicros: uint64(c.stall_micros), Allocator: allocator(c.allocator),
	}
	for i := range families {
		m.Families = append(m.Families, familyMetrics(&out[i]))
	}
	return m
}

func familyMetrics(c *C.rb_family_metrics) FamilyMetrics {
	return FamilyMetrics{
		MemtableActive: uint64(c.memtable_active), MemtableCurrent: uint64(c.memtable_current),
		MemtableAll: uint64(c.memtable_all), MemtablesWaiting: uint64(c.memtables_waiting),
		FlushPending: uint64(c.flush_pending), TableReaders: uint64(c.table_readers),
		CacheCapacity: uint64(c.cache_capacity), CacheUsage: uint64(c.cache_usage), CachePinned: uint64(c.cache_pinned),
		Keys: uint64(c.keys), LiveData: uint64(c.live_data),
		TableFiles: uint64(c.table_files), TableFilesLive: uint64(c.table_files_live),
		BlobFiles: uint64(c.blob_files), BlobBytes: uint64(c.blob_bytes), BlobBytesLive: uint64(c.blob_bytes_live),
		Level0Files: uint64(c.level0_files), Versions: uint64(c.versions),
		CompactionPending: uint64(c.compaction_pending), CompactionDebt: uint64(c.compaction_debt),
		StallDelays: uint64(c.stall_delays), StallStops: uint64(c.stall_stops),
	}
}

// AllocatorUsed asks the allocator of the process.
func AllocatorUsed() Allocator { return allocator(C.rb_allocator_used()) }

// AllocatorRelease has the allocator of the process give back what it holds free; false if it is not known.
func AllocatorRelease() bool { return C.rb_allocator_release() != C.RB_ALLOCATOR_UNKNOWN }

func allocator(c C.rb_allocator) Allocator {
	a := Allocator{Name: "unknown", Held: uint64(c.held), InUse: uint64(c.in_use)}
	switch c.kind {
	case C.RB_ALLOCATOR_GLIBC:
		a.Name = "glibc"
	case C.RB_ALLOCATOR_JEMALLOC:
		a.Name = "jemalloc"
	}
	return a
}
