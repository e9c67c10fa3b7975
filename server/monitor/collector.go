package monitor

import (
	"math"
	"strconv"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/rockbridge-db/rockbridge/server"
)

// collector shows what the server has done to Prometheus.
type collector struct{ m *Monitor }

// figure is one of its metrics.
type figure struct {
	desc *prom.Desc
	kind prom.ValueType
	read func(*server.Stats) float64
}

func desc(name, help string, labels ...string) *prom.Desc {
	return prom.NewDesc("rockbridge_server_"+name, help, labels, nil)
}

func total(name, help string, read func(*server.Stats) int64) figure {
	return figure{desc(name+"_total", help), prom.CounterValue, func(s *server.Stats) float64 { return float64(read(s)) }}
}

func gauge(name, help string, read func(*server.Stats) int) figure {
	return figure{desc(name, help), prom.GaugeValue, func(s *server.Stats) float64 { return float64(read(s)) }}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

var serverFigures = []figure{
	{desc("start_time_seconds", "When the server began."), prom.GaugeValue, func(s *server.Stats) float64 { return unix(s.Began) }},
	gauge("clients", "Clients that are connected.", func(s *server.Stats) int { return s.Clients }),
	gauge("clients_limit", "Clients that may be connected at a time.", func(s *server.Stats) int { return s.MaxClients }),
	gauge("clients_watching", "Clients that watch keys.", func(s *server.Stats) int { return s.Watching }),
	gauge("clients_in_transaction", "Clients between MULTI and EXEC.", func(s *server.Stats) int { return s.InTransaction }),
	total("connections", "Clients that came and were served.", func(s *server.Stats) int64 { return s.Connections }),
	total("rejected_connections", "Clients that were turned away as there were too many.", func(s *server.Stats) int64 { return s.Rejected }),
	total("received_bytes", "Bytes from clients.", func(s *server.Stats) int64 { return s.BytesIn }),
	total("sent_bytes", "Bytes to clients.", func(s *server.Stats) int64 { return s.BytesOut }),
	total("error_replies", "Answers that were errors.", func(s *server.Stats) int64 { return s.Errors }),
	total("refused_writes", "Batches that the database did not take, of which clients were told MISCONF.", func(s *server.Stats) int64 { return s.RefusedWrites }),
	total("slow_commands", "Entries that the slow log has had.", func(s *server.Stats) int64 { return s.Slow }),
	total("segments", "Parts of pipelines that were executed together: by one read at most, and one write.", func(s *server.Stats) int64 { return s.Segments }),
	total("segment_commands", "Commands that were executed in segments.", func(s *server.Stats) int64 { return s.SegmentCommands }),
	total("keyspace_hits", "Keys that commands found.", func(s *server.Stats) int64 { return s.Hits }),
	total("keyspace_misses", "Keys that commands did not find.", func(s *server.Stats) int64 { return s.Misses }),
	total("expired_misses", "Of the keys that were not found, those that had expired and were not yet removed.", func(s *server.Stats) int64 { return s.Expired }),
	total("expired_deleted", "Expired keys that were deleted as commands had come upon them.", func(s *server.Stats) int64 { return s.ExpiredDeleted }),
	gauge("save_in_progress", "Whether BGSAVE makes a copy.", func(s *server.Stats) int { return flag(s.Saving) }),
	gauge("save_failed", "Whether the last BGSAVE failed.", func(s *server.Stats) int { return flag(s.SaveFailed) }),
	{desc("last_save_time_seconds", "When the last BGSAVE that succeeded was; 0 if there was none."), prom.GaugeValue, func(s *server.Stats) float64 { return unix(s.LastSave) }},
}

var (
	readyDesc    = desc("ready", "Whether clients should come, as /readyz tells.")
	droppedDesc  = desc("dropped_clients_total", "Clients that were dropped: they took no answers, or were idle for too long.", "reason")
	callsDesc    = desc("commands_total", "Calls of a command.", "command")
	failedDesc   = desc("command_errors_total", "Calls of a command that were answered with an error, refused ones too.", "command")
	tookDesc     = desc("command_seconds_total", "Time that a command took; commands that were executed together share it.", "command")
	latencyDesc  = desc("command_duration_seconds", "What clients waited for a command: the time of the segment that it was in. Those within a transaction are part of exec.", "command")
	threadsDesc  = desc("threads", "Threads of the process, those of C too where the system tells.")
	filesDesc    = desc("level_files", "Table files in a level.", "level")
	bytesDesc    = desc("level_bytes", "Bytes of table files in a level.", "level")
	hitsDesc     = desc("block_cache_hits_total", "Blocks that were in the cache, if RocksDB counts: see rocksdb-statistics.")
	missesDesc   = desc("block_cache_misses_total", "Blocks that were not in the cache, if RocksDB counts.")
	filteredDesc = desc("expired_removed_total", "Keys that compactions removed as they had expired, if RocksDB counts.")
)

// Describe is for the registry.
func (c collector) Describe(to chan<- *prom.Desc) {
	for _, f := range serverFigures {
		to <- f.desc
	}
	for _, d := range []*prom.Desc{
		readyDesc, droppedDesc, callsDesc, failedDesc, tookDesc, latencyDesc, threadsDesc, filesDesc, bytesDesc, hitsDesc, missesDesc, filteredDesc,
	} {
		to <- d
	}
}

// Collect is for the registry.
func (c collector) Collect(to chan<- prom.Metric) {
	give := func(d *prom.Desc, kind prom.ValueType, v float64, labels ...string) {
		to <- prom.MustNewConstMetric(d, kind, v, labels...)
	}
	give(readyDesc, prom.GaugeValue, float64(flag(c.m.Ready() == nil)))
	give(threadsDesc, prom.GaugeValue, float64(osThreads()))
	s := c.m.watched()
	if s == nil {
		return
	}
	stats := s.Stats()
	for _, f := range serverFigures {
		give(f.desc, f.kind, f.read(&stats))
	}
	give(droppedDesc, prom.CounterValue, float64(stats.DroppedOutput), "output")
	give(droppedDesc, prom.CounterValue, float64(stats.DroppedIdle), "idle")
	for i := range stats.ByCommand {
		cmd := &stats.ByCommand[i]
		give(callsDesc, prom.CounterValue, float64(cmd.Calls), cmd.Name)
		give(failedDesc, prom.CounterValue, float64(cmd.Failed), cmd.Name)
		give(tookDesc, prom.CounterValue, cmd.Took.Seconds(), cmd.Name)
		to <- histogram(&cmd.Latency, cmd.Name)
	}
	if last, ok := c.m.ring.newest(); ok {
		for l := range levels {
			give(filesDesc, prom.GaugeValue, float64(last.files[l]), strconv.Itoa(l))
			give(bytesDesc, prom.GaugeValue, float64(last.bytes[l]), strconv.Itoa(l))
		}
		if last.counted {
			give(hitsDesc, prom.CounterValue, float64(last.hits))
			give(missesDesc, prom.CounterValue, float64(last.misses))
			give(filteredDesc, prom.CounterValue, float64(last.filtered))
		}
	}
}

// Buckets of the histograms end at powers of two of nanoseconds, from 8 µs to 8.6 s.
const (
	firstEnd = 13
	lastEnd  = 33
)

func histogram(l *server.Latencies, command string) prom.Metric {
	buckets := map[float64]uint64{}
	for e := firstEnd; e <= lastEnd; e++ {
		end := time.Duration(1) << e
		buckets[end.Seconds()] = l.Under(end)
	}
	return prom.MustNewConstHistogram(latencyDesc, l.Count(), l.Sum().Seconds(), buckets, command)
}

// unix is a time in seconds; 0 of none.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return math.Round(float64(t.UnixNano())/1e6) / 1e3
}
