package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/commits"
	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Measured is one run and what it gave.
type Measured struct {
	Job
	Result
	CPU time.Duration // of the server
}

// Memory is what a server takes with many keys.
type Memory struct {
	Server             Name
	Loaded, Read, Peak int64 // bytes of resident memory: after the load, after as many GETs as there are keys at most, at most
	Disk               int64 // bytes of its folder, after the load
	Load               time.Duration
	Reads              Result
}

// Run is all that a report is written from.
type Run struct {
	Plan          Plan
	Machine       launch.Machine
	Go            string
	Versions      [2]string // of rockbridge, and of redis-server
	Library       string    // which librocksdb, and how it was built
	Before, After commits.Disk
	Loads         [2]string // load averages before and after
	Measured      []Measured
	Memory        []Memory
	Took          time.Duration
	Date          time.Time
}

// Measure does a plan in a folder that is there already, on the file system that is to be measured. It writes what it does to
// progress.
func Measure(ctx context.Context, plan Plan, b Binaries, dir string, progress io.Writer) (r Run, err error) {
	if err := plan.Check(); err != nil {
		return r, err
	}
	dir, err = os.MkdirTemp(dir, "serving")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r = Run{
		Plan: plan, Machine: launch.DescribeMachine(dir), Go: runtime.Version(), Date: time.Now(), Loads: [2]string{launch.Load()},
		Library: launch.LibraryOf(b.Rockbridge).String(), Versions: [2]string{version(ctx, b.Rockbridge), version(ctx, b.RedisServer)},
	}
	if r.Before, err = commits.ProbeDisk(dir); err != nil {
		return r, err
	}
	requests := map[Job]int{} // by jobs of no round
	for round := range plan.Rounds {
		for _, d := range plan.Durabilities {
			fmt.Fprintf(progress, "round %d of %d, %s (%v)\n", round+1, plan.Rounds, d, time.Since(r.Date).Round(time.Second))
			if err := r.round(ctx, b, dir, d, round, requests); err != nil {
				return r, err
			}
		}
	}
	if plan.MemoryKeys > 0 {
		for _, name := range both {
			fmt.Fprintf(progress, "%s with %d keys (%v)\n", name, plan.MemoryKeys, time.Since(r.Date).Round(time.Second))
			m, err := remember(ctx, name, b, plan, filepath.Join(dir, string(name)))
			if err != nil {
				return r, err
			}
			r.Memory = append(r.Memory, m)
		}
	}
	if r.After, err = commits.ProbeDisk(dir); err != nil {
		return r, err
	}
	r.Loads[1] = launch.Load()
	r.Took = time.Since(r.Date)
	return r, nil
}

// round does all settings of a durability once, on servers that are new. requests is what was found out about each run's length.
func (r *Run) round(ctx context.Context, b Binaries, dir string, d Durability, round int, requests map[Job]int) (err error) {
	servers := map[Name]*server{}
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
	}()
	for _, name := range both {
		s, err := start(ctx, name, b, r.Plan, d, filepath.Join(dir, string(name)))
		if err != nil {
			return err
		}
		servers[name] = s
		if err := load(ctx, s.address(), r.Plan.Keys, r.Plan.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, j := range r.Plan.Jobs(d, round) {
		lasting := Job{j.Setting, j.Server, 0}
		// Found out in two steps: the first run is too short to tell much.
		for n := leastRequests(j.Setting); requests[lasting] == 0; {
			first, err := r.run(ctx, b, servers, j, n)
			if err != nil {
				return err
			}
			next := requestsFor(first.Rate, j.Setting, r.Plan.Duration)
			if n > leastRequests(j.Setting) || next/2 <= n {
				requests[lasting] = next
			}
			n = next / 2
		}
		m, err := r.run(ctx, b, servers, j, requests[lasting])
		if err != nil {
			return err
		}
		r.Measured = append(r.Measured, m)
	}
	return nil
}

// leastRequests are as many that each client has a pipeline of them.
func leastRequests(s Setting) int { return max(1000, s.Clients*s.Pipeline) }

// requestsFor are as many as take about so long.
func requestsFor(rate float64, s Setting, d time.Duration) int {
	return max(leastRequests(s), int(rate*d.Seconds()))
}

// run does a job, once both servers are idle.
func (r *Run) run(ctx context.Context, b Binaries, servers map[Name]*server, j Job, n int) (m Measured, err error) {
	m.Job = j
	if err := settle(servers); err != nil {
		return m, err
	}
	s := servers[j.Server]
	before, err := s.cpu()
	if err != nil {
		return m, err
	}
	if m.Result, err = benchmark(ctx, b.RedisBenchmark, s.port, j.Setting, r.Plan.Keys, r.Plan.Value, n); err != nil {
		return m, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := s.cpu()
	m.CPU = after - before
	return m, err
}

// readsOfMemory are the GETs after which memory is looked at again, at most.
const readsOfMemory = 1_000_000

// remember fills a server of its own and looks at its memory.
func remember(ctx context.Context, name Name, b Binaries, p Plan, dir string) (m Memory, err error) {
	m.Server = name
	s, err := start(ctx, name, b, p, EverySecond, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	begin := time.Now()
	if err := load(ctx, s.address(), p.MemoryKeys, p.Value); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	m.Load = time.Since(begin)
	if err := settle(map[Name]*server{name: s}); err != nil {
		return m, err
	}
	if m.Loaded, _, err = residentOf(s.cmd.Process.Pid); err != nil {
		return m, err
	}
	if m.Disk, err = program.DiskBytes(dir); err != nil {
		return m, err
	}
	reads := Setting{EverySecond, "get", 16, 50}
	if m.Reads, err = benchmark(ctx, b.RedisBenchmark, s.port, reads, p.MemoryKeys, p.Value, min(p.MemoryKeys, readsOfMemory)); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	m.Read, m.Peak, err = residentOf(s.cmd.Process.Pid)
	return m, err
}

// metric is something that each run has a value of.
type metric func(Measured) float64

func rate(m Measured) float64       { return m.Rate }
func p50(m Measured) float64        { return float64(m.P50) / 1e3 }
func p99(m Measured) float64        { return float64(m.P99) / 1e3 }
func cpuSeconds(m Measured) float64 { return m.CPU.Seconds() }

// cpuPerRequest is in microseconds.
func cpuPerRequest(m Measured) float64 { return float64(m.CPU) / 1e3 / float64(max(m.Requests, 1)) }

// values gives a server's values of a metric, by round.
func (r *Run) values(name Name, s Setting, f metric) (list []float64) {
	for _, m := range r.Measured {
		if m.Server == name && m.Setting == s {
			list = append(list, f(m))
		}
	}
	return list
}

// memory gives what a server took.
func (r *Run) memory(name Name) (Memory, bool) {
	for _, m := range r.Memory {
		if m.Server == name {
			return m, true
		}
	}
	return Memory{}, false
}
