package commits

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

// Measured is one run and what it gave.
type Measured struct {
	Job
	workload.Result
}

// Counted is how often a contender called fsync for a commit.
type Counted struct {
	Job
	PerCommit float64
}

// Run is all that a report is written from.
type Run struct {
	Plan     Plan
	Machine  launch.Machine
	Go       string
	Library  string // which librocksdb, and how it was built
	Before   Disk
	After    Disk
	Loads    [2]string // load averages before and after
	Counter  string    // what counted fsyncs; empty: nothing could
	Measured []Measured
	Counted  []Counted
	Took     time.Duration
	Date     time.Time
}

// Measure does a plan in a folder that is there already, on the file system that is to be measured. It writes what it
// does to progress. With count false no fsync is counted.
func Measure(ctx context.Context, plan Plan, p launch.Programs, dir string, count bool, progress io.Writer) (r Run, err error) {
	dir, err = os.MkdirTemp(dir, "commits")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // each run has removed its database
	r = Run{
		Plan: plan, Machine: launch.DescribeMachine(dir), Go: runtime.Version(), Date: time.Now(),
		Library: launch.LibraryOf(p.Path(plan.Contenders[0].Peer)).String(), Loads: [2]string{launch.Load()},
	}
	if r.Before, err = ProbeDisk(dir); err != nil {
		return r, err
	}
	if err := r.timed(ctx, p, dir, progress); err != nil {
		return r, err
	}
	if count {
		if err := r.count(ctx, p, dir, progress); err != nil {
			return r, err
		}
	}
	if r.After, err = ProbeDisk(dir); err != nil {
		return r, err
	}
	r.Loads[1] = launch.Load()
	r.Took = time.Since(r.Date)
	return r, nil
}

// slack is what a run may take beyond its commits before it is ended.
const slack = 2 * time.Minute

// run does one run in a process of its own.
func run(ctx context.Context, p launch.Programs, peer string, s workload.Spec) (res workload.Result, err error) {
	if err := p.Run(ctx, peer, "commits", s.Duration+slack, s, &res); err != nil {
		return res, fmt.Errorf("%s %s: %w", peer, s.Mode, err)
	}
	return res, nil
}

func (r *Run) timed(ctx context.Context, p launch.Programs, dir string, progress io.Writer) error {
	jobs := r.Plan.Jobs()
	for i, j := range jobs {
		if i == 0 || j.Round != jobs[i-1].Round {
			fmt.Fprintf(progress, "round %d of %d (%v)\n", j.Round+1, r.Plan.Rounds, time.Since(r.Date).Round(time.Second))
		}
		res, err := run(ctx, p, j.Contender.Peer, r.Plan.Spec(j, filepath.Join(dir, "db")))
		if err != nil {
			return err
		}
		r.Measured = append(r.Measured, Measured{j, res})
	}
	return nil
}

func (r *Run) count(ctx context.Context, p launch.Programs, dir string, progress io.Writer) error {
	c := FindCounter(ctx, dir)
	if c == nil {
		fmt.Fprintln(progress, "neither perf nor strace can count here: no fsyncs per commit")
		return nil
	}
	r.Counter = c.Name
	fmt.Fprintf(progress, "counting fsyncs by %s (%v)\n", c.Name, time.Since(r.Date).Round(time.Second))
	for _, j := range r.Plan.Counting() {
		s := r.Plan.Spec(j, filepath.Join(dir, "db"))
		s.Duration /= 2 // a ratio needs no more
		n, err := c.PerCommit(ctx, p, j.Contender.Peer, s)
		if err != nil {
			return err
		}
		r.Counted = append(r.Counted, Counted{j, n})
	}
	return nil
}

// metric is something that each run has a value of.
type metric func(Measured) float64

func commitsPerSecond(m Measured) float64 {
	return float64(m.Commits) / max(m.Elapsed.Seconds(), 1e-9)
}

// perCommit makes a metric of a sum over a run.
func perCommit(sum func(Measured) float64) metric {
	return func(m Measured) float64 { return sum(m) / float64(max(m.Commits, 1)) }
}

// values gives a contender's values of a metric, by round.
func (r *Run) values(contender string, k Kind, goroutines int, f metric) []float64 {
	var out []float64
	for _, m := range r.Measured {
		if m.Contender.Name() == contender && m.Kind == k && m.Job.Goroutines == goroutines {
			out = append(out, f(m))
		}
	}
	return out
}

// fsyncs gives what was counted for a contender, and whether anything was.
func (r *Run) fsyncs(contender string, goroutines int) (float64, bool) {
	for _, c := range r.Counted {
		if c.Contender.Name() == contender && c.Goroutines == goroutines {
			return c.PerCommit, true
		}
	}
	return 0, false
}
