// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgotrace_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// way is one program in one manner, and what it printed in each round.
type way struct {
	name    string
	which   func() (string, error)
	profile bool
	figures map[string][]float64
}

// BenchmarkCost scans with the import and without it, under a profile and without one, in rounds in
// which the ways take turns, and prints ratios of CPU time. Run it with -benchtime=1x.
func BenchmarkCost(b *testing.B) {
	const rounds = 9
	ways := []*way{{name: "plain", which: plain}, {name: "traced", which: traced}, {name: "plain, profiled", which: plain, profile: true}, {name: "traced, profiled", which: traced, profile: true}}
	for _, w := range ways {
		w.figures = map[string][]float64{}
	}
	dir := b.TempDir()
	if out := run(b, dir, probe(b, plain), "scan", "db", "1"); out.err != nil {
		b.Fatal(out.text)
	}
	for range b.N {
		for round := range rounds {
			for i := range ways {
				ways[(i+round)%len(ways)].measure(b, dir)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	base := ways[0].figures["row"]
	for _, w := range ways {
		fmt.Printf("%-17s a row over plain: %s\n", w.name, spread(ratios(w.figures["row"], base)))
	}
	fmt.Printf("%-17s a row over plain, profiled: %s\n", ways[3].name, spread(ratios(ways[3].figures["row"], ways[2].figures["row"])))
	for _, w := range ways[2:] {
		fmt.Printf("%-17s ms to end the profile: %s; MB of memory at the end: %s\n", w.name, spread(w.figures["stop"]), spread(w.figures["memory"]))
	}
}

func (w *way) measure(b *testing.B, dir string) {
	args := []string{"scan", "db", "1000"}
	if w.profile {
		args = append(args, filepath.Join(dir, "cpu.pprof"))
	}
	out := run(b, dir, probe(b, w.which), args...)
	if out.err != nil {
		b.Fatal(out.text)
	}
	for line := range strings.Lines(out.text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			b.Fatalf("%q: %v", line, err)
		}
		w.figures[name] = append(w.figures[name], x)
	}
}

func ratios(over, under []float64) (out []float64) {
	for i := range over {
		out = append(out, over[i]/under[i])
	}
	return out
}

// spread gives the median, the least and the greatest.
func spread(x []float64) string {
	x = slices.Sorted(slices.Values(x))
	return fmt.Sprintf("%.2f (%.2f to %.2f)", x[len(x)/2], x[0], x[len(x)-1])
}
