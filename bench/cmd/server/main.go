// Program server measures "rockbridge serve" beside redis-server and writes the report of it.
//
//	cd bench && go run ./cmd/server --help
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/serving"
)

// settings are the flags.
type settings struct {
	module, dir, bin, out string
	plan                  serving.Plan
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	p := &s.plan
	f.StringVar(&s.module, "module", "../cmd/rockbridge", "folder of the command line's module")
	f.StringVar(&s.dir, "dir", "../.build/bench/data", "folder for the databases: its file system is measured")
	f.StringVar(&s.bin, "bin", "../.build/bench", "folder for the program")
	f.StringVar(&s.out, "out", "../docs/benchmarks", "folder for the report")
	works := f.String("works", strings.Join(serving.Works, ","), "these only, separated by commas")
	durabilities := f.String("appendfsync", "everysec,always", "durabilities")
	pipelines := f.String("pipelines", "1,16,64", "requests in a pipeline")
	clients := f.String("clients", "50,500", "numbers of clients")
	f.IntVar(&p.Rounds, "rounds", 7, "rounds of all settings")
	f.DurationVar(&p.Duration, "duration", 800*time.Millisecond, "of each run, about")
	f.IntVar(&p.Keys, "range", 100_000, "keys that works are spread over")
	f.IntVar(&p.Value, "value", 100, "bytes of a value")
	f.Int64Var(&p.Cache, "cache", 128<<20, "bytes of rockbridge's block cache")
	f.Int64Var(&p.Memtable, "memtable", 8<<20, "bytes of each of rockbridge's two memtables")
	f.IntVar(&p.MemoryKeys, "keys", 10_000_000, "keys with which memory is compared; 0: it is not")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	p.Works = split(*works)
	for _, d := range split(*durabilities) {
		p.Durabilities = append(p.Durabilities, serving.Durability(d))
	}
	if p.Pipelines, err = numbers(*pipelines); err != nil {
		return s, err
	}
	if p.Clients, err = numbers(*clients); err != nil {
		return s, err
	}
	for _, dir := range []*string{&s.bin, &s.dir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return s, err
		}
	}
	return s, p.Check()
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func numbers(list string) (out []int, err error) {
	for _, word := range split(list) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of pipelines or clients", word)
		}
		out = append(out, n)
	}
	return out, nil
}

func run(ctx context.Context, s settings) error {
	for _, dir := range []string{s.bin, s.dir, s.out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	binaries, err := serving.FindRedis()
	if err != nil {
		return err
	}
	binaries.Rockbridge = filepath.Join(s.bin, "rockbridge-serve")
	if err := launch.BuildCommand(ctx, s.module, binaries.Rockbridge); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the rounds take about %v\n", s.plan.Estimate().Round(time.Minute/2))
	r, err := serving.Measure(ctx, s.plan, binaries, s.dir, os.Stderr)
	if err != nil {
		return err
	}
	if err := r.WriteFiles(s.out); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%v; the report is %s\n", r.Took.Round(time.Second), filepath.Join(s.out, serving.ReportFile))
	return nil
}

func main() { launch.Command("server", parse, run) }
