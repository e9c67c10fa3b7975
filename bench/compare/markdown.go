package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// about says what holds for all works.
const about = `Each peer is a process of its own for all rounds of a setting, so that none shares a library with another; it waits while
others have their turn. In each round every work comes once, and for each work all peers and ways one after the other,
shuffled. Ratios are taken within each round. Every turn answers how many rows and bytes it saw, and a sum over bytes of
them: the report is only written if all peers agree.

Rows: keys of which each group of 1,000 has a prefix of its own, and values that do not compress; nothing is compressed.
The lasting database is loaded in order, compacted, closed, opened again, and gone over once before the clock runs. Keys and
values lie in memory before the clock runs, and so do YCSB's operations, which go-ycsb's core workload draws once for all
peers and rounds, with YCSB's published proportions, zipfian or latest keys, and scans of 1 to 100 rows; a record is one
value. All works are done by one goroutine, next to a writer where the work says so; what else uses processors shows in the
CPU time, which is that of all threads. Memory is the highest resident set during a turn, caches and files mapped included.

Durability: no commit waits for the disk. RocksDB and Badger hand each to the operating system before the call returns, Pebble
when a block of its log is full. bbolt runs with NoSync: a crash of the machine may cost its database. Synced commits have
[a report of their own](commits.md). Loads end with the last commit, not with the compactions that follow.

Badger and bbolt read files through memory maps: their blocks are the operating system's, not limited by the cache. bbolt has
no blocks, filters or memtables; its pages have 4 KiB. Where the data is larger than the cache, blocks come from the operating
system's page cache, from which nothing is dropped.

Zipfian keys of the works that are not YCSB's have the exponent 1.01, and lie anywhere. The hot set are rows next to each
other, which fit into a processor's caches; as many that lie anywhere are in as many blocks, and need memory.

`

// WriteMarkdown writes the report. raw is a file name beside it, charts give those of a setting.
func (r *Run) WriteMarkdown(w io.Writer, raw string, charts map[string][]string) error {
	var b strings.Builder
	b.WriteString("# rockbridge, C loops and other engines\n\nWritten by `make bench-peers` or `make bench-full`; do not edit. Each number is the median over the rounds, with the lowest and the highest in brackets.\n\n")
	r.circumstances(&b, raw)
	b.WriteString(about)
	if len(r.Differ) > 0 {
		b.WriteString("The OPTIONS files of the three on RocksDB differ in these lines only:\n\n")
		for _, line := range r.Differ {
			fmt.Fprintf(&b, "- %s\n", line)
		}
		b.WriteString("\n")
	}
	b.WriteString("## Aims\n\nAt the core setting:\n\n")
	report.Table(&b, []string{"aim", "measured", ""}, r.targetRows())
	for _, s := range r.Plan.Settings {
		r.section(&b, s, charts[s.Name])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) circumstances(b *strings.Builder, raw string) {
	rows := report.Circumstances(r.Date, r.Took, r.Machine, r.Loads)
	row := func(name, format string, a ...any) { rows = append(rows, []string{name, fmt.Sprintf(format, a...)}) }
	var versions []string
	for _, peer := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, peer+" "+r.Versions[peer])
	}
	row("versions", "%s; %s", r.Go, strings.Join(versions, "; "))
	if len(rocksDBs(r.Plan.Peers)) > 0 {
		row("librocksdb", "%s; the same for %s", r.Library, strings.Join(rocksDBs(r.Plan.Peers), ", "))
	}
	row("rounds", "%d (seed %d)", r.Plan.Rounds, r.Plan.Seed)
	row("equal for all that have it", "blocks of %d bytes, bloom filters of %d bits a key, no compression; cache and memtable as each setting says", block, bloomBits)
	if r.Plan.Options != "" {
		row("RocksDB options", "`%s`", r.Plan.Options)
	}
	row("raw results", "[%s](%s), for benchstat", raw, raw)
	report.Table(b, []string{"", ""}, rows)
}

// section is all of a setting.
func (r *Run) section(b *strings.Builder, s Setting, charts []string) {
	fmt.Fprintf(b, "## %s%s\n\n%s rows, keys of %d bytes, values of %s bytes; block cache %s, memtable %s; %s rows in the databases that are made anew.\n\n",
		strings.ToUpper(s.Name[:1]), s.Name[1:], report.Thousands(float64(s.Rows)), s.KeyBytes, report.Thousands(float64(s.ValueBytes)),
		report.MiB(s.Cache), report.MiB(s.Memtable), report.Thousands(float64(min(s.Rows, s.scaled(filledRows, 1)))))
	for _, file := range charts {
		report.Picture(b, file, "nanoseconds a unit, "+s.Name)
	}
	report.Table(b, append([]string{"ns a unit, by each peer's first way"}, r.Plan.Peers...), r.byPeer(s, func(d Def, peer string) string {
		return report.Spread(r.times(s.Name, d, peer), report.Significant)
	}))
	report.Table(b, append([]string{"time over the C loop's"}, r.Plan.Peers...), r.byPeer(s, func(d Def, peer string) string {
		return report.Spread(stats.Ratios(r.times(s.Name, d, peer), r.times(s.Name, d, cloop)), report.Ratio)
	}))
	r.bestTable(b, s)
	r.diskTable(b, s)
	for _, stage := range r.Plan.Stages(s) {
		for _, d := range stage.Works {
			r.detail(b, s, d)
		}
	}
}

// byPeer makes a row for each work with a cell for each peer.
func (r *Run) byPeer(s Setting, cell func(Def, string) string) [][]string {
	var rows [][]string
	for _, stage := range r.Plan.Stages(s) {
		for _, d := range stage.Works {
			row := []string{fmt.Sprintf("%s (%s)", d.Title, d.Unit)}
			for _, peer := range r.Plan.Peers {
				row = append(row, cell(d, peer))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// bestTable compares rockbridge with the quickest way of all peers but the C loop.
func (r *Run) bestTable(b *strings.Builder, s Setting) {
	var rows [][]string
	for _, stage := range r.Plan.Stages(s) {
		for _, d := range stage.Works {
			best, times := r.best(s.Name, d)
			speed := stats.Of(stats.Ratios(times, r.times(s.Name, d, rockbridge)))
			if speed.Rounds == 0 {
				continue
			}
			rows = append(rows, []string{d.Title, "`" + best.name() + "`", report.Show(speed, report.Ratio), map[bool]string{true: "", false: "slower"}[speed.Median >= leastOfBest]})
		}
	}
	report.Table(b, []string{"rockbridge's speed over that of the best peer", "best peer", "ratio", fmt.Sprintf("below %.1f", leastOfBest)}, rows)
}

func (w Way) name() string {
	if w.Way == "" {
		return w.Peer
	}
	return w.Peer + " " + w.Way
}

func (r *Run) diskTable(b *strings.Builder, s Setting) {
	row := []string{"MiB on disk, loaded and compacted"}
	for _, peer := range r.Plan.Peers {
		text := ""
		if n, ok := r.Disk[s.Name][peer]; ok {
			text = report.Significant(float64(n) / (1 << 20))
		}
		row = append(row, text)
	}
	report.Table(b, append([]string{""}, r.Plan.Peers...), [][]string{row})
}

// detail is all ways of one work.
func (r *Run) detail(b *strings.Builder, s Setting, d Def) {
	heading := []string{"", "ns a " + d.Unit, "over the C loop's", "CPU ns a " + d.Unit, "cgo calls", "Go allocations", "bytes allocated", "peak RSS, MiB"}
	if d.Writer {
		heading = append(heading, "rows written a second")
	}
	var rows [][]string
	notes := ""
	for _, w := range r.Plan.ways(d, "") {
		of := func(f metric) []float64 { return r.values(s.Name, d.Name, w.Peer, w.Way, f) }
		median := func(f metric) string { return report.Significant(stats.Of(of(f)).Median) }
		row := []string{
			"`" + w.name() + "`", report.Spread(of(nanos), report.Significant),
			report.Spread(stats.Ratios(of(nanos), r.times(s.Name, d, cloop)), report.Ratio),
			median(cpu), median(cgo), median(allocs), median(allocated), median(peakMiB),
		}
		if d.Writer {
			row = append(row, median(func(m Measured) float64 { return float64(m.Written) / max(m.Elapsed.Seconds(), 1e-9) }))
		}
		if len(of(nanos)) > 0 {
			rows = append(rows, row)
			if w.What != "" {
				notes += fmt.Sprintf("- `%s`: %s\n", w.name(), w.What)
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s, %s\n\n", strings.ToUpper(d.Title[:1])+d.Title[1:], s.Name)
	report.Table(b, heading, rows)
	if notes != "" {
		b.WriteString(notes + "\n")
	}
}
