package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Who leaves a checkpoint leaves no directory behind and no goroutine, as soon as RocksDB has ended it; the same
// directory will do for the next one.
func TestACheckpointThatWasLeftLeavesNothingBehind(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, nil)
		mustDo(t, db.Put([]byte("k"), valueOf(100_000), nil))
		above := t.TempDir()
		dir := filepath.Join(above, "copy")
		before := runtime.NumGoroutine()
		d.set(diskSyncDelay, held)
		ctx, cancel := context.WithCancel(t.Context())
		answer := begin(func() error { return db.Checkpoint(ctx, dir) })
		d.await(t, diskSyncsWaiting, 1)
		gone, err := leaveAt(t, cancel, answer)
		expectError(t, "Checkpoint", err, context.Canceled)
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("there is a checkpoint: %v", err)
		}
		// Whoever reads and writes meanwhile is not in its way.
		mustDo(t, db.Put([]byte("l"), nil, nil))
		_, err = db.Get([]byte("k"), nil)
		mustDo(t, err)
		d.set(diskSyncDelay, 0)
		since := time.Now()
		for runtime.NumGoroutine() > before {
			if time.Since(since) > time.Minute {
				t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
			}
			time.Sleep(time.Millisecond)
		}
		t.Logf("the caller left after %v, all was gone after %v", gone.Round(time.Microsecond), time.Since(since).Round(time.Microsecond))
		expectEmpty(t, above)
		mustDo(t, db.Checkpoint(t.Context(), dir))
		copied := openDir(t, dir, &engine.Options{ErrorIfMissing: true})
		expectRows(t, "the next checkpoint", copied, map[string]string{"k": string(valueOf(100_000)), "l": ""})
		mustDo(t, copied.Close())
	})
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("there is still %v; %v", left, err)
	}
}

// Close waits for a checkpoint that its caller has left, and for what RocksDB itself has in hand.
func TestCloseWaitsForACheckpointThatWasLeft(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, nil)
		engine.SetCloseTimeout(db, 100*time.Millisecond)
		mustDo(t, db.Put([]byte("k"), valueOf(100_000), nil))
		above := t.TempDir()
		d.set(diskSyncDelay, held)
		ctx, cancel := context.WithCancel(t.Context())
		answer := begin(func() error { return db.Checkpoint(ctx, filepath.Join(above, "copy")) })
		d.await(t, diskSyncsWaiting, 1)
		_, err := leaveAt(t, cancel, answer)
		expectError(t, "Checkpoint", err, context.Canceled)
		closed := begin(db.Close)
		time.Sleep(300 * time.Millisecond)
		d.set(diskSyncDelay, 0)
		if err := awaitAnswer(t, "Close", closed); errors.Is(err, engine.ErrBusy) {
			engine.SetCloseTimeout(db, time.Minute)
			mustDo(t, db.Close())
		} else if err != nil {
			t.Errorf("Close: %v", err)
		}
		expectEmpty(t, above)
	})
}
