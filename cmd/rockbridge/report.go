package main

import (
	"fmt"
	"io"

	"github.com/rockbridge-db/rockbridge/engine"
)

// print writes the table of the demo.
func (m *measurement) print(out io.Writer) error {
	rows := float64(m.seen.rows)
	if rows == 0 {
		_, err := fmt.Fprintln(out, "there is no row to scan")
		return err
	}
	fmt.Fprintf(out, "keys of %.0f bytes, values of %.0f on average; RocksDB %s; %d rounds, the ways in turn\n\n",
		float64(m.seen.keyBytes)/rows, float64(m.seen.valueBytes)/rows, engine.Version(), len(m.samples[0]))
	const line = "%-27s %8s %15s %7s %10s %12s\n"
	fmt.Fprintf(out, line, "scan of all rows", "ns/row", "range", "speed", "cgo calls", "allocations")
	for i, way := range m.ways {
		ns := spreadBy(m.samples[i], func(s sample) float64 { return float64(s.elapsed.Nanoseconds()) / rows })
		calls := spreadBy(m.samples[i], func(s sample) float64 { return float64(s.calls) })
		allocs := spreadBy(m.samples[i], func(s sample) float64 { return float64(s.allocs) })
		speed := spreadOf(ratios(m.samples[0], m.samples[i]))
		_, err := fmt.Fprintf(out, line, way.name,
			fmt.Sprintf("%.1f", ns.median), fmt.Sprintf("%.1f-%.1f", ns.least, ns.most),
			fmt.Sprintf("%.2fx", speed.median), fmt.Sprintf("%.0f", calls.median),
			fmt.Sprintf("%.0f", allocs.median))
		if err != nil {
			return err
		}
	}
	return nil
}

// ratios divides, round by round, the times of one way by those of another: two
// scans of one round met the same load of the machine, two medians need not.
func ratios(times, by []sample) []float64 {
	r := make([]float64, len(times))
	for i := range times {
		r[i] = float64(times[i].elapsed) / float64(by[i].elapsed)
	}
	return r
}
