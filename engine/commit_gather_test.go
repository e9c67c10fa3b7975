package engine_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// With Gather, goroutines that are ready at once are written together even where one processor runs them one after the other, and
// a commit in C keeps none of them waiting; without, each is a write of its own. In both everything is there.
func TestGatherWritesTogetherWhoIsReady(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const writers, rounds = 32, 20
	for mode, gathers := range map[engine.CommitMode]bool{engine.CommitGrouped: true, engine.CommitPipelined: true, engine.CommitAlone: false} {
		groups := func(o *engine.WriteOptions) uint64 {
			db := openTemp(t, &engine.Options{Commit: mode})
			for round := range rounds {
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						if err := db.Put(fmt.Appendf(nil, "%d/%d", round, w), nil, o); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
			}
			if n, _, _, err := engine.Count(nil, db, nil); err != nil || n != writers*rounds {
				t.Errorf("%d rows, %v", n, err)
			}
			m := metricsOf(t, db).Commits
			if m.Commits != writers*rounds {
				t.Errorf("%d commits were counted", m.Commits)
			}
			return m.Groups
		}
		// One round may be interrupted by the scheduler, or by a goroutine of RocksDB's callbacks.
		alone, together := groups(nil), groups(&engine.WriteOptions{Gather: true})
		if alone < writers*rounds/2 {
			t.Errorf("mode %v: without Gather %d commits go in %d writes", mode, writers*rounds, alone)
		}
		if gathers != (together < writers*rounds/8) {
			t.Errorf("mode %v: with Gather %d commits go in %d writes", mode, writers*rounds, together)
		}
	}
}
