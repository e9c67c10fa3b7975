package serving

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/report"
)

func upper(work string) string { return strings.ToUpper(work) }

// groupName is what settings are called that share a table.
func groupName(d Durability, clients int) string {
	return fmt.Sprintf("appendfsync %s, %d clients", d, clients)
}

// WriteMarkdown writes the report. raw and the charts, which are by group, are file names beside it.
func (r *Run) WriteMarkdown(w io.Writer, raw string, charts map[Group]Charts) error {
	var b strings.Builder
	b.WriteString("# The server beside redis-server\n\n")
	b.WriteString("Written by `make bench-server`; do not edit. Each number is the median over the rounds, with the lowest and the highest in brackets.\n\n")
	r.circumstances(&b, raw)
	if rows := r.targetRows(); len(rows) > 0 {
		b.WriteString("## Aims\n\n")
		report.Table(&b, []string{"aim", "measured", ""}, rows)
		b.WriteString("Where the time goes, and what was tried: [server-profile.md](server-profile.md).\n\n")
	}
	for _, g := range r.Groups() {
		fmt.Fprintf(&b, "## %s\n\n", groupName(g.Durability, g.Clients))
		report.Picture(&b, charts[g].Rate, "requests a second by pipeline")
		r.rates(&b, g)
		report.Picture(&b, charts[g].P99, "99th percentile of latency by pipeline")
		r.latencies(&b, g)
	}
	r.memoryTable(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) circumstances(b *strings.Builder, raw string) {
	p := r.Plan
	rows := report.Circumstances(r.Date, r.Took, r.Machine, r.Loads)
	row := func(name, format string, a ...any) { rows = append(rows, []string{name, fmt.Sprintf(format, a...)}) }
	row("fdatasync at the end of a growing file", "p50 %v, p99 %v before; p50 %v, p99 %v after", report.Micro(r.Before.Growing.P50), report.Micro(r.Before.Growing.P99), report.Micro(r.After.Growing.P50), report.Micro(r.After.Growing.P99))
	row("versions", "%s; %s; %s", r.Versions[0], r.Go, r.Versions[1])
	row("librocksdb", "%s", r.Library)
	row("rounds", "%d, each on servers and folders that are new, runs of about %v", p.Rounds, p.Duration)
	row("keys", "%s of 16 bytes, all there before but those of INCR; values of %d bytes", report.Thousands(float64(p.Keys)), p.Value)
	row("rockbridge", "block cache %s, two memtables of %s, `MALLOC_ARENA_MAX=2` as in its unit for systemd, the rest as it is by default", report.MiB(p.Cache), report.MiB(p.Memtable))
	row("redis-server", "`appendonly yes`, no snapshots, no rewrite of the file, the rest as it is by default")
	row("raw results", "[%s](%s), for benchstat", raw, raw)
	report.Table(b, []string{"", ""}, rows)
	fmt.Fprintf(b, "Each server is a process of its own on this machine, and so is redis-benchmark, which is the client: it works on one processor, and\n"+
		"takes that from the servers where there are few. Both servers run during a round, one of them idle: of each setting one is measured\n"+
		"right after the other, once both do nothing any more; who comes first changes from setting to setting and from round to round. Ratios\n"+
		"are taken within each round. Keys are drawn at random, all data is in cache. `MSET` sets %d keys. Latencies are those of whole\n"+
		"pipelines, as redis-benchmark has them. CPU time is the server's, of all its threads, in steps of 10 ms.\n\n"+
		"Both are equally durable: with `always` a write is on disk before it is acknowledged, with `everysec` a second later.\n\n", msetKeys)
}

// Group is what a table shows.
type Group struct {
	Durability Durability
	Clients    int
}

// Groups gives those of the plan.
func (r *Run) Groups() (list []Group) {
	for _, d := range r.Plan.Durabilities {
		for _, c := range r.Plan.Clients {
			list = append(list, Group{d, c})
		}
	}
	return list
}

// settings are those of a group.
func (r *Run) settings(g Group) (list []Setting) {
	for _, s := range r.Plan.Of(g.Durability) {
		if s.Clients == g.Clients {
			list = append(list, s)
		}
	}
	return list
}

// table writes one with a row for each setting of a group.
func (r *Run) table(b *strings.Builder, g Group, heading []string, cells func(Setting) []string) {
	var rows [][]string
	for _, s := range r.settings(g) {
		rows = append(rows, append([]string{upper(s.Work) + ", " + strconv.Itoa(s.Pipeline)}, cells(s)...))
	}
	report.Table(b, append([]string{"work, pipeline"}, heading...), rows)
}

func (r *Run) rates(b *strings.Builder, g Group) {
	r.table(b, g, []string{"requests a second: rockbridge", "Redis", "ratio", "CPU s of a run: rockbridge", "Redis", "CPU µs a request: rockbridge", "Redis"}, func(s Setting) []string {
		return []string{
			report.Spread(r.values(Rockbridge, s, rate), report.Thousands), report.Spread(r.values(Redis, s, rate), report.Thousands),
			report.Spread(r.ratios(s, rate), report.Ratio),
			report.Spread(r.values(Rockbridge, s, cpuSeconds), report.Ratio), report.Spread(r.values(Redis, s, cpuSeconds), report.Ratio),
			report.Spread(r.values(Rockbridge, s, cpuPerRequest), report.Significant), report.Spread(r.values(Redis, s, cpuPerRequest), report.Significant),
		}
	})
}

func (r *Run) latencies(b *strings.Builder, g Group) {
	r.table(b, g, []string{"p50, µs: rockbridge", "Redis", "p99, µs: rockbridge", "Redis"}, func(s Setting) []string {
		return []string{
			report.Spread(r.values(Rockbridge, s, p50), report.Significant), report.Spread(r.values(Redis, s, p50), report.Significant),
			report.Spread(r.values(Rockbridge, s, p99), report.Significant), report.Spread(r.values(Redis, s, p99), report.Significant),
		}
	})
}

func (r *Run) memoryTable(b *strings.Builder) {
	if len(r.Memory) == 0 {
		return
	}
	fmt.Fprintf(b, "## Memory with %s keys\n\nLoaded by pipelines of %d SETs on %d connections, once. Redis holds everything in memory; rockbridge's data is on disk, its block\n"+
		"cache %s, its memtables two of %s. The GETs are of random keys, %s at most.\n\n",
		report.Thousands(float64(r.Plan.MemoryKeys)), loadBehind, loaders, report.MiB(r.Plan.Cache), report.MiB(r.Plan.Memtable), report.Thousands(readsOfMemory))
	var rows [][]string
	for _, m := range r.Memory {
		rows = append(rows, []string{
			string(m.Server), report.MiB(m.Loaded), report.MiB(m.Read), report.MiB(m.Peak), report.MiB(m.Disk),
			m.Load.Round(time.Second / 10).String(), report.Thousands(m.Reads.Rate),
		})
	}
	report.Table(b, []string{"", "resident, loaded", "after GETs", "at most", "on disk, loaded", "load took", "GETs a second, pipelines of 16"}, rows)
}
