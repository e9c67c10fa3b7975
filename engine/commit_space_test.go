package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// On a full disk commits fail; when there is space again they succeed, without anybody's doing, and nothing that was
// acknowledged is lost.
func TestLackOfSpaceRecoversByItself(t *testing.T) {
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		if testing.Short() && mode != engine.CommitGrouped {
			t.Skip("another mode takes 5 seconds more")
		}
		t.Parallel() // RocksDB looks every five seconds whether there is space
		onSlowDisk(t, func(t *testing.T, d slowDisk) { fillAndFree(t, d, mode) })
	})
}

func fillAndFree(t *testing.T, d slowDisk, mode engine.CommitMode) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{Commit: mode, Families: map[string]engine.FamilyOptions{"other": {}}}
	db := openDir(t, dir, o)
	defer db.Close()
	other, err := db.ColumnFamily("other")
	mustDo(t, err)
	// Before 9.4 lack of space that meets empty memtables does not pass: TestAFullDiskUnderEmptyMemtablesEndsNoProcess.
	mustDo(t, errors.Join(db.Put([]byte("before"), nil, nil), other.Put([]byte("before"), nil, nil)))
	const writers = 16
	var full, freed atomic.Bool
	var refused, after [writers]atomic.Int64
	acked := make([]map[string]string, writers)
	var wg sync.WaitGroup
	begin := time.Now()
	for w := range acked {
		acked[w] = map[string]string{}
		wg.Go(func() {
			for n := 0; after[w].Load() < 20; n++ {
				key := fmt.Sprintf("%d/%d", w, n)
				b := db.NewBatch()
				b.Put([]byte(key), []byte(key))
				b.In(other).Put([]byte(key), []byte(key))
				was := freed.Load()
				switch err := db.Write(b, &engine.WriteOptions{Sync: (w+n)%3 == 0}); {
				case err == nil:
					acked[w][key] = key
					if was {
						after[w].Add(1)
					}
				case !full.Load():
					t.Errorf("with space: %v", err)
					return
				case !errors.Is(err, engine.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC):
					t.Errorf("on a full disk: %v", err)
					return
				case time.Since(begin) > time.Minute:
					t.Errorf("a minute later still: %v", err)
					return
				default:
					refused[w].Add(1)
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	full.Store(true)
	d.set(diskWriteErrno, uint64(syscall.ENOSPC))
	for w := range refused {
		for refused[w].Load() < 3 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	}
	expectError(t, "Health", db.Health(), engine.ErrNoSpace)
	d.set(diskWriteErrno, 0)
	freed.Store(true)
	since := time.Now()
	waitOrDie(t, &wg)
	t.Logf("everybody could write again %v after there was space", time.Since(since).Round(time.Millisecond))
	mustDo(t, db.Health())
	all := map[string]string{}
	for _, rows := range acked {
		maps.Copy(all, rows)
	}
	ingestOnlyReopened(t, db, func() *engine.DB {
		mustDo(t, db.Close())
		db = openDir(t, dir, o)
		return db
	})
	for range 2 {
		for _, c := range db.ColumnFamilies() {
			expectThere(t, c.Name(), c, all)
		}
		mustDo(t, db.Close())
		db = openDir(t, dir, o)
	}
	mustDo(t, db.Close())
}

// ingestOnlyReopened looks that a database which has recovered takes no files: RocksDB would give each the number 0.
func ingestOnlyReopened(t *testing.T, db *engine.DB, reopen func() *engine.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.sst")
	w, err := engine.NewSSTWriter(path, nil)
	mustDo(t, err)
	defer w.Close()
	mustDo(t, w.Put([]byte("ingested"), nil))
	_, err = w.Finish()
	mustDo(t, err)
	expectError(t, "ingest after a recovery", db.Ingest(nil, []string{path}, nil), engine.ErrAborted)
	mustDo(t, reopen().Ingest(nil, []string{path}, nil))
}

// A database all of whose memtables are empty meets a full disk: RocksDB before 9.4 keeps the broken log, and would end the
// process at the next write. It is refused there until the database is opened again.
func TestAFullDiskUnderEmptyMemtablesEndsNoProcess(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		dir := filepath.Join(t.TempDir(), "db")
		db := openDir(t, dir, nil)
		mustDo(t, db.Put([]byte("k"), nil, nil), db.Flush())
		d.set(diskWriteErrno, uint64(syscall.ENOSPC))
		expectError(t, "put", db.Put([]byte("l"), nil, nil), engine.ErrNoSpace)
		d.set(diskWriteErrno, 0)
		for range 50 {
			if err := db.Put([]byte("l"), nil, nil); err != nil {
				expectError(t, "with space", err, engine.ErrIO)
			}
			if err := db.Health(); err != nil {
				expectError(t, "Health with space", err, engine.ErrIO)
			}
			time.Sleep(20 * time.Millisecond)
		}
		mustDo(t, db.Close())
		db = openDir(t, dir, nil)
		mustDo(t, db.Put([]byte("l"), nil, engine.Sync), db.Close())
	})
}
