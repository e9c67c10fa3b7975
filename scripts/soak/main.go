// Soak runs the random tests with new seeds for hours, and writes what it ran and found.
//
//	go run ./scripts/soak [-time 2h] [-out docs/soak] [-only REGEXP] [-from FOLDER]
//
// It runs in the module's root folder. The report is OUT/DATE.md, or OUT/DATE-2.md and so on. What the runs printed
// stays in .build/soak until the next soak of the same programmes. The exit code is 1 if anything failed. With -from
// nothing runs: the report is of the logs in a folder, which a soak has left.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

const logs = ".build/soak"

func main() {
	whole := flag.Duration("time", 2*time.Hour, "how long")
	out := flag.String("out", filepath.Join("docs", "soak"), "folder of the report")
	only := flag.String("only", "", "runs the programmes whose names match")
	from := flag.String("from", "", "folder of logs to make the report of, instead of running anything")
	flag.Parse()
	want, err := regexp.Compile(*only)
	failed := 0
	if err == nil {
		failed, err = soak(*whole, *out, *from, want)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "soak: %d runs failed\n", failed)
		os.Exit(1)
	}
}

func soak(whole time.Duration, out, from string, only *regexp.Regexp) (failed int, err error) {
	var chosen []programme
	for _, p := range programmes(whole) {
		if only.MatchString(p.name) {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return 0, fmt.Errorf("no programme matches %q", only)
	}
	var results []*result
	begin := time.Now()
	head := func(w io.Writer) { heading(w, begin, whole) }
	if from != "" {
		results, begin, err = readAll(chosen, from)
		head = func(w io.Writer) { headingOfLogs(w, begin) }
	} else {
		results, err = buildAndRun(chosen, whole)
	}
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		failed += len(r.failures)
	}
	return failed, writeReport(out, begin, results, head)
}

func buildAndRun(chosen []programme, whole time.Duration) ([]*result, error) {
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	for _, p := range chosen { // more than there will be now
		old, err := p.logsIn(logs)
		if err != nil {
			return nil, err
		}
		for _, name := range old {
			if err := os.Remove(name); err != nil {
				return nil, err
			}
		}
	}
	built, err := buildAll(chosen)
	if err != nil {
		return nil, err
	}
	return runAll(chosen, built, whole), nil
}

// runAll runs the lanes side by side, and in each its programmes one after the other.
func runAll(chosen []programme, built map[binary]string, whole time.Duration) []*result {
	results := make([]*result, len(chosen))
	var lanes sync.WaitGroup
	for lane := range 2 {
		parts := 0
		for _, p := range chosen {
			if p.lane == lane {
				parts += p.share
			}
		}
		lanes.Go(func() {
			for i, p := range chosen {
				if p.lane == lane {
					share := whole * time.Duration(p.share) / time.Duration(cmp.Or(parts, 1))
					results[i] = repeat(p, built[p.binary], share)
				}
			}
		})
	}
	lanes.Wait()
	return results
}
