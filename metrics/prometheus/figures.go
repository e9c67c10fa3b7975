package prometheus

import (
	"strconv"
	"strings"
	"unicode/utf8"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/rockbridge-db/rockbridge/engine"
)

// figure is one metric of a database.
type figure struct {
	name, help string
	kind       prom.ValueType
	labels     []string
	read       func(m *engine.Metrics, to sink)
}

// figures are all of them.
var figures = join(cacheFigures, handleFigures, callFigures, laneFigures, commitFigures, stallFigures, workFigures, eventFigures, familyFigures)

func join(parts ...[]figure) (all []figure) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func gauge(name, help string, read func(m *engine.Metrics, to sink), labels ...string) figure {
	return figure{"rockbridge_" + name, help, prom.GaugeValue, labels, read}
}

func counter(name, help string, read func(m *engine.Metrics, to sink), labels ...string) figure {
	return figure{"rockbridge_" + name + "_total", help, prom.CounterValue, labels, read}
}

var cacheFigures = []figure{
	gauge("block_cache_bytes", "Blocks in the block cache.",
		func(m *engine.Metrics, to sink) { to.count(m.Memory.BlockCache) }),
	gauge("block_cache_capacity_bytes", "Capacity of the block cache.",
		func(m *engine.Metrics, to sink) { to.count(m.Memory.BlockCacheCapacity) }),
	gauge("block_cache_pinned_bytes", "Blocks in the block cache that are in use and cannot be dropped.",
		func(m *engine.Metrics, to sink) { to.count(m.Memory.BlockCachePinned) }),
	gauge("row_cache_bytes", "Rows in the cache of rows.",
		func(m *engine.Metrics, to sink) { to.count(m.Memory.RowCache) }),
	gauge("row_cache_capacity_bytes", "Capacity of the cache of rows.",
		func(m *engine.Metrics, to sink) { to.count(m.Memory.RowCacheCapacity) }),
}

// ageLabels name the parts of HandleMetrics.Ages.
var ageLabels = func() (names [engine.HandleAges]string) {
	for i, limit := range engine.HandleAgeLimits() {
		names[i] = "under " + limit.String()
	}
	names[engine.HandleAges-1] = "older"
	return names
}()

// handle is a figure of each kind of handles.
func handle(read func(kind string, h engine.HandleMetrics, to sink)) func(*engine.Metrics, sink) {
	return func(m *engine.Metrics, to sink) {
		for kind, h := range m.Handles {
			read(kind, h, to)
		}
	}
}

var handleFigures = []figure{
	gauge("handles_open", "Open handles by age.", handle(func(kind string, h engine.HandleMetrics, to sink) {
		for i, n := range h.Ages {
			to.value(float64(n), kind, ageLabels[i])
		}
	}), "kind", "age"),
	gauge("handle_oldest_age_seconds", "Age of the oldest open handle; 0 if none is open.",
		handle(func(kind string, h engine.HandleMetrics, to sink) { to.value(h.OldestSeconds, kind) }), "kind"),
	counter("handles_made", "Handles made.",
		handle(func(kind string, h engine.HandleMetrics, to sink) { to.count(h.Made, kind) }), "kind"),
	counter("handles_lost", "Handles that were garbage before they were closed.",
		handle(func(kind string, h engine.HandleMetrics, to sink) { to.count(h.Lost, kind) }), "kind"),
}

// call is a figure of each operation.
func call(read func(op string, c engine.CallMetrics, to sink)) func(*engine.Metrics, sink) {
	return func(m *engine.Metrics, to sink) {
		for op, c := range m.Calls {
			read(op, c, to)
		}
	}
}

var callFigures = []figure{
	counter("calls", "Calls of an operation.",
		call(func(op string, c engine.CallMetrics, to sink) { to.count(c.Calls, op) }), "op"),
	gauge("calls_in_flight", "Calls of an operation that are under way.",
		call(func(op string, c engine.CallMetrics, to sink) { to.value(float64(c.InFlight), op) }), "op"),
	counter("iterator_fills", "Calls into C that moved an iterator and brought rows.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.Fills) }),
	counter("iterator_refills", "Fills that went on where the one before ended.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.Refills) }),
	counter("iterator_rows", "Rows that fills brought to Go.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.Rows) }),
	counter("rows_counted", "Rows that were counted in C.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.RowsCounted) }),
	counter("multi_get_keys", "Keys that were looked up many in a call.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.MultiGetKeys) }),
	counter("slow_calls", "Calls that took longer than Options.SlowThreshold.",
		func(m *engine.Metrics, to sink) { to.count(m.Reads.Slow) }),
}

// lane is a figure of each lane.
func lane(read func(name string, l engine.LaneMetrics, to sink)) func(*engine.Metrics, sink) {
	return func(m *engine.Metrics, to sink) {
		for name, l := range m.Lanes {
			read(name, l, to)
		}
	}
}

var laneFigures = []figure{
	gauge("lane_width", "Calls that a lane lets run at once.",
		lane(func(name string, l engine.LaneMetrics, to sink) { to.value(float64(l.Width), name) }), "lane"),
	gauge("lane_in_use", "Calls that run in a lane.",
		lane(func(name string, l engine.LaneMetrics, to sink) { to.value(float64(l.InUse), name) }), "lane"),
	gauge("lane_waiting", "Calls that wait for a lane now.",
		lane(func(name string, l engine.LaneMetrics, to sink) { to.value(float64(l.Waiting), name) }), "lane"),
	counter("lane_waits", "Calls that had to wait for a lane.",
		lane(func(name string, l engine.LaneMetrics, to sink) { to.count(l.Waits, name) }), "lane"),
	counter("lane_wait_seconds", "Time that calls waited for a lane.",
		lane(func(name string, l engine.LaneMetrics, to sink) { to.value(l.WaitedSeconds, name) }), "lane"),
}

var commitFigures = []figure{
	{"rockbridge_commit_group_size", "Commits that were written in one call.", prom.UntypedValue, nil, commitSizes},
	counter("wal_syncs", "Syncs of the write-ahead log.",
		func(m *engine.Metrics, to sink) { to.count(m.Commits.Syncs) }),
	counter("wal_synced_commits", "Commits that syncs of the write-ahead log served.",
		func(m *engine.Metrics, to sink) { to.count(m.Commits.SyncedCommits) }),
}

// commitSizes shows the sizes of groups as a histogram, its buckets the powers of two.
func commitSizes(m *engine.Metrics, to sink) {
	buckets, sum := map[float64]uint64{}, uint64(0)
	for i, n := range m.Commits.Sizes[:engine.GroupSizes-1] {
		sum += n
		buckets[float64(uint64(1)<<i)] = sum
	}
	to.to <- prom.MustNewConstHistogram(to.desc, m.Commits.Groups, float64(m.Commits.Commits), buckets)
}

var stallFigures = []figure{
	gauge("writes_stopped", "Whether RocksDB lets no write go on.",
		func(m *engine.Metrics, to sink) { to.flag(m.Stalls.Stopped) }),
	gauge("write_delayed_rate_bytes_per_second", "Rate that RocksDB slows writes down to; 0 if it does not.",
		func(m *engine.Metrics, to sink) { to.count(m.Stalls.DelayedRate) }),
	counter("write_stall_seconds", "Time that writes were stalled.",
		func(m *engine.Metrics, to sink) { to.value(m.Stalls.StalledSeconds) }),
	counter("write_stall_delays", "How often writes to a family were slowed down.",
		family(func(f engine.FamilyMetrics) float64 { return float64(f.StallDelays) }), "family"),
	counter("write_stall_stops", "How often writes to a family were stopped.",
		family(func(f engine.FamilyMetrics) float64 { return float64(f.StallStops) }), "family"),
}

var workFigures = []figure{
	gauge("running_flushes", "Flushes under way.",
		func(m *engine.Metrics, to sink) { to.count(m.Work.RunningFlushes) }),
	gauge("running_compactions", "Compactions under way.",
		func(m *engine.Metrics, to sink) { to.count(m.Work.RunningCompactions) }),
	counter("background_errors", "Errors of flushes and compactions.",
		func(m *engine.Metrics, to sink) { to.count(m.Work.BackgroundErrors) }),
	gauge("snapshots", "Snapshots that RocksDB keeps, internal ones too.",
		func(m *engine.Metrics, to sink) { to.count(m.Work.Snapshots) }),
	gauge("oldest_snapshot_age_seconds", "Age of RocksDB's oldest snapshot; 0 if there is none.",
		func(m *engine.Metrics, to sink) { to.value(m.Work.OldestSnapshotSeconds) }),
}

var eventFigures = []figure{
	counter("events", "Events that RocksDB told of, by kind.",
		func(m *engine.Metrics, to sink) {
			for kind, n := range m.Events.Counts {
				to.count(n, kind)
			}
		}, "event"),
	counter("events_dropped", "Events that came while as many waited as Options.Events allows.",
		func(m *engine.Metrics, to sink) { to.count(m.Events.Dropped) }),
	gauge("events_waiting", "Events that wait for somebody to take them.",
		func(m *engine.Metrics, to sink) { to.count(m.Events.Waiting) }),
}

// family is a figure of each column family.
func family(read func(f engine.FamilyMetrics) float64) func(*engine.Metrics, sink) {
	return func(m *engine.Metrics, to sink) {
		for name, f := range m.Families {
			to.value(read(f), label(name))
		}
	}
}

// label is a name as the value of a label, which must be UTF-8: one that is not is quoted as in Go, and so is one
// that begins with a quotation mark, as what is quoted does: no two names have one label.
func label(name string) string {
	if utf8.ValidString(name) && !strings.HasPrefix(name, `"`) {
		return name
	}
	return strconv.Quote(name)
}

func ofFamily(name, help string, read func(f engine.FamilyMetrics) uint64) figure {
	return gauge(name, help, family(func(f engine.FamilyMetrics) float64 { return float64(read(f)) }), "family")
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

var familyFigures = []figure{
	ofFamily("memtable_bytes", "Memtables, those too that were flushed and that readers hold.",
		func(f engine.FamilyMetrics) uint64 { return f.Memtables }),
	ofFamily("memtable_active_bytes", "The memtable that takes writes.",
		func(f engine.FamilyMetrics) uint64 { return f.MemtableActive }),
	ofFamily("memtable_pinned_bytes", "Memtables that were flushed and that readers hold.",
		func(f engine.FamilyMetrics) uint64 { return f.MemtablesPinned }),
	ofFamily("memtables_waiting", "Full memtables that are not flushed yet.",
		func(f engine.FamilyMetrics) uint64 { return f.MemtablesWaiting }),
	ofFamily("flush_pending", "Whether a flush is pending.",
		func(f engine.FamilyMetrics) uint64 { return bit(f.FlushPending) }),
	ofFamily("table_reader_bytes", "Index and filter blocks outside the block cache.",
		func(f engine.FamilyMetrics) uint64 { return f.TableReaders }),
	ofFamily("family_block_cache_bytes", "Blocks in the cache that the family uses.",
		func(f engine.FamilyMetrics) uint64 { return f.BlockCache }),
	ofFamily("family_block_cache_capacity_bytes", "Capacity of the cache that the family uses.",
		func(f engine.FamilyMetrics) uint64 { return f.BlockCacheCapacity }),
	ofFamily("family_block_cache_pinned_bytes", "Blocks in use in the cache that the family uses.",
		func(f engine.FamilyMetrics) uint64 { return f.BlockCachePinned }),
	ofFamily("keys", "Keys, an estimate.", func(f engine.FamilyMetrics) uint64 { return f.Keys }),
	ofFamily("live_data_bytes", "Data that is neither overwritten nor deleted, an estimate.",
		func(f engine.FamilyMetrics) uint64 { return f.LiveData }),
	ofFamily("table_file_bytes", "Table files, obsolete ones that readers hold too.",
		func(f engine.FamilyMetrics) uint64 { return f.Files }),
	ofFamily("table_file_live_bytes", "Table files of the newest state.",
		func(f engine.FamilyMetrics) uint64 { return f.FilesLive }),
	ofFamily("level0_files", "Table files in level 0.", func(f engine.FamilyMetrics) uint64 { return f.Level0Files }),
	ofFamily("blob_files", "Blob files.", func(f engine.FamilyMetrics) uint64 { return f.BlobFiles }),
	ofFamily("blob_bytes", "Blob files, obsolete ones that readers hold too.",
		func(f engine.FamilyMetrics) uint64 { return f.Blobs }),
	ofFamily("blob_live_bytes", "Blob files of the newest state.",
		func(f engine.FamilyMetrics) uint64 { return f.BlobsLive }),
	ofFamily("versions", "States of the files that are kept: 1 and those that readers hold.",
		func(f engine.FamilyMetrics) uint64 { return f.Versions }),
	ofFamily("compaction_pending", "Whether a compaction is pending.",
		func(f engine.FamilyMetrics) uint64 { return bit(f.CompactionPending) }),
	ofFamily("compaction_debt_bytes", "What compactions have yet to rewrite, an estimate.",
		func(f engine.FamilyMetrics) uint64 { return f.CompactionDebt }),
}
