package serving

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
)

// WriteRaw writes every run as a line of go test -bench, which benchstat reads:
//
//	benchstat -col /server server.txt
func (r *Run) WriteRaw(w io.Writer) error {
	var b strings.Builder
	report.RawHeading(&b, "bench/serving", r.Machine, runtime.GOOS, runtime.GOARCH)
	b.WriteString("Unit requests/s better=higher\n")
	for _, m := range r.Measured {
		fmt.Fprintf(&b, "BenchmarkServer/durability=%s/work=%s/pipeline=%d/clients=%d/server=%s\t%d\t%.1f ns/op\t%.1f requests/s\t%d p50-ns\t%d p99-ns\t%d max-ns\t%.1f cpu-ns/op\n",
			m.Durability, m.Work, m.Pipeline, m.Clients, m.Server, m.Requests, 1e9/max(m.Rate, 1e-9), m.Rate,
			m.P50.Nanoseconds(), m.P99.Nanoseconds(), m.Max.Nanoseconds(), cpuPerRequest(m)*1e3)
	}
	for _, m := range r.Memory {
		fmt.Fprintf(&b, "BenchmarkMemory/keys=%d/server=%s\t1\t%d loaded-rss-B\t%d read-rss-B\t%d peak-rss-B\t%d disk-B\t%.3f load-s\t%.1f gets/s\n",
			r.Plan.MemoryKeys, m.Server, m.Loaded, m.Read, m.Peak, m.Disk, m.Load.Seconds(), m.Reads.Rate)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
