package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// wantSoakFails runs a mixed load with a fault planted in it in a process of its own, where it must fail with these words.
func wantSoakFails(t *testing.T, plant func(s *soak), words ...string) {
	t.Helper()
	if d, ok := slowDiskHere(t); ok {
		defer d.letGo()
		plant(newSoak(t, d))
		return
	}
	out, err := runOnSlowDisk(t)
	if err == nil {
		t.Errorf("the mixed load did not notice:\n%s", out.stdout)
	}
	for _, w := range append(words, "--- FAIL: "+t.Name()) {
		if !strings.Contains(out.stdout, w) {
			t.Errorf("no %q in:\n%s%s", w, out.stdout, out.head())
		}
	}
}

// A write that is counted as acknowledged and was never made is a row that is not as it was written.
func TestTheMixedLoadFindsAWriteThatWasNotMade(t *testing.T) {
	wantSoakFails(t, func(s *soak) {
		r, _ := seededRand(t, "soak.seed", *soakSeed)
		s.lies = 20
		s.begin(r)
		s.trouble(r)
		s.done.Store(true)
		waitOrDie(t, &s.wg)
		if err := s.db.Load().Close(); err != nil {
			t.Error(err)
		}
	}, "writer ", " and may be one of 1: ")
}

// Of what each round leaves open, iterators are found as handles, and goroutines as such. Nobody works beside it: what
// grows is what is planted.
func TestTheMixedLoadFindsWhatARoundLeavesOpen(t *testing.T) {
	wantSoakFails(t, func(s *soak) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range leastLevels + 4 {
			db := s.db.Load()
			for range 2 {
				it, err := db.NewIter(nil)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					<-ctx.Done()
					it.Close() // until then it is no garbage
				}()
			}
			s.level()
		}
		s.judge()
		var leak *engine.LeakError
		if err := s.db.Load().Close(); !errors.As(err, &leak) {
			t.Fatalf("Close over what is open: %v", err)
		}
	}, "it grows: goroutines: ", "; handles: ")
}
