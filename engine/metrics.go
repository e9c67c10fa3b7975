package engine

import (
	"runtime"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Metrics is what the garbage collector and the runtime do not see of a database: see DB.Metrics. Sizes
// are bytes and times are seconds. What a comment calls a total only grows, from the opening on; all
// else is as it is now. The JSON names are fixed; docs/observability.md explains each.
type Metrics struct {
	Memory   MemoryMetrics            `json:"memory"`
	Handles  map[string]HandleMetrics `json:"handles"` // by kind: iterator, snapshot, batch, transaction
	Calls    map[string]CallMetrics   `json:"calls"`   // by operation, as Close names them
	Reads    ReadMetrics              `json:"reads"`
	Lanes    map[string]LaneMetrics   `json:"lanes"` // by name
	Commits  CommitMetrics            `json:"commits"`
	Stalls   StallMetrics             `json:"stalls"`
	Work     WorkMetrics              `json:"work"`
	Events   EventMetrics             `json:"events"`
	Families map[string]FamilyMetrics `json:"families"` // by name
	Process  ProcessMetrics           `json:"process"`
}

// MemoryMetrics is memory in C by kind. With a MemoryBudget the cache is the budget's, with the blocks
// of all its databases. A cache that an option string gave to a family is in that family's figures only.
type MemoryMetrics struct {
	BlockCache         uint64 `json:"block_cache_bytes"` // blocks in the cache
	BlockCacheCapacity uint64 `json:"block_cache_capacity_bytes"`
	BlockCachePinned   uint64 `json:"block_cache_pinned_bytes"` // of the blocks, those in use: they cannot be dropped
	RowCache           uint64 `json:"row_cache_bytes"`          // rows in the cache of rows: Options.RowCacheSize
	RowCacheCapacity   uint64 `json:"row_cache_capacity_bytes"`
	Memtables          uint64 `json:"memtable_bytes"`        // of all families, pinned ones too
	MemtablesPinned    uint64 `json:"memtable_pinned_bytes"` // of these, flushed ones that readers hold
	TableReaders       uint64 `json:"table_reader_bytes"`    // index and filter blocks outside the cache
}

// ProcessMetrics is of the whole process, whatever used C in it.
type ProcessMetrics struct {
	Allocator      string `json:"allocator"`              // "glibc", "jemalloc" or "unknown", with zeros
	AllocatorHeld  uint64 `json:"allocator_held_bytes"`   // what malloc has from the system; jemalloc: resident
	AllocatorInUse uint64 `json:"allocator_in_use_bytes"` // of that, handed out
	CgoCalls       uint64 `json:"cgo_calls"`              // total: calls from Go into C
	LostDatabases  uint64 `json:"lost_databases"`         // total: garbage before their Close
}

// HandleMetrics is of the handles of one kind.
type HandleMetrics struct {
	Open          int             `json:"open"`
	OldestSeconds float64         `json:"oldest_seconds"` // age of the oldest open one; 0: none is open
	Ages          [HandleAges]int `json:"ages"`           // open ones younger than each of HandleAgeLimits, and the rest
	Made          uint64          `json:"made"`           // total
	Lost          uint64          `json:"lost"`           // total: garbage before their Close
}

// HandleAges is how many ages HandleMetrics tells apart.
const HandleAges = 5

// HandleAgeLimits are the ages at which HandleMetrics.Ages divides; the last part has no limit.
func HandleAgeLimits() [HandleAges - 1]time.Duration {
	return [...]time.Duration{time.Second, time.Minute, 10 * time.Minute, time.Hour}
}

// CallMetrics is of one operation. Each call of it is one call into C but for what
// docs/observability.md lists.
type CallMetrics struct {
	Calls    uint64 `json:"calls"` // total: begun, and not refused by Close
	InFlight int64  `json:"in_flight"`
}

// ReadMetrics is of what calls into C brought; all are totals. Rows divided by Fills are the rows of one
// call of an iterator, MultiGetKeys divided by the calls of "multi get" the keys of one of those.
type ReadMetrics struct {
	Fills        uint64 `json:"fills"`        // calls that moved an iterator and brought rows
	Refills      uint64 `json:"refills"`      // of these, those that went on where the one before ended
	Rows         uint64 `json:"rows"`         // that fills brought to Go
	RowsCounted  uint64 `json:"rows_counted"` // that Count, and other work pushed down, passed in C
	MultiGetKeys uint64 `json:"multi_get_keys"`
	Slow         uint64 `json:"slow_calls"` // logged for Options.SlowThreshold, writes and others too
}

// LaneMetrics is of one lane that calls into C wait for.
type LaneMetrics struct {
	Width         int64   `json:"width"`          // calls that it lets run at once
	InUse         int64   `json:"in_use"`         // calls that run in it
	Waiting       int64   `json:"waiting"`        // calls that wait for it now
	Waits         uint64  `json:"waits"`          // total: calls that had to wait and do no more
	WaitedSeconds float64 `json:"waited_seconds"` // total
}

// CommitMetrics is of writes that were committed in groups; all are totals.
type CommitMetrics struct {
	Groups        uint64             `json:"groups"`
	Commits       uint64             `json:"commits"`        // in these groups
	Sizes         [GroupSizes]uint64 `json:"sizes"`          // groups of up to 1, 2, 4, 8, ... commits; the last: any more
	Syncs         uint64             `json:"wal_syncs"`      // of the write-ahead log
	SyncedCommits uint64             `json:"synced_commits"` // commits that these served
}

// StallMetrics tells how RocksDB holds writes back when flushes or compactions are behind.
type StallMetrics struct {
	Stopped        bool    `json:"stopped"`                       // no write goes on
	DelayedRate    uint64  `json:"delayed_rate_bytes_per_second"` // writes are slowed down to it; 0: they are not
	Delays         uint64  `json:"delays"`                        // total: how often a family had writes slowed down
	Stops          uint64  `json:"stops"`                         // total: how often one had them stopped
	StalledSeconds float64 `json:"stalled_seconds"`               // total: what writes waited, to the millisecond
}

// WorkMetrics is RocksDB's work in the background, and what keeps it from cleaning up.
type WorkMetrics struct {
	RunningFlushes        uint64  `json:"running_flushes"`
	RunningCompactions    uint64  `json:"running_compactions"`
	BackgroundErrors      uint64  `json:"background_errors"` // total
	Snapshots             uint64  `json:"snapshots"`         // RocksDB's own count, internal ones too
	OldestSnapshotSeconds float64 `json:"oldest_snapshot_seconds"`
}

// FamilyMetrics is of one column family, as RocksDB tells.
type FamilyMetrics struct {
	Memtables          uint64 `json:"memtable_bytes"`
	MemtableActive     uint64 `json:"memtable_active_bytes"` // the one that takes writes
	MemtablesPinned    uint64 `json:"memtable_pinned_bytes"` // flushed ones that readers hold
	MemtablesWaiting   uint64 `json:"memtables_waiting"`     // full ones that are not flushed yet
	FlushPending       bool   `json:"flush_pending"`
	TableReaders       uint64 `json:"table_reader_bytes"`
	BlockCache         uint64 `json:"block_cache_bytes"` // of the cache that the family uses, mostly that of all
	BlockCacheCapacity uint64 `json:"block_cache_capacity_bytes"`
	BlockCachePinned   uint64 `json:"block_cache_pinned_bytes"`
	Keys               uint64 `json:"keys"`            // estimate
	LiveData           uint64 `json:"live_data_bytes"` // estimate
	Files              uint64 `json:"file_bytes"`      // table files, obsolete ones that readers hold too
	FilesLive          uint64 `json:"file_live_bytes"`
	Level0Files        uint64 `json:"level0_files"` // number
	BlobFiles          uint64 `json:"blob_files"`   // number
	Blobs              uint64 `json:"blob_bytes"`
	BlobsLive          uint64 `json:"blob_live_bytes"`
	Versions           uint64 `json:"versions"` // states of the files that are kept: 1 and those that readers hold
	CompactionPending  bool   `json:"compaction_pending"`
	CompactionDebt     uint64 `json:"compaction_debt_bytes"` // estimate of what compactions have yet to rewrite
	StallDelays        uint64 `json:"stall_delays"`          // total
	StallStops         uint64 `json:"stall_stops"`           // total
}

// Metrics gathers what is known of the database and the process, in one call into C. The parts are read
// one after the other, while calls go on: figures that belong together may differ by what happened in
// between. When nothing is under way, totals are exact. It takes RocksDB's mutex for each figure of each
// family and some tens of microseconds for each: fit for every few seconds, not for every request. Safe
// for concurrent use; ErrClosed on a closed database.
func (d *DB) Metrics() (Metrics, error) {
	if err := d.enter(nil, opMetrics); err != nil {
		return Metrics{}, err
	}
	defer d.guard.leave(opMetrics)
	families := *d.families.Load()
	cs := make([]*cbridge.Family, len(families))
	for i, f := range families {
		cs[i] = f.c
	}
	c := d.c.Metrics(cs)
	m := Metrics{
		Memory: MemoryMetrics{BlockCache: c.CacheUsage, BlockCacheCapacity: c.CacheCapacity, BlockCachePinned: c.CachePinned, RowCache: c.RowCacheUsage, RowCacheCapacity: c.RowCacheCapacity},
		Stalls: StallMetrics{
			Stopped: c.WriteStopped != 0, DelayedRate: c.DelayedRate, StalledSeconds: float64(c.StallMicros) / 1e6,
		},
		Work: WorkMetrics{
			RunningFlushes: c.RunningFlushes, RunningCompactions: c.RunningCompactions,
			BackgroundErrors: c.BackgroundErrors, Snapshots: c.Snapshots,
		},
		Calls: d.guard.metrics(), Lanes: map[string]LaneMetrics{}, Families: map[string]FamilyMetrics{},
		Process: processMetrics(c.Allocator), Events: d.events.metrics(),
	}
	if c.OldestSnapshot != 0 {
		m.Work.OldestSnapshotSeconds = max(0, time.Since(time.Unix(int64(c.OldestSnapshot), 0)).Seconds())
	}
	for i, f := range families {
		m.addFamily(f.name, &c.Families[i])
	}
	m.Handles, m.Reads = d.children.metrics()
	d.counters.metrics(&m)
	for _, l := range d.guard.lanes.all() {
		m.Lanes[l.name] = l.metrics()
	}
	return m, nil
}

// ReadProcessMetrics gathers what concerns the whole process: for programs that watch several databases.
func ReadProcessMetrics() ProcessMetrics { return processMetrics(cbridge.AllocatorUsed()) }

// FreeOSMemory has the allocator of C, glibc's or jemalloc, give back to the system what it holds free, as
// debug.FreeOSMemory does for Go's memory: after a churn whose memory is not needed again. What RocksDB has in use stays,
// so the block cache too. Other threads wait for the allocator meanwhile, milliseconds with hundreds of megabytes: it is
// for every few minutes at most. False if there is another allocator, and nothing was done. It is safe for concurrent use.
func FreeOSMemory() bool { return cbridge.AllocatorRelease() }

func processMetrics(a cbridge.Allocator) ProcessMetrics {
	return ProcessMetrics{
		Allocator: a.Name, AllocatorHeld: a.Held, AllocatorInUse: a.InUse,
		CgoCalls: uint64(runtime.NumCgoCall()), LostDatabases: lostDatabases.Load(),
	}
}

// addFamily adds a family, and to the sums over all.
func (m *Metrics) addFamily(name string, c *cbridge.FamilyMetrics) {
	f := FamilyMetrics{
		Memtables: c.MemtableAll, MemtableActive: c.MemtableActive, MemtablesPinned: c.MemtableAll - min(c.MemtableAll, c.MemtableCurrent),
		MemtablesWaiting: c.MemtablesWaiting, FlushPending: c.FlushPending != 0, TableReaders: c.TableReaders,
		BlockCache: c.CacheUsage, BlockCacheCapacity: c.CacheCapacity, BlockCachePinned: c.CachePinned,
		Keys: c.Keys, LiveData: c.LiveData, Files: c.TableFiles, FilesLive: c.TableFilesLive, Level0Files: c.Level0Files,
		BlobFiles: c.BlobFiles, Blobs: c.BlobBytes, BlobsLive: c.BlobBytesLive, Versions: c.Versions,
		CompactionPending: c.CompactionPending != 0, CompactionDebt: c.CompactionDebt,
		StallDelays: c.StallDelays, StallStops: c.StallStops,
	}
	m.Families[name] = f
	m.Memory.Memtables += f.Memtables
	m.Memory.MemtablesPinned += f.MemtablesPinned
	m.Memory.TableReaders += f.TableReaders
	m.Stalls.Delays += f.StallDelays
	m.Stalls.Stops += f.StallStops
}

// metrics tells of the calls of each kind.
func (g *guard) metrics() map[string]CallMetrics {
	m := make(map[string]CallMetrics, opKinds)
	for op := range g.running {
		running := g.running[op].running()
		m[opNames[op]] = CallMetrics{Calls: uint64(g.running[op].begun.Load()), InFlight: running}
	}
	return m
}

// metrics tells of the open handles, and what iterators brought, open ones too.
func (l *children) metrics() (map[string]HandleMetrics, ReadMetrics) {
	var all [childKinds]HandleMetrics
	limits := HandleAgeLimits()
	l.mu.Lock()
	t := l.retired
	for kind := range all {
		all[kind].Made, all[kind].Lost = l.made[kind], l.lost[kind]
	}
	for c := l.head; c != nil; c = c.next {
		h, old, i := &all[c.kind], age(c.since), 0
		for i < len(limits) && old >= limits[i] {
			i++
		}
		h.Open++
		h.Ages[i]++
		h.OldestSeconds = max(h.OldestSeconds, old.Seconds())
		if o, ok := c.owner.(*iterOwner); ok {
			t.add(&o.stats)
		}
	}
	l.mu.Unlock()
	m := make(map[string]HandleMetrics, childKinds)
	for kind, h := range all {
		m[childNames[kind]] = h
	}
	return m, ReadMetrics{Fills: t.fills, Refills: t.refills, Rows: t.rows, RowsCounted: t.counted}
}

// metrics is the lane's part of Metrics.
func (l *lane) metrics() LaneMetrics {
	s := l.state.Load()
	return LaneMetrics{
		Width: l.width, InUse: s % lineUp, Waiting: s / lineUp, Waits: l.waits.Load(),
		WaitedSeconds: time.Duration(l.waited.Load()).Seconds(),
	}
}

// metrics fills in what reads and commits counted.
func (c *counters) metrics(m *Metrics) {
	m.Reads.MultiGetKeys, m.Reads.Slow = c.multiGetKeys.Load(), c.slow.Load()
	m.Commits.Groups, m.Commits.Commits = c.commits.groups.Load(), c.commits.commits.Load()
	for i := range m.Commits.Sizes {
		m.Commits.Sizes[i] = c.commits.sizes[i].Load()
	}
	m.Commits.Syncs, m.Commits.SyncedCommits = c.commits.syncs.Load(), c.commits.syncedFor.Load()
}
