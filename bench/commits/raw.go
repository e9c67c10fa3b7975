package commits

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
)

// WriteRaw writes every run as a line of go test -bench, which benchstat reads:
//
//	benchstat -col /peer commits.txt
func (r *Run) WriteRaw(w io.Writer) error {
	var b strings.Builder
	report.RawHeading(&b, "bench/commits", r.Machine, runtime.GOOS, runtime.GOARCH)
	b.WriteString("Unit commits/s better=higher\n")
	for _, m := range r.Measured {
		fmt.Fprintf(&b, "BenchmarkCommit/%s\t%d\t%.1f ns/op\t%.1f commits/s\t%d p50-ns\t%d p99-ns\t%d max-ns\t%.1f cpu-ns/op\t%.3f cgo/op\t%.3f B/op\t%.4f allocs/op\t%d peak-rss-B\t%d threads\t%d disk-B\n",
			rawName(m.Job), m.Commits, float64(m.Elapsed)/float64(max(m.Commits, 1)), commitsPerSecond(m),
			m.P50.Nanoseconds(), m.P99.Nanoseconds(), m.Max.Nanoseconds(), cpuPerCommit(m), cgoPerCommit(m),
			perCommit(func(m Measured) float64 { return float64(m.AllocBytes) })(m), allocsPerCommit(m), m.PeakRSS, m.Threads, m.DiskBytes)
	}
	for _, c := range r.Counted {
		fmt.Fprintf(&b, "BenchmarkFsyncs/%s\t1\t%.5f fsyncs/commit\n", rawName(c.Job), c.PerCommit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rawName gives a run's name in keys and values. A peer's name has no slash there, which would begin another key.
func rawName(j Job) string {
	return fmt.Sprintf("kind=%s/peer=%s/goroutines=%d", j.Kind, strings.ReplaceAll(j.Contender.Name(), "/", ":"), j.Goroutines)
}
