package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var workRounds = flag.Int("work.rounds", 80, "rounds of the test that closes a database at work; a tenth with -short")

// closeWorks are what a database is at when it is closed. Each brings it there and gives the calls under way.
var closeWorks = map[string]struct {
	options engine.Options
	calls   []func(db *engine.DB) error
}{
	"flush": {
		engine.Options{},
		[]func(db *engine.DB) error{(*engine.DB).Flush, (*engine.DB).Flush},
	},
	"compaction": {
		engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}},
		[]func(db *engine.DB) error{
			func(db *engine.DB) error { return db.Compact(nil, nil, nil) },
			func(db *engine.DB) error { return db.Compact(context.Background(), nil, nil) },
			(*engine.DB).Flush,
		},
	},
	"stall": {*stalled, []func(db *engine.DB) error{(*engine.DB).SyncWAL}},
}

// A database is closed at random moments while it flushes, compacts, or has its writes stalled. Close succeeds and
// lets everybody out, who then says so; what was acknowledged is there afterwards, and what was refused is not.
func TestCloseOfADatabaseAtWork(t *testing.T) {
	rounds := *workRounds
	if testing.Short() {
		rounds = max(1, rounds/10)
	}
	r, seed := seededRand(t, "close.seed", *closeSeed)
	names := slices.Sorted(maps.Keys(closeWorks))
	modes := slices.Sorted(maps.Values(commitModes))
	longest := map[string]time.Duration{}
	for n := range rounds {
		name := names[n%len(names)]
		o := closeWorks[name].options
		o.Commit = modes[r.IntN(len(modes))]
		longest[name] = max(longest[name], closeAtWork(t, rand.New(rand.NewPCG(r.Uint64(), 0)), &o, closeWorks[name].calls))
		if t.Failed() {
			t.Fatalf("seed %d, round %d, %s, mode %d", seed, n, name, o.Commit)
		}
	}
	t.Logf("%d rounds; the longest Close: %v", rounds, longest)
}

func closeAtWork(t *testing.T, r *rand.Rand, o *engine.Options, calls []func(db *engine.DB) error) (took time.Duration) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	engine.SetCloseTimeout(db, 100*time.Millisecond) // a stall is ended after half of it
	written := make([]map[string]string, 8)
	doubtful := make([]string, len(written)) // what was written, and perhaps not synced
	var wg sync.WaitGroup
	for w := range written {
		written[w] = map[string]string{}
		rnd := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d/%d", w, n)
				err := db.Put([]byte(key), valueOf(rnd.IntN(2000)), &engine.WriteOptions{Sync: rnd.IntN(8) == 0, Gather: rnd.IntN(2) == 0})
				if errors.Is(err, engine.ErrClosed) && outcomeUnknown(err) {
					doubtful[w] = key
					return
				} else if err != nil {
					expectClosed(t, "Put", err)
					return
				}
				written[w][key] = ""
			}
		})
	}
	for _, call := range calls {
		wg.Go(func() {
			for {
				if err := call(db); err != nil {
					expectClosed(t, "a call", err)
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(r.IntN(30_000)) * time.Microsecond)
	begin := time.Now()
	err := db.Close()
	took = time.Since(begin)
	for tries := 0; errors.Is(err, engine.ErrBusy) && tries < 100; tries++ {
		err = db.Close() // on a slow machine
	}
	if err != nil {
		t.Errorf("Close: %v", err)
	}
	waitOrDie(t, &wg)
	db = openDir(t, dir, &engine.Options{ReadOnly: true})
	defer db.Close()
	there := rowsOf(t, db)
	for w := range written {
		for key := range written[w] {
			if _, ok := there[key]; !ok {
				t.Errorf("%s was acknowledged and is not there", key)
			}
			delete(there, key)
		}
		delete(there, doubtful[w])
	}
	for key := range there {
		t.Errorf("%s was never acknowledged and is there", key)
	}
	return took
}

// expectClosed wants the answer of a call that Close has let out.
func expectClosed(t *testing.T, what string, err error) {
	t.Helper()
	if err != engine.ErrClosed {
		t.Errorf("%s: %v", what, err)
	}
}
