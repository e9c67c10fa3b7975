package commits

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// measure is a metric with what the report says of it.
type measure struct {
	title string
	of    metric
	show  func(float64) string
}

var (
	cpuPerCommit    = perCommit(func(m Measured) float64 { return float64(m.CPU) })
	cgoPerCommit    = perCommit(func(m Measured) float64 { return float64(m.CgoCalls) })
	allocsPerCommit = perCommit(func(m Measured) float64 { return float64(m.Mallocs) })
)

// measures are the tables of each kind, in their order.
var measures = []measure{
	{"commits a second", commitsPerSecond, report.Thousands},
	{"median latency, µs", func(m Measured) float64 { return float64(m.P50) / 1e3 }, report.Significant},
	{"99th percentile of latency, µs", func(m Measured) float64 { return float64(m.P99) / 1e3 }, report.Significant},
	{"CPU time for a commit, µs", func(m Measured) float64 { return cpuPerCommit(m) / 1e3 }, report.Significant},
	{"threads of the process at the end", func(m Measured) float64 { return float64(m.Threads) }, report.Thousands},
}

// resources are shown for one width only.
var resources = []measure{
	{"cgo calls a commit", cgoPerCommit, report.Significant},
	{"Go allocations a commit", allocsPerCommit, report.Significant},
	{"peak RSS, MiB", func(m Measured) float64 { return float64(m.PeakRSS) / (1 << 20) }, report.Significant},
	{"MiB on disk after Close", func(m Measured) float64 { return float64(m.DiskBytes) / (1 << 20) }, report.Significant},
}

// resourceWidth is the width of the table of resources.
const resourceWidth = 64

// Charts are the file names that the report shows, by what they show.
type Charts struct{ Synced, Unsynced, P99, Fsyncs string }

// WriteMarkdown writes the report. raw and the charts are file names beside it.
func (r *Run) WriteMarkdown(w io.Writer, raw string, charts Charts) error {
	var b strings.Builder
	b.WriteString("# Commits: rockbridge and its peers\n\n")
	b.WriteString("Written by `make bench-commits`; do not edit. Each number is the median over the rounds, with the lowest and the highest in brackets.\n\n")
	r.circumstances(&b, raw)
	r.targets(&b)
	for _, k := range r.Plan.Kinds() {
		fmt.Fprintf(&b, "## %s commits\n\n", strings.ToUpper(string(k[:1]))+string(k[1:]))
		report.Picture(&b, map[Kind]string{Synced: charts.Synced, Unsynced: charts.Unsynced}[k], string(k)+" commits a second by goroutines")
		for _, m := range measures {
			r.table(&b, k, m.title, func(c Contender, width int) string { return report.Spread(r.values(c.Name(), k, width, m.of), m.show) })
			if m.title == measures[0].title {
				r.ratios(&b, k)
				r.fsyncTable(&b, k, charts)
			}
		}
		if k == Synced {
			report.Picture(&b, charts.P99, "99th percentile of the latency of synced commits by goroutines")
		}
		r.resourceTable(&b, k)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) circumstances(b *strings.Builder, raw string) {
	p := r.Plan
	rows := report.Circumstances(r.Date, r.Took, r.Machine, r.Loads)
	row := func(name, format string, a ...any) { rows = append(rows, []string{name, fmt.Sprintf(format, a...)}) }
	row("fdatasync at the end of a growing file", "p50 %v, p99 %v before; p50 %v, p99 %v after", report.Micro(r.Before.Growing.P50), report.Micro(r.Before.Growing.P99), report.Micro(r.After.Growing.P50), report.Micro(r.After.Growing.P99))
	row("fdatasync inside a file written before", "p50 %v, p99 %v before; p50 %v, p99 %v after", report.Micro(r.Before.Written.P50), report.Micro(r.Before.Written.P99), report.Micro(r.After.Written.P50), report.Micro(r.After.Written.P99))
	row("versions", "%s; %s", r.Go, strings.Join(r.versions(), "; "))
	row("librocksdb", "%s", r.Library)
	row("rounds", "%d of %v, on a new database each, contenders in shuffled order (seed %d)", p.Rounds, p.Base.Duration, p.Seed)
	row("rows", "keys of %d bytes in no order, values of %d bytes that do not compress; %d rows before", p.Base.KeyBytes, p.Base.ValueBytes, p.Base.WarmRows)
	row("equal for all that have it", "memtable %s, block cache %s, no compression", report.MiB(p.Base.Memtable), report.MiB(p.Base.Cache))
	row("fsyncs counted by", "%s", orNone(r.Counter))
	row("raw results", "[%s](%s), for benchstat", raw, raw)
	report.Table(b, []string{"", ""}, rows)
	b.WriteString("What a commit is, of one row by each goroutine at a time, in a process of its own for each run:\n\n")
	for _, c := range p.Contenders {
		fmt.Fprintf(b, "- `%s`: %s\n", c.Name(), c.What)
	}
	b.WriteString("\nA synced commit is on disk before its call returns: RocksDB's `sync`, `pebble.Sync`, bbolt as it is by default.\n\n" +
		"Unsynced commits are not equally durable. RocksDB hands each to the operating system before the call returns, so that\n" +
		"it survives the death of the process; Pebble keeps it in the process until a block of its log is full, and so does\n" +
		"RocksDB with `manual_wal_flush`, which `rockbridge/buffered` is. bbolt's could cost the database and are left out.\n\n" +
		"Pebble's first memtable has 256 KiB and each later one twice as much, up to the size above; RocksDB's have it from the\n" +
		"beginning. bbolt has neither memtable nor log. Ratios are taken within each round.\n\n" +
		"Fsyncs are counted outside the timed rounds, for all in the same way: the fsync, fdatasync and msync calls of a run,\n" +
		"less those of a run without commits, by commit. sync_file_range, which promises nothing, does not count.\n\n")
}

// versions gives each peer's once.
func (r *Run) versions() []string {
	var out []string
	for _, c := range r.Plan.Contenders {
		for _, m := range r.Measured {
			if m.Contender.Peer == c.Peer && m.Version != "" {
				out = append(out, c.Peer+" "+m.Version)
				break
			}
		}
	}
	return slices.Compact(out)
}

// targets says of each aim what was measured.
func (r *Run) targets(b *strings.Builder) {
	if len(r.Plan.Contenders) == 0 || r.Plan.Contenders[0].Peer != "rockbridge" {
		return
	}
	own := r.Plan.Contenders[0].Name()
	fmt.Fprintf(b, "## Aims\n\nOf `%s`, synced:\n\n| aim | measured | |\n|---|---|---|\n", own)
	row := func(aim string, measured string, known, met bool) {
		if known {
			fmt.Fprintf(b, "| %s | %s | %s |\n", aim, measured, report.Verdict(met))
		}
	}
	if n, ok := r.fsyncs(own, 64); ok {
		row("fewer than 1 fsync for 8 commits at 64 goroutines", fmt.Sprintf("1 for %s", report.Significant(1/max(n, 1e-9))), true, n < 1.0/8)
	}
	against := func(base string, width int, least float64) {
		s := stats.Of(stats.Ratios(r.values(own, Synced, width, commitsPerSecond), r.values(base, Synced, width, commitsPerSecond)))
		row(fmt.Sprintf("at least %v times `%s` at %d", least, base, width), report.Show(s, report.Ratio), s.Rounds > 0, s.Median >= least)
	}
	if own != alone {
		against(alone, 64, 2.5)
		against(alone, 512, 6)
	}
	for _, width := range r.Plan.Widths[Synced] {
		against("pebble", width, 1)
	}
	b.WriteString("\n")
}

// table writes one with a row for each contender of a kind and a column for each width. Rows that are empty throughout
// are left out.
func (r *Run) table(b *strings.Builder, k Kind, title string, cell func(Contender, int) string) {
	heading := []string{title}
	for _, width := range r.Plan.Widths[k] {
		heading = append(heading, strconv.Itoa(width))
	}
	var rows [][]string
	for _, c := range r.Plan.Of(k) {
		row := []string{"`" + c.Name() + "`"}
		for _, width := range r.Plan.Widths[k] {
			row = append(row, cell(c, width))
		}
		rows = append(rows, row)
	}
	report.Table(b, heading, rows)
}

// ratios compares commits a second with Pebble's, and with those of one call for each commit.
func (r *Run) ratios(b *strings.Builder, k Kind) {
	for _, base := range []string{"pebble", alone} {
		if !slices.ContainsFunc(r.Plan.Of(k), func(c Contender) bool { return c.Name() == base }) {
			continue
		}
		r.table(b, k, "commits a second over those of `"+base+"`", func(c Contender, width int) string {
			of := func(name string) []float64 { return r.values(name, k, width, commitsPerSecond) }
			return report.Spread(stats.Ratios(of(c.Name()), of(base)), report.Ratio)
		})
	}
}

func (r *Run) fsyncTable(b *strings.Builder, k Kind, charts Charts) {
	if k != Synced || len(r.Counted) == 0 {
		return
	}
	r.table(b, k, "fsyncs a commit", func(c Contender, width int) string {
		if n, ok := r.fsyncs(c.Name(), width); ok {
			return report.Significant(n)
		}
		return ""
	})
	report.Picture(b, charts.Fsyncs, "fsyncs a commit by goroutines")
}

func (r *Run) resourceTable(b *strings.Builder, k Kind) {
	if !slices.Contains(r.Plan.Widths[k], resourceWidth) {
		return
	}
	heading := []string{fmt.Sprintf("at %d goroutines", resourceWidth)}
	for _, m := range resources {
		heading = append(heading, m.title)
	}
	var rows [][]string
	for _, c := range r.Plan.Of(k) {
		row := []string{"`" + c.Name() + "`"}
		for _, m := range resources {
			row = append(row, report.Spread(r.values(c.Name(), k, resourceWidth, m.of), m.show))
		}
		rows = append(rows, row)
	}
	report.Table(b, heading, rows)
}

func orNone(s string) string {
	if s == "" {
		return "nothing: neither perf nor strace could"
	}
	return s
}
