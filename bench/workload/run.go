package workload

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// shards spread the histogram over processors.
const shards = 16

// Run does what s describes on a new database of p's.
func Run(p Peer, s Spec) (res Result, err error) {
	res = Result{Peer: p.Name, Mode: s.Mode, Sync: s.Sync, Goroutines: s.Goroutines}
	if _, err := os.Lstat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		return res, fmt.Errorf("workload: %q is there already, or cannot be looked for: %v", s.Dir, err)
	}
	if !s.Keep {
		defer func() { err = errors.Join(err, os.RemoveAll(s.Dir)) }()
	}
	if s.Describe {
		res.Version = p.Version()
	}
	store, err := p.Open(s)
	if err != nil {
		return res, err
	}
	err = work(store, s, &res)
	if err := errors.Join(err, store.Close()); err != nil {
		return res, err
	}
	res.DiskBytes, err = program.DiskBytes(s.Dir)
	return res, err
}

func work(store Store, s Spec, res *Result) error {
	fill := newRows(s, filler)
	err := store.Fill(s.WarmRows, func(i int) (key, value []byte) { return fill.row(uint64(i)) })
	if err != nil {
		return err
	}
	c := contest{store: store, spec: s, begin: make(chan struct{}), rows: make([]*rows, s.Goroutines)}
	if err := c.run(res); err != nil {
		return err
	}
	return c.verify()
}

// contest is the measured part of a run.
type contest struct {
	store Store
	spec  Spec
	begin chan struct{}
	start time.Time
	rows  []*rows
	times [shards]program.Histogram

	mu  sync.Mutex
	err error
}

func (c *contest) run(res *Result) error {
	var ready, done sync.WaitGroup
	for i := range c.rows {
		c.rows[i] = newRows(c.spec, uint64(i))
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-c.begin
			if err := c.commit(i); err != nil {
				c.mu.Lock()
				c.err = errors.Join(c.err, err)
				c.mu.Unlock()
			}
		})
	}
	ready.Wait()
	runtime.GC() // what came before is not to be collected during the commits
	before := program.Now()
	c.start = time.Now()
	close(c.begin)
	done.Wait()
	res.Elapsed = time.Since(c.start)
	res.Used = program.Now().Since(before)

	all := &c.times[0]
	for i := 1; i < shards; i++ {
		all.Merge(&c.times[i])
	}
	res.Commits = int64(all.Count())
	res.P50, res.P99, res.Max = all.Percentile(50), all.Percentile(99), all.Max()
	return c.err
}

// commit is one goroutine's part.
func (c *contest) commit(goroutine int) error {
	r, times := c.rows[goroutine], &c.times[goroutine%shards]
	for begin := time.Now(); begin.Sub(c.start) < c.spec.Duration; {
		key, value := r.row(r.next)
		if err := c.store.Commit(key, value); err != nil {
			return fmt.Errorf("commit %d of goroutine %d: %w", r.next, goroutine, err)
		}
		r.next++
		end := time.Now()
		times.Add(end.Sub(begin))
		begin = end
	}
	return nil
}

// verify reads the first and the last row of up to 100 goroutines: what was counted must be there.
func (c *contest) verify() error {
	step := max(len(c.rows)/100, 1)
	for g := 0; g < len(c.rows); g += step {
		r := c.rows[g]
		if r.next == 0 {
			continue
		}
		for _, i := range []uint64{0, r.next - 1} {
			key, want := r.row(i)
			got, err := c.store.Get(key)
			if err != nil {
				return fmt.Errorf("row %d of goroutine %d: %w", i, g, err)
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("row %d of goroutine %d has another value", i, g)
			}
		}
	}
	return nil
}
