// Command churn measures what memory a process holds after it has worked a database over, with the C
// library's malloc, with that in two arenas, and with jemalloc by build tag rb_jemalloc. It builds itself
// both ways and runs the ways in turn, each in a process of its own, for several rounds.
//
//	go run ./scripts/churn [-rounds 5] [-ops 15000] [-workers 16] [-settle 11s]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

var (
	rounds  = flag.Int("rounds", 5, "how often each way is run")
	ops     = flag.Int("ops", 15000, "writes and reads of each worker")
	workers = flag.Int("workers", 16, "goroutines, each on a thread of its own")
	settle  = flag.Duration("settle", 11*time.Second, "how long the process is left alone before its memory is read: jemalloc gives back within 10 s")
	child   = flag.Bool("child", false, "do the work, instead of measuring it in children")
)

// way is one allocator to measure.
type way struct {
	name, tags, env string
	binary          string
	held            []held
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	if *child {
		if err := work(); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := measure(); err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	dir, err := os.MkdirTemp("", "rockbridge-churn-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ways := []*way{
		{name: "glibc"}, {name: "glibc, MALLOC_ARENA_MAX=2", env: "MALLOC_ARENA_MAX=2"}, {name: "jemalloc", tags: "rb_jemalloc"},
	}
	for i, w := range ways {
		w.binary = filepath.Join(dir, fmt.Sprint(i))
		build := exec.Command("go", "build", "-tags", w.tags, "-o", w.binary, "./scripts/churn")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build for %s: %w", w.name, err)
		}
	}
	for range *rounds {
		for _, w := range ways {
			if err := w.run(); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	fmt.Printf("%d workers, %d operations each, %d rounds, the ways in turn; left alone for %v; MiB: median (least to most)\n", *workers, *ops, *rounds, *settle)
	fmt.Printf("%-28s %-24s %-24s %-24s %s\n", "", "most", "after the churn, open", "after Close", "CPU seconds")
	for _, w := range ways {
		fmt.Printf("%-28s %-24s %-24s %-24s %s\n", w.name, w.spread(func(h held) float64 { return h.Most }),
			w.spread(func(h held) float64 { return h.Open }), w.spread(func(h held) float64 { return h.Closed }),
			w.spread(func(h held) float64 { return h.CPU }))
	}
	return nil
}

func (w *way) run() error {
	cmd := exec.Command(w.binary, "-child", fmt.Sprint("-ops=", *ops), fmt.Sprint("-workers=", *workers), fmt.Sprint("-settle=", *settle))
	cmd.Env = append(os.Environ(), w.env)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var h held
	if err := json.Unmarshal(out, &h); err != nil {
		return err
	}
	if (h.Allocator == "jemalloc") != (w.tags != "") {
		return fmt.Errorf("its allocator is %s", h.Allocator)
	}
	w.held = append(w.held, h)
	return nil
}

func (w *way) spread(of func(held) float64) string {
	var all []float64
	for _, h := range w.held {
		all = append(all, of(h))
	}
	slices.Sort(all)
	return fmt.Sprintf("%.1f (%.1f to %.1f)", all[len(all)/2], all[0], all[len(all)-1])
}
