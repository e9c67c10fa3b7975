// Program peers measures rockbridge, C loops on the same library and other engines at the same works and writes the
// report of it.
//
//	cd bench && go run ./cmd/peers --help
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/compare"
	"github.com/rockbridge-db/rockbridge/bench/launch"
)

// settings are the flags.
type settings struct {
	module, dir, bin, out, name string
	plan                        compare.Plan
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&s.module, "module", ".", "folder of the benchmarks' module")
	f.StringVar(&s.dir, "dir", "../.build/bench/data", "folder for the databases")
	f.StringVar(&s.bin, "bin", "../.build/bench", "folder for the peers' programs")
	f.StringVar(&s.out, "out", "../docs/benchmarks", "folder for the report")
	f.StringVar(&s.name, "name", "", "the report's name, without ending; peers or full if empty")
	full := f.Bool("full", false, "also larger values, and data of 4 times the cache")
	peers := f.String("peers", strings.Join(compare.Peers, ","), "of these only, separated by commas")
	only := f.String("works", "", "these works only, separated by commas; all if empty")
	f.IntVar(&s.plan.Rounds, "rounds", 7, "rounds of all works")
	rows := f.Int("rows", 0, "rows of the core setting's lasting database; its default if 0. Other settings are changed alike")
	scale := f.Float64("scale", 1, "how much of each work's operations are done")
	f.StringVar(&s.plan.Options, "options", "", "RocksDB options by name, for all on RocksDB")
	f.Uint64Var(&s.plan.Seed, "seed", uint64(time.Now().UnixNano()), "of the order and the keys")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	s.plan.Peers, s.plan.Settings = split(*peers), []compare.Setting{compare.Core}
	s.plan.Works = split(*only)
	if *full {
		s.plan.Settings = slices.Clone(compare.Full)
	}
	if s.name == "" {
		s.name = map[bool]string{false: "peers", true: "full"}[*full]
	}
	return s, s.finish(*rows, *scale)
}

func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

// finish checks the flags and shrinks or widens the settings.
func (s *settings) finish(rows int, scale float64) (err error) {
	if s.plan.Rounds < 1 || rows < 0 || scale <= 0 {
		return errors.New("at least 1 round, and positive numbers")
	}
	factor := 1.0
	if rows > 0 {
		factor = float64(rows) / float64(compare.Core.Rows)
	}
	for i := range s.plan.Settings {
		one := &s.plan.Settings[i]
		one.Rows, one.Scale = max(int(float64(one.Rows)*factor), 1000), one.Scale*scale
		if one.Lasting { // its cache is a part of the data
			one.Cache = max(int64(float64(one.Cache)*factor), 1<<20)
		}
	}
	for _, dir := range []*string{&s.bin, &s.dir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	return s.plan.Check()
}

func run(ctx context.Context, s settings) error {
	for _, dir := range []string{s.bin, s.dir, s.out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	programs, err := launch.Build(ctx, s.module, s.bin, s.plan.Peers)
	if err != nil {
		return err
	}
	tracer, err := launch.Trace(ctx, s.module, s.bin)
	if err != nil {
		return err
	}
	r, err := compare.Measure(ctx, s.plan, programs, tracer, s.dir, os.Stderr)
	if err != nil {
		return err
	}
	if err := r.WriteFiles(s.out, s.name); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%v; the report is %s\n", r.Took.Round(time.Second), filepath.Join(s.out, s.name+".md"))
	return nil
}

func main() { launch.Command("peers", parse, run) }
