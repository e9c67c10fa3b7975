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
			files, err := engine.NewMemoryFiles() // no write waits for a disk
			mustDo(t, err)
			db, err := engine.Open("db", &engine.Options{Commit: mode, InMemory: files})
			mustDo(t, err)
			defer func() { mustDo(t, db.Close(), files.Close()) }()
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
		// A call into C that takes long lets others run, and gather, in any case.
		alone, together := groups(nil), groups(&engine.WriteOptions{Gather: true})
		if gathers != (together < writers*rounds/8 && together < alone/2) {
			t.Errorf("mode %v: %d commits go in %d writes, with Gather in %d", mode, writers*rounds, alone, together)
		}
	}
}
