// Command compare measures one kind of work with several builds of RocksDB: each in a program of its own, in
// interleaved rounds, since timings on a shared machine drift. What counts is the ratio within a round.
//
//	go run ./scripts/compare [-rounds 7] [-bench REGEXP] LIBRARY...
//
// A library is what ROCKBRIDGE_LIBRARY may be: system, 7.8.3-release, release, pgo, a folder. The first is what the
// others are compared to.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

var (
	rounds = flag.Int("rounds", 7, "how often each program runs")
	bench  = flag.String("bench", "^BenchmarkLibrary$", "the benchmarks of engine that run")
	times  = flag.Int("times", 5, "how often each does its work in a round, after once to warm up")
)

// unit is the metric that is read.
const unit = "cpu-ns/unit"

// library is one program, and what its benchmarks used in each round.
type library struct {
	choice, name, program string
	used                  map[string][]float64
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := compare(flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func compare(choices []string) error {
	dir, err := os.MkdirTemp("", "rockbridge-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []*library
	for i, choice := range choices {
		l := &library{choice: choice, program: filepath.Join(dir, fmt.Sprint(i)), used: map[string][]float64{}}
		build := exec.Command("scripts/library", "go", "test", "-c", "-o", l.program, "./engine")
		build.Env = append(os.Environ(), "ROCKBRIDGE_LIBRARY="+choice)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", choice, err, out)
		}
		all = append(all, l)
	}
	var order []string
	for round := range *rounds {
		for i := range all {
			// Another one begins each time: none is always the one after the pause.
			works, err := all[(round+i)%len(all)].run()
			if err != nil {
				return err
			}
			order = works
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, *rounds)
	}
	return report(all, order)
}

// run runs the benchmarks once, and gives their names.
func (l *library) run() (works []string, err error) {
	c := exec.Command(l.program, "-test.run", "^$", "-test.timeout", "0", "-test.bench", *bench, "-test.benchtime", fmt.Sprintf("%dx", *times))
	c.Dir = "engine"
	out, err := c.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", l.choice, err, out)
	}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if name, found := strings.CutPrefix(s.Text(), "rocksdb: "); found {
			l.name = name
		}
		work, ns, ok := figure(s.Text())
		if ok {
			works = append(works, work)
			l.used[work] = append(l.used[work], ns)
		}
	}
	return works, nil
}

// figure reads the line of one benchmark: its name, and the metric.
func figure(line string) (work string, ns float64, ok bool) {
	f := strings.Fields(line)
	at := slices.Index(f, unit)
	if at < 2 || !strings.HasPrefix(f[0], "Benchmark") {
		return "", 0, false
	}
	_, work, _ = strings.Cut(f[0], "/")
	if i := strings.LastIndexByte(work, '-'); i >= 0 {
		work = work[:i] // the number of processors
	}
	ns, err := strconv.ParseFloat(f[at-1], 64)
	return strings.ReplaceAll(work, "_", " "), ns, err == nil
}

func report(all []*library, works []string) error {
	for _, l := range all {
		fmt.Printf("%s: %s\n", l.choice, l.name)
	}
	load, _ := os.ReadFile("/proc/loadavg") // elsewhere than on Linux there is none
	fmt.Printf("%d interleaved rounds; ns of CPU time a row, key or commit: median, ratio to the first (least to greatest); load averages %s\n\n",
		*rounds, strings.TrimSpace(string(load)))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, l := range all {
		fmt.Fprintf(w, "\t%s", l.choice)
	}
	fmt.Fprintln(w)
	for _, work := range works {
		fmt.Fprint(w, work)
		for _, l := range all {
			fmt.Fprintf(w, "\t%.0f", median(l.used[work]))
			if l != all[0] {
				r := ratios(l.used[work], all[0].used[work])
				fmt.Fprintf(w, ", %.2f (%.2f to %.2f)", median(r), slices.Min(r), slices.Max(r))
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func ratios(x, first []float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] / first[i]
	}
	return out
}
