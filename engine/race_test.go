package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	closeRounds = flag.Int("close.rounds", 100, "rounds of the test that closes a database under its users; a fifth with -short")
	closeSeed   = flag.Uint64("close.seed", 0, "its seed; 0: a new one each time")
)

const (
	closeWorkers = 16
	closeExtra   = 6 // calls that a worker makes after it has seen ErrClosed
)

// closeFamilies are those that live through all rounds; merges add in family "adds".
var closeFamilies = []string{"default", "adds", "plain"}

func closeOptions() *engine.Options {
	return &engine.Options{Families: map[string]engine.FamilyOptions{
		"adds": {MergeOperator: engine.Uint64Add}, "plain": {WriteBufferSize: 64 << 10},
	}}
}

// handleCount counts handles of one kind in a round: a leak report must lie between those never
// closed and those that were not closed before the database's Close began.
type handleCount struct{ opened, early, left atomic.Int64 }

// closeRound is one life of the database, from Open to Close.
type closeRound struct {
	t        *testing.T
	name     string
	db       *engine.DB
	families []*engine.ColumnFamily // in the order of closeFamilies
	shared   atomic.Pointer[engine.Snapshot]

	closing, closed               atomic.Bool // a Close has begun, has ended
	iterators, snapshots, batches handleCount
}

// ended counts a handle as closed in time if no Close had begun when its own had returned.
func (r *closeRound) ended(h *handleCount) {
	if !r.closing.Load() {
		h.early.Add(1)
	}
}

func (r *closeRound) failf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s: %s", r.name, fmt.Sprintf(format, args...))
}

// Sixteen goroutines use a database in every way while it is closed at a random moment, by one or by
// several goroutines. Nothing but ErrClosed may come of it, and what was acknowledged must be there
// afterwards.
func TestCloseUnderItsUsers(t *testing.T) {
	rounds := *closeRounds
	if testing.Short() {
		rounds = max(1, rounds/5)
	}
	r, seed := seededRand(t, "close.seed", *closeSeed)
	dir := filepath.Join(t.TempDir(), "db")
	workers := make([]*closeWorker, closeWorkers)
	for i := range workers {
		workers[i] = newCloseWorker(i)
	}
	calls := int64(0)
	for n := range rounds {
		round := &closeRound{t: t, name: fmt.Sprintf("seed %d, round %d", seed, n), db: openDir(t, dir, closeOptions())}
		round.adopt(workers)
		calls += round.play(r, workers)
		if t.Failed() {
			return
		}
	}
	last := &closeRound{t: t, name: "after the last round", db: openDir(t, dir, nil)}
	last.adopt(workers)
	if err := last.db.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d rounds, %d calls", rounds, calls)
}

// adopt checks that the database holds what the workers had acknowledged, and no more.
func (r *closeRound) adopt(workers []*closeWorker) {
	r.t.Helper()
	var surplus []string
	for _, w := range workers {
		surplus = append(surplus, slices.Collect(maps.Keys(w.own))...)
	}
	for _, c := range r.db.ColumnFamilies() {
		i := slices.Index(closeFamilies, c.Name())
		if i < 0 && !slices.Contains(surplus, c.Name()) {
			r.failf("family %s was dropped or never created", c.Name())
		}
		want := map[string]string{}
		for _, w := range workers {
			if i >= 0 {
				maps.Copy(want, w.rows[i])
			} else {
				maps.Copy(want, w.own[c.Name()])
			}
		}
		r.compare(c, want)
		surplus = slices.DeleteFunc(surplus, func(name string) bool { return name == c.Name() })
	}
	if len(surplus) > 0 {
		r.failf("families are gone: %v", surplus)
	}
	for _, name := range closeFamilies {
		c, err := r.db.ColumnFamily(name)
		if err != nil {
			r.failf("%v", err)
		}
		r.families = append(r.families, c)
	}
}

func (r *closeRound) compare(c *engine.ColumnFamily, want map[string]string) {
	r.t.Helper()
	n := 0
	rows, done := engine.Scan(c, nil)
	for key, value := range rows {
		if got, ok := want[string(key)]; !ok || got != string(value) {
			r.failf("family %s has %q = %q, acknowledged is %q", c.Name(), key, value, got)
		}
		n++
	}
	if err := done(); err != nil || n != len(want) {
		r.failf("family %s has %d rows, acknowledged are %d; %v", c.Name(), n, len(want), err)
	}
}

// play lets the workers loose and closes the database.
func (r *closeRound) play(rnd *rand.Rand, workers []*closeWorker) (calls int64) {
	var wg sync.WaitGroup
	for _, w := range workers {
		w.begin(r, rand.New(rand.NewPCG(rnd.Uint64(), 0)))
		wg.Go(w.run)
	}
	var mu sync.Mutex
	var leaks []*engine.LeakError
	for range 1 + max(0, rnd.IntN(5)-2) { // mostly one, up to three
		wait := time.Duration(rnd.IntN(6000)) * time.Microsecond
		if rnd.IntN(8) == 0 {
			wait = 0
		}
		wg.Go(func() {
			time.Sleep(wait)
			r.closing.Store(true)
			err := r.db.Close()
			r.closed.Store(true)
			var leak *engine.LeakError
			if errors.As(err, &leak) {
				mu.Lock()
				leaks = append(leaks, leak)
				mu.Unlock()
			} else if err != nil {
				r.failf("Close: %v", err)
			}
		})
	}
	wg.Wait()
	r.judge(leaks)
	for _, w := range workers {
		calls += w.calls
	}
	return calls
}

// judge checks the leak report, which at most one Close gives.
func (r *closeRound) judge(leaks []*engine.LeakError) {
	if r.shared.Load() != nil {
		r.snapshots.left.Add(1)
	}
	var leak engine.LeakError
	if len(leaks) > 1 {
		r.failf("%d reports of leaks: %v", len(leaks), leaks)
	} else if len(leaks) == 1 {
		leak = *leaks[0]
	}
	for _, k := range []struct {
		name     string
		h        *handleCount
		reported int
	}{{"iterators", &r.iterators, leak.Iterators}, {"snapshots", &r.snapshots, leak.Snapshots}, {"batches", &r.batches, leak.Batches}} {
		low, high := k.h.left.Load(), k.h.opened.Load()-k.h.early.Load()
		if int64(k.reported) < low || int64(k.reported) > high {
			r.failf("%d %s reported as left open, it were %d to %d", k.reported, k.name, low, high)
		}
	}
	if err := r.db.Close(); err != nil {
		r.failf("a later Close: %v", err)
	}
}
