package engine_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Each word of the slow disk does what it says: tests that rely on one would otherwise show nothing.
func TestTheSlowDiskObeys(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, nil)
		before := d.get(diskLogSyncs)
		mustDo(t, db.Put([]byte("k"), valueOf(10_000), engine.Sync))
		if n := d.get(diskLogSyncs) - before; n != 1 {
			t.Errorf("%d syncs of the log for a synced write", n)
		}
		before = d.get(diskSyncs)
		mustDo(t, db.Flush())
		if d.get(diskSyncs) == before {
			t.Error("a flush synced no file")
		}
		if d.get(diskWrites) == 0 {
			t.Error("no writes")
		}
		reads := d.get(diskReads)
		expectHeld(t, d, diskReadDelay, diskReadsWaiting, func() error {
			_, err := db.Get([]byte("k"), &engine.ReadOptions{NoFillCache: true})
			return err
		})
		if d.get(diskReads) == reads {
			t.Error("no reads")
		}
		expectHeld(t, d, diskLogSyncDelay, diskSyncsWaiting, func() error { return db.Put([]byte("l"), nil, engine.Sync) })
		expectHeld(t, d, diskSyncDelay, diskSyncsWaiting, db.Flush)
	})
}

// expectHeld has call wait on the disk, which then lets it go.
func expectHeld(t *testing.T, d slowDisk, delay, waiting int, call func() error) {
	t.Helper()
	d.set(delay, held)
	done := make(chan error, 1)
	go func() { done <- call() }()
	d.await(t, waiting, 1)
	time.Sleep(20 * time.Millisecond)
	if len(done) != 0 {
		t.Errorf("word %d does not hold the call", delay)
	}
	d.set(delay, 0)
	if err := <-done; err != nil {
		t.Errorf("word %d: %v", delay, err)
	}
}

func TestTheSlowDiskFails(t *testing.T) {
	for _, code := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		t.Run(fmt.Sprint(uintptr(code)), func(t *testing.T) {
			onSlowDisk(t, func(t *testing.T, d slowDisk) {
				db := openTemp(t, nil)
				mustDo(t, db.Put([]byte("k"), nil, engine.Sync))
				d.set(diskSyncFailErrno, uint64(code))
				d.set(diskSyncFailCount, 1)
				d.set(diskSyncFailFrom, d.get(diskLogSyncs)+2)
				mustDo(t, db.Put([]byte("k"), nil, engine.Sync))
				if err := db.Put([]byte("k"), nil, engine.Sync); !errors.Is(err, engine.ErrIO) || d.get(diskFailed) != 1 {
					t.Errorf("a sync that fails: %v, %d failed", err, d.get(diskFailed))
				}
			})
		})
	}
	t.Run("writes", func(t *testing.T) {
		onSlowDisk(t, func(t *testing.T, d slowDisk) {
			db := openTemp(t, nil)
			d.set(diskWriteErrno, uint64(syscall.ENOSPC))
			expectError(t, "a write that fails", db.Put([]byte("k"), nil, nil), engine.ErrNoSpace)
			d.set(diskWriteErrno, 0)
		})
	})
}
