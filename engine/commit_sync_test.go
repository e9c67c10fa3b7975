package engine_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// syncFailure is one way in which syncs of the log fail.
type syncFailure struct {
	code  syscall.Errno
	times uint64
}

var syncFailures = map[string]syncFailure{
	"once": {syscall.EIO, 1}, "for ever": {syscall.EIO, 1 << 60}, "no space": {syscall.ENOSPC, 1},
}

const syncCommitters = 64

// After a sync has failed, nobody who waited for it and nobody later is told that a commit has succeeded, until
// the database is opened again: what was acknowledged before is there then.
func TestAFailedSyncFailsEveryLaterCommit(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(syncFailures)) {
		t.Run(name, func(t *testing.T) {
			inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
				if testing.Short() && name != "once" && mode != engine.CommitPipelined {
					t.Skip("with -short, in one mode")
				}
				onSlowDisk(t, func(t *testing.T, d slowDisk) { failSync(t, d, mode, syncFailures[name]) })
			})
		})
	}
}

func failSync(t *testing.T, d slowDisk, mode engine.CommitMode, f syncFailure) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{
		FamilyOptions: adding, Families: map[string]engine.FamilyOptions{"other": adding}, Commit: mode,
	}
	db := openDir(t, dir, o)
	defer db.Close()
	d.set(diskSyncFailErrno, uint64(f.code))
	d.set(diskSyncFailCount, f.times)
	d.set(diskSyncFailFrom, d.get(diskLogSyncs)+10)
	acked := make([]map[string]string, syncCommitters)
	var wg sync.WaitGroup
	for w := range acked {
		acked[w] = map[string]string{}
		wg.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d/%d", w, n)
				if err := db.Put([]byte(key), []byte(key), engine.Sync); err != nil {
					expectError(t, "put", err, engine.ErrSyncFailed, engine.ErrIO)
					return
				}
				acked[w][key] = key
			}
		})
	}
	waitOrDie(t, &wg)
	if d.get(diskFailed) == 0 {
		t.Error("no sync has failed")
	}
	expectFailedSync(t, db)
	all := map[string]string{}
	for _, rows := range acked {
		maps.Copy(all, rows)
	}
	expectThere(t, "after the failure", db, all)
	if err := db.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	d.set(diskSyncFailFrom, 0)
	db = openDir(t, dir, o)
	defer db.Close()
	expectThere(t, "opened again", db, all)
	mustDo(t, db.Health(), db.Put([]byte("again"), nil, engine.Sync))
	t.Logf("%d commits were acknowledged before the failure", len(all))
}

// waitOrDie waits for the goroutines of a test, but not for ever.
func waitOrDie(t *testing.T, wg *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		panic("somebody waits for ever")
	}
}

// expectThere wants rows to be there, and does not mind others.
func expectThere(t *testing.T, what string, r engine.Reader, rows map[string]string) {
	t.Helper()
	for _, lost := range lostOf(t, r, rows) {
		t.Errorf("%s: %s", what, lost)
	}
}

// lostOf tells which rows are not there as they were acknowledged.
func lostOf(t *testing.T, r engine.Reader, rows map[string]string) (lost []string) {
	t.Helper()
	got := rowsOf(t, r)
	for k, v := range rows {
		if g, ok := got[k]; !ok || g != v {
			lost = append(lost, fmt.Sprintf("%q was acknowledged and is %q (there: %v)", k, g, ok))
		}
	}
	return lost
}

// expectFailedSync makes every kind of commit after a sync has failed.
func expectFailedSync(t *testing.T, db *engine.DB) {
	t.Helper()
	expectError(t, "Health", db.Health(), engine.ErrSyncFailed)
	other, err := db.ColumnFamily("other")
	mustDo(t, err)
	ended, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for how, o := range map[string]*engine.WriteOptions{
		"plain": nil, "synced": engine.Sync, "no log": {DisableWAL: true}, "no slowdown": {NoSlowdown: true},
		"low priority": {LowPriority: true}, "with a context": {Context: ended, Sync: true},
	} {
		for _, w := range []singleWriter{db, other} {
			for op, err := range everyWrite(w, o) {
				expectError(t, how+" "+op, err, engine.ErrSyncFailed, engine.ErrIO)
			}
		}
		b := db.NewBatch()
		b.In(other).Put([]byte("refused"), nil)
		expectError(t, how+" batch", db.Write(b, o), engine.ErrSyncFailed)
		x, err := db.NewIndexedBatch()
		mustDo(t, err, x.Put([]byte("refused"), nil))
		expectError(t, how+" indexed batch", x.Commit(o), engine.ErrSyncFailed)
		mustDo(t, x.Close())
	}
	expectError(t, "SyncWAL", db.SyncWAL(), engine.ErrSyncFailed)
	for _, r := range []engine.Reader{db, other} {
		if _, err := r.Get([]byte("refused"), nil); err != engine.ErrNotFound {
			t.Errorf("a refused commit is there: %v", err)
		}
	}
	expectError(t, "Health", db.Health(), engine.ErrSyncFailed)
}

// Everybody whose commit a sync covered is told of its failure, also who only waited for it.
func TestEverybodyWhomASyncCoveredLearnsOfItsFailure(t *testing.T) {
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		onSlowDisk(t, func(t *testing.T, d slowDisk) {
			db := openTemp(t, &engine.Options{Commit: mode})
			mustDo(t, db.Put([]byte("first"), nil, engine.Sync))
			d.set(diskLogSyncDelay, held)
			d.set(diskSyncFailErrno, uint64(syscall.EIO))
			d.set(diskSyncFailCount, 1)
			d.set(diskSyncFailFrom, d.get(diskLogSyncs)+2)
			errs := make(chan error, syncCommitters+1)
			// The first sync holds; what comes meanwhile is covered by the second one, which fails.
			go func() { errs <- db.Put([]byte("lone"), nil, engine.Sync) }()
			d.await(t, diskSyncsWaiting, 1)
			var wg sync.WaitGroup
			for i := range syncCommitters {
				wg.Go(func() { errs <- db.Put(fmt.Appendf(nil, "%d", i), nil, engine.Sync) })
			}
			time.Sleep(100 * time.Millisecond)
			d.set(diskLogSyncDelay, 0)
			waitOrDie(t, &wg)
			ok := 0
			for range syncCommitters + 1 {
				if err := <-errs; err == nil {
					ok++
				} else {
					expectError(t, "put", err, engine.ErrSyncFailed)
				}
			}
			// Alone, RocksDB decides whom the first sync covers.
			if mode != engine.CommitAlone && ok != 1 {
				t.Errorf("%d commits succeeded, one was synced", ok)
			}
			expectError(t, "Health", db.Health(), engine.ErrSyncFailed)
		})
	})
}

// A sync asked for by itself fails the commits after it too.
func TestAFailedSyncWALFailsEveryLaterCommit(t *testing.T) {
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		onSlowDisk(t, func(t *testing.T, d slowDisk) {
			db := openTemp(t, &engine.Options{
				FamilyOptions: adding, Families: map[string]engine.FamilyOptions{"other": adding}, Commit: mode,
			})
			mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Health())
			d.set(diskSyncFailErrno, uint64(syscall.EIO))
			d.set(diskSyncFailCount, 1)
			d.set(diskSyncFailFrom, d.get(diskLogSyncs)+1)
			expectError(t, "SyncWAL", db.SyncWAL(), engine.ErrSyncFailed)
			expectFailedSync(t, db)
			expectThere(t, "unsynced", db, map[string]string{"k": "v"})
		})
	})
}
