// Soak runs the random tests with new seeds for hours, and writes what it ran and found.
//
//	go run ./scripts/soak [-time 2h] [-out docs/soak] [-only REGEXP]
//
// It runs in the module's root folder. The report is OUT/DATE.md; a second one of a day replaces the first. What the
// runs printed stays in .build/soak. The exit code is 1 if anything failed.
package main

import (
	"cmp"
	"flag"
	"fmt"
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
	flag.Parse()
	failed, err := soak(*whole, *out, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "soak: %d runs failed\n", failed)
		os.Exit(1)
	}
}

func soak(whole time.Duration, out, only string) (failed int, err error) {
	want, err := regexp.Compile(only)
	if err != nil {
		return 0, err
	}
	var chosen []programme
	for _, p := range programmes(whole) {
		if want.MatchString(p.name) {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return 0, fmt.Errorf("no programme matches %q", only)
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return 0, err
	}
	built, err := buildAll(chosen)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	results := runAll(chosen, built, whole)
	for _, r := range results {
		failed += len(r.failures)
	}
	return failed, writeReport(out, begin, whole, results)
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
