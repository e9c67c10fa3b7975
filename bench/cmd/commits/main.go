// Program commits measures how fast rockbridge and its peers commit and writes the report of it.
//
//	cd bench && go run ./cmd/commits --help
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/commits"
	"github.com/rockbridge-db/rockbridge/bench/launch"
)

// settings are the flags.
type settings struct {
	module, dir, bin, out string
	peers, modes          string
	synced, unsynced      string
	count                 bool
	plan                  commits.Plan
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("commits", flag.ContinueOnError)
	base := &s.plan.Base
	f.StringVar(&s.module, "module", ".", "folder of the benchmarks' module")
	f.StringVar(&s.dir, "dir", "../.build/bench/data", "folder for the databases: its file system is measured")
	f.StringVar(&s.bin, "bin", "../.build/bench", "folder for the peers' programs")
	f.StringVar(&s.out, "out", "../docs/benchmarks", "folder for the report")
	f.StringVar(&s.peers, "peers", "", "of these only, separated by commas: rockbridge, grocksdb, pebble, bbolt")
	f.StringVar(&s.modes, "mode", "", "of rockbridge's modes these only, separated by commas")
	f.StringVar(&s.synced, "synced", "1,8,64,512,4096", "numbers of goroutines of synced commits")
	f.StringVar(&s.unsynced, "unsynced", "1,2,8,64,512", "numbers of goroutines of unsynced commits")
	f.BoolVar(&s.count, "count", true, "count fsyncs after the timed rounds")
	f.IntVar(&s.plan.Rounds, "rounds", 7, "timed rounds")
	f.DurationVar(&base.Duration, "duration", 800*time.Millisecond, "of each run")
	f.IntVar(&base.WarmRows, "warm", 0, "rows in the database before the commits")
	f.IntVar(&base.KeyBytes, "key", 16, "bytes of a key, at least 16")
	f.IntVar(&base.ValueBytes, "value", 100, "bytes of a value, at least 8")
	f.Int64Var(&base.Memtable, "memtable", 64<<20, "bytes of a memtable")
	f.Int64Var(&base.Cache, "cache", 128<<20, "bytes of the block cache")
	f.Uint64Var(&s.plan.Seed, "seed", uint64(time.Now().UnixNano()), "of the order and the rows")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	return s, s.finish()
}

// finish makes the plan of what the flags say.
func (s *settings) finish() (err error) {
	if s.plan.Contenders, err = commits.Choose(s.peers, s.modes); err != nil {
		return err
	}
	s.plan.Base.Seed = s.plan.Seed
	s.plan.Widths = map[commits.Kind][]int{}
	for k, list := range map[commits.Kind]string{commits.Synced: s.synced, commits.Unsynced: s.unsynced} {
		if s.plan.Widths[k], err = widths(list); err != nil {
			return err
		}
	}
	if s.plan.Rounds < 1 || s.plan.Base.KeyBytes < 16 || s.plan.Base.ValueBytes < 8 {
		return errors.New("at least 1 round, 16 bytes of key and 8 of value")
	}
	for _, dir := range []*string{&s.bin, &s.dir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	return nil
}

func widths(list string) (out []int, err error) {
	for _, word := range strings.Split(list, ",") {
		if word == "" {
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of goroutines", word)
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
	programs, err := launch.Build(ctx, s.module, s.bin, commits.Programs(s.plan.Contenders))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d timed runs; all of it takes about %v\n", len(s.plan.Jobs()), s.plan.Estimate(s.count).Round(time.Minute/2))
	r, err := commits.Measure(ctx, s.plan, programs, s.dir, s.count, os.Stderr)
	if err != nil {
		return err
	}
	if err := r.WriteFiles(s.out); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%v; the report is %s\n", r.Took.Round(time.Second), filepath.Join(s.out, commits.ReportFile))
	return nil
}

func main() { launch.Command("commits", parse, run) }
