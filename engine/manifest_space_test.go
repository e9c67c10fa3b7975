package engine_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// manifestCall is a call that writes the manifest; table is a file that can be ingested.
type manifestCall func(db *engine.DB, c *engine.ColumnFamily, table string) error

// A call that writes the manifest finds no space for it twice, and so does a write then. RocksDB recovers from the write's
// error, before 8.7 with assertions only if files were not deleted meanwhile, and deletes files again afterwards.
func TestARefusedManifestEndsNoProcessAndKeepsNoFiles(t *testing.T) {
	for name, call := range map[string]manifestCall{
		"create a family": func(db *engine.DB, _ *engine.ColumnFamily, _ string) error {
			_, err := db.CreateColumnFamily("new", nil)
			return err
		},
		"drop a family": func(db *engine.DB, c *engine.ColumnFamily, _ string) error { return db.DropColumnFamily(c) },
		"set options": func(_ *engine.DB, c *engine.ColumnFamily, _ string) error {
			return c.SetOptions(map[string]string{"disable_auto_compactions": "true"})
		},
		"delete files": func(_ *engine.DB, c *engine.ColumnFamily, _ string) error { return c.DeleteFilesInRange(nil, nil) },
		"ingest": func(_ *engine.DB, c *engine.ColumnFamily, table string) error {
			return c.Ingest(nil, []string{table}, &engine.IngestOptions{Move: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var after error
			if name == "ingest" {
				after = engine.ErrAborted
			}
			onSlowDisk(t, func(t *testing.T, d slowDisk) { refuseManifest(t, d, call, after) })
		})
	}
}

func refuseManifest(t *testing.T, d slowDisk, call manifestCall, after error) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	other, err := db.ColumnFamily("other")
	mustDo(t, err)
	mustDo(t, errors.Join(other.Put([]byte("k"), []byte("v"), nil), other.Compact(nil, nil, nil), db.Put([]byte("k"), nil, nil)))
	expect := func(what string, errno syscall.Errno, want error) error {
		table := filepath.Join(t.TempDir(), "table.sst")
		w, err := engine.NewSSTWriter(table, nil)
		mustDo(t, err)
		mustDo(t, w.Put([]byte("a"), []byte("b")))
		_, err = w.Finish()
		mustDo(t, err)
		d.set(diskWriteErrno, uint64(errno))
		err = call(db, other, table)
		d.set(diskWriteErrno, 0)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		return err
	}
	begin := time.Now()
	for i := range 2 { // the second time RocksDB takes no commits, and is not asked to begin a manifest
		err := expect("without space", syscall.ENOSPC, engine.ErrNoSpace)
		begun := err != nil && strings.Contains(err.Error(), "MANIFEST")
		// It looks for space every five seconds; and where commits are refused in the same words, they tell nothing.
		unclear := time.Since(begin) > 4*time.Second || i == 1 && db.Health() != nil && strings.Contains(db.Health().Error(), "MANIFEST")
		if engine.Supports(engine.AdaptiveReadAhead) && err != nil && strings.Contains(err.Error(), "persist options") {
			unclear = true // 11.8 writes OPTIONS first
		}
		if begun != (i == 0) && !unclear {
			t.Errorf("time %d: %v", i, err)
		}
	}
	if !untilWritten(t, db) {
		return
	}
	mustDo(t, other.SetOptions(map[string]string{"max_compaction_bytes": "1000000"}))
	expectDeletions(t, "when the manifest could be written again", db)
	d.set(diskWriteErrno, uint64(syscall.ENOSPC))
	if err := db.Put([]byte("k"), []byte("v"), nil); !errors.Is(err, engine.ErrNoSpace) && !errors.Is(err, engine.ErrSyncFailed) {
		t.Errorf("Put without space: %v", err)
	}
	d.set(diskWriteErrno, 0)
	if !untilWritten(t, db) {
		return
	}
	expect("with space", 0, after)
	expectDeletions(t, "after all", db)
}

// untilWritten puts a row as soon as the database takes one. Before 9.4 there is none if a write met the full disk
// with all memtables empty, which a recovery may leave: TestAFullDiskUnderEmptyMemtablesEndsNoProcess.
func untilWritten(t *testing.T, db *engine.DB) bool {
	t.Helper()
	for begin := time.Now(); db.Put([]byte("k"), []byte("v"), nil) != nil; time.Sleep(10 * time.Millisecond) {
		if errors.Is(db.Health(), engine.ErrSyncFailed) && !atLeast(t, engine.Version(), "9.4") {
			return false
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("a minute after there was space: %v", db.Health())
		}
	}
	return true
}

// expectDeletions gives a call that holds deletions a moment: on a busy machine two of 64 runs found them off here, and on
// afterwards. Whose hold that is, nobody has seen; SetOptions that are set once more take one. One that is never given back fails.
func expectDeletions(t *testing.T, when string, db *engine.DB) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		on, err := db.PropertyInt("rocksdb.is-file-deletions-enabled")
		if err == nil && on == 1 {
			return
		}
		if err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("%s files are not deleted: %d, %v", when, on, err)
			return
		}
	}
}
