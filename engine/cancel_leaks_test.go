package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var cancelScans = flag.Int("cancel.scans", 1000, "scans that are cancelled; a fifth with -short")

// lookedAt is a context that ends when it has been looked at so many times: in the middle of a scan, whatever the
// machine's speed.
type lookedAt struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (c *lookedAt) Done() <-chan struct{} { return c.done }

func (c *lookedAt) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	if c.left <= 0 {
		return context.Canceled
	}
	return nil
}

// Scans that are cancelled in the middle, by the hundreds and in every way, leave no iterator, no snapshot and no
// goroutine behind.
func TestACancelledScanLeavesNothingBehind(t *testing.T) {
	const rows = 20_000
	scans := *cancelScans
	if testing.Short() {
		scans /= 5
	}
	r, seed := seededRand(t, "model.seed", *modelSeed)
	db := openTemp(t, nil)
	b := db.NewBatch()
	for i := range rows {
		b.Put(fmt.Appendf(nil, "%06d", i), valueOf(100))
	}
	if err := errors.Join(db.Write(b, nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(scanWays))
	goroutines := runtime.NumGoroutine()
	partial := 0
	for n := range scans {
		name := names[n%len(names)]
		looks := 12
		if strings.HasPrefix(name, "Count") {
			looks = 3 // C counts many rows between two looks
		}
		ctx := &lookedAt{Context: t.Context(), left: 1 + r.IntN(looks), done: make(chan struct{})}
		read, err := scanWays[name](ctx, db)
		if !errors.Is(err, context.Canceled) || read >= rows {
			t.Fatalf("seed %d, scan %d, %s: %d rows, %v", seed, n, name, read, err)
		}
		if read > 0 {
			partial++
		}
		if left := engine.Children(db); left != 0 {
			t.Fatalf("seed %d, scan %d, %s: %d handles are left", seed, n, name, left)
		}
	}
	if partial < scans/4 {
		t.Errorf("seed %d: only %d of %d scans were cancelled after their first row", seed, partial, scans)
	}
	for kind, m := range metricsOf(t, db).Handles {
		if m.Open != 0 || m.Lost != 0 {
			t.Errorf("%s: %+v", kind, m)
		}
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines+2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("seed %d: %d goroutines, %d before", seed, runtime.NumGoroutine(), goroutines)
		}
	}
	t.Logf("%d scans, %d of them cancelled after rows", scans, partial)
}
