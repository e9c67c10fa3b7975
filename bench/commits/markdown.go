package commits

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

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
	{"commits a second", commitsPerSecond, thousands},
	{"median latency, µs", func(m Measured) float64 { return float64(m.P50) / 1e3 }, significant},
	{"99th percentile of latency, µs", func(m Measured) float64 { return float64(m.P99) / 1e3 }, significant},
	{"CPU time for a commit, µs", func(m Measured) float64 { return cpuPerCommit(m) / 1e3 }, significant},
	{"threads of the process at the end", func(m Measured) float64 { return float64(m.Threads) }, thousands},
}

// resources are shown for one width only.
var resources = []measure{
	{"cgo calls a commit", cgoPerCommit, significant},
	{"Go allocations a commit", allocsPerCommit, significant},
	{"peak RSS, MiB", func(m Measured) float64 { return float64(m.PeakRSS) / (1 << 20) }, significant},
	{"MiB on disk after Close", func(m Measured) float64 { return float64(m.DiskBytes) / (1 << 20) }, significant},
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
		picture(&b, map[Kind]string{Synced: charts.Synced, Unsynced: charts.Unsynced}[k], string(k)+" commits a second by goroutines")
		for _, m := range measures {
			r.table(&b, k, m.title, func(c Contender, width int) string { return spread(r.values(c.Name(), k, width, m.of), m.show) })
			if m.title == measures[0].title {
				r.ratios(&b, k)
				r.fsyncTable(&b, k, charts)
			}
		}
		if k == Synced {
			picture(&b, charts.P99, "99th percentile of the latency of synced commits by goroutines")
		}
		r.resourceTable(&b, k)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func picture(b *strings.Builder, file, what string) {
	if file != "" {
		fmt.Fprintf(b, "![%s](%s)\n\n", what, file)
	}
}

func (r *Run) circumstances(b *strings.Builder, raw string) {
	p := r.Plan
	fmt.Fprintf(b, "| | |\n|---|---|\n")
	row := func(name, format string, a ...any) { fmt.Fprintf(b, "| %s | %s |\n", name, fmt.Sprintf(format, a...)) }
	row("made", "%s, in %v", r.Date.UTC().Format("2006-01-02 15:04 MST"), r.Took.Round(time.Second))
	row("machine", "%s, %d cores, %.0f GiB, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryGiB, r.Machine.Kernel)
	row("load averages", "%s before, %s after", r.Loads[0], r.Loads[1])
	row("file system", "%s", r.Machine.FileSystem)
	row("fdatasync at the end of a growing file", "p50 %v, p99 %v before; p50 %v, p99 %v after", micro(r.Before.Growing.P50), micro(r.Before.Growing.P99), micro(r.After.Growing.P50), micro(r.After.Growing.P99))
	row("fdatasync inside a file written before", "p50 %v, p99 %v before; p50 %v, p99 %v after", micro(r.Before.Written.P50), micro(r.Before.Written.P99), micro(r.After.Written.P50), micro(r.After.Written.P99))
	row("versions", "%s; %s", r.Go, strings.Join(r.versions(), "; "))
	row("librocksdb", "%s", r.Library)
	row("rounds", "%d of %v, on a new database each, contenders in shuffled order (seed %d)", p.Rounds, p.Base.Duration, p.Seed)
	row("rows", "keys of %d bytes in no order, values of %d bytes that do not compress; %d rows before", p.Base.KeyBytes, p.Base.ValueBytes, p.Base.WarmRows)
	row("equal for all that have it", "memtable %s, block cache %s, no compression", mib(p.Base.Memtable), mib(p.Base.Cache))
	row("fsyncs counted by", "%s", orNone(r.Counter))
	row("raw results", "[%s](%s), for benchstat", raw, raw)
	b.WriteString("\nWhat a commit is, of one row by each goroutine at a time, in a process of its own for each run:\n\n")
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
			fmt.Fprintf(b, "| %s | %s | %s |\n", aim, measured, map[bool]string{true: "met", false: "missed"}[met])
		}
	}
	if n, ok := r.fsyncs(own, 64); ok {
		row("fewer than 1 fsync for 8 commits at 64 goroutines", fmt.Sprintf("1 for %s", significant(1/max(n, 1e-9))), true, n < 1.0/8)
	}
	against := func(base string, width int, least float64) {
		s := stats.Of(stats.Ratios(r.values(own, Synced, width, commitsPerSecond), r.values(base, Synced, width, commitsPerSecond)))
		row(fmt.Sprintf("at least %v times `%s` at %d", least, base, width), show(s, ratio), s.Rounds > 0, s.Median >= least)
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
	fmt.Fprintf(b, "| %s |", title)
	for _, width := range r.Plan.Widths[k] {
		fmt.Fprintf(b, " %d |", width)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(r.Plan.Widths[k])) + "\n")
	for _, c := range r.Plan.Of(k) {
		var cells []string
		for _, width := range r.Plan.Widths[k] {
			cells = append(cells, cell(c, width))
		}
		if strings.Join(cells, "") != "" {
			fmt.Fprintf(b, "| `%s` | %s |\n", c.Name(), strings.Join(cells, " | "))
		}
	}
	b.WriteString("\n")
}

// ratios compares commits a second with Pebble's, and with those of one call for each commit.
func (r *Run) ratios(b *strings.Builder, k Kind) {
	for _, base := range []string{"pebble", alone} {
		if !slices.ContainsFunc(r.Plan.Of(k), func(c Contender) bool { return c.Name() == base }) {
			continue
		}
		r.table(b, k, "commits a second over those of `"+base+"`", func(c Contender, width int) string {
			of := func(name string) []float64 { return r.values(name, k, width, commitsPerSecond) }
			return spread(stats.Ratios(of(c.Name()), of(base)), ratio)
		})
	}
}

func (r *Run) fsyncTable(b *strings.Builder, k Kind, charts Charts) {
	if k != Synced || len(r.Counted) == 0 {
		return
	}
	r.table(b, k, "fsyncs a commit", func(c Contender, width int) string {
		if n, ok := r.fsyncs(c.Name(), width); ok {
			return significant(n)
		}
		return ""
	})
	picture(b, charts.Fsyncs, "fsyncs a commit by goroutines")
}

func (r *Run) resourceTable(b *strings.Builder, k Kind) {
	if !slices.Contains(r.Plan.Widths[k], resourceWidth) {
		return
	}
	fmt.Fprintf(b, "| at %d goroutines |", resourceWidth)
	for _, m := range resources {
		fmt.Fprintf(b, " %s |", m.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(resources)) + "\n")
	for _, c := range r.Plan.Of(k) {
		fmt.Fprintf(b, "| `%s` |", c.Name())
		for _, m := range resources {
			fmt.Fprintf(b, " %s |", spread(r.values(c.Name(), k, resourceWidth, m.of), m.show))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func spread(values []float64, format func(float64) string) string {
	return show(stats.Of(values), format)
}

// show gives "median (lowest to highest)", nothing of no rounds.
func show(s stats.Summary, format func(float64) string) string {
	switch s.Rounds {
	case 0:
		return ""
	case 1:
		return format(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", format(s.Median), format(s.Low), format(s.High))
}

func ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

// significant shows three digits.
func significant(x float64) string {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(x))))
	if digits <= 0 {
		return thousands(x)
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// thousands shows a whole number with commas.
func thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func micro(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

func orNone(s string) string {
	if s == "" {
		return "nothing: neither perf nor strace could"
	}
	return s
}
