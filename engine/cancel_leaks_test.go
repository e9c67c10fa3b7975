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
	"github.com/rockbridge-db/rockbridge/iterator"
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

const leakRows = 20_000

// cancelledScan cancels a scan after some looks at its context. The error tells what it left behind.
func cancelledScan(t *testing.T, db *engine.DB, looks int, scan func(context.Context, *engine.DB) (int, error)) (read int, _ error) {
	t.Helper()
	read, err := scan(&lookedAt{Context: t.Context(), left: looks, done: make(chan struct{})}, db)
	if !errors.Is(err, context.Canceled) || read >= leakRows {
		return read, fmt.Errorf("%d rows, %w", read, err)
	}
	if left := engine.Children(db); left != 0 {
		return read, fmt.Errorf("%d handles are left", left)
	}
	return read, nil
}

func openLeakRows(t *testing.T) *engine.DB {
	t.Helper()
	db := openDir(t, t.TempDir(), nil)
	b := db.NewBatch()
	for i := range leakRows {
		b.Put(fmt.Appendf(nil, "%06d", i), valueOf(100))
	}
	if err := errors.Join(db.Write(b, nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Scans that are cancelled in the middle, by the hundreds and in every way, leave no iterator, no snapshot and no
// goroutine behind.
func TestACancelledScanLeavesNothingBehind(t *testing.T) {
	scans := *cancelScans
	if testing.Short() {
		scans /= 5
	}
	r, seed := seededRand(t, "model.seed", *modelSeed)
	db := openLeakRows(t)
	names := slices.Sorted(maps.Keys(scanWays))
	goroutines := runtime.NumGoroutine()
	partial := 0
	for n := range scans {
		name, looks := names[n%len(names)], 12
		if strings.HasPrefix(name, "Count") {
			looks = 3 // C counts many rows between two looks
		}
		read, err := cancelledScan(t, db, 1+r.IntN(looks), scanWays[name])
		if err != nil {
			t.Fatalf("seed %d, scan %d, %s: %v", seed, n, name, err)
		}
		if read > 0 {
			partial++
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
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d scans, %d of them cancelled after rows", scans, partial)
}

func TestACancelledScanThatKeepsItsIteratorIsNoticed(t *testing.T) {
	db := openLeakRows(t)
	var kept *iterator.Iterator
	_, err := cancelledScan(t, db, 5, func(ctx context.Context, db *engine.DB) (n int, err error) {
		if kept, err = db.NewIter(&engine.IterOptions{Context: ctx}); err != nil {
			return 0, err
		}
		for kept.First(); kept.Valid(); kept.Next() {
			n++
		}
		return n, kept.Error()
	})
	if err == nil || !strings.Contains(err.Error(), "1 handles are left") {
		t.Errorf("an iterator that was kept: %v", err)
	}
	var leak *engine.LeakError
	if err := errors.Join(kept.Close(), db.Close()); errors.As(err, &leak) {
		t.Error(err)
	}
}
