package engine_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// contest runs competing ways to do the same work in interleaved rounds, because timings on a shared
// machine drift: what counts is the ratio within a round. The first way is what the others are
// compared to.
type contest struct {
	title string
	units int // rows, records or reads of one run: what "per unit" means
	unit  string
	clock bool // the time that passes is measured, not that of the processor: for work that waits
	ways  []way
}

type way struct {
	name   string
	target string // ratio to the first way that is aimed at
	run    func()
}

const contestRounds = 9

// cpuTime is the processor time that this process has used, in user mode and in the kernel. It says
// more than the clock does when other programs want the same cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// run measures and prints one table. The ratios also become metrics, for benchstat.
func (c contest) run(b *testing.B) {
	now := cpuTime
	if c.clock {
		begun := time.Now()
		now = func() time.Duration { return time.Since(begun) }
	}
	cost := make([][]float64, len(c.ways)) // ns of CPU time a unit, by way and round
	for _, w := range c.ways {
		w.run() // warm up
	}
	for b.Loop() {
		for range contestRounds {
			for i, w := range c.ways {
				start := now()
				w.run()
				cost[i] = append(cost[i], float64(now()-start)/float64(c.units))
			}
		}
	}
	c.report(b, cost)
}

func (c contest) report(b *testing.B, cost [][]float64) {
	var text strings.Builder
	kind := "CPU time"
	if c.clock {
		kind = "time passed"
	}
	fmt.Fprintf(&text, "\n%s\nRocksDB %s; %d interleaved rounds; %s\n", c.title, engine.Version(), len(cost[0]), kind)
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "way\tns/%s\tratio\tspread\ttarget\n", c.unit)
	for i, w := range c.ways {
		ratios := make([]float64, len(cost[i]))
		for r := range ratios {
			ratios[r] = cost[i][r] / cost[0][r]
		}
		slices.Sort(ratios)
		fmt.Fprintf(t, "%s\t%.1f\t%.2f\t%.2f to %.2f\t%s\n", w.name, median(cost[i]), median(ratios),
			ratios[0], ratios[len(ratios)-1], w.target)
		b.ReportMetric(median(ratios), metricName(w.name)+"/ratio")
	}
	t.Flush()
	b.ReportMetric(0, "ns/op") // one iteration is a whole contest: its time says nothing
	fmt.Fprint(os.Stderr, text.String())
}

func metricName(name string) string { return strings.ReplaceAll(name, " ", "_") }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
