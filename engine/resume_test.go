package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A flush that finds no space leaves a database that takes no commits. Resume answers why as long as there is none, and
// then the flush is made and commits are taken, without an opening; nothing else brings that about.
func TestResumeAfterABackgroundError(t *testing.T) {
	needs(t, engine.Resume)
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, &engine.Options{Events: 10_000, ManualRecovery: true})
		if err := db.Resume(t.Context()); err != nil {
			t.Errorf("without an error: %v", err)
		}
		if err := db.Put([]byte("before"), []byte("v"), nil); err != nil {
			t.Fatal(err)
		}
		d.set(diskWriteErrno, uint64(syscall.ENOSPC))
		expectError(t, "Flush", db.Flush(), engine.ErrNoSpace)
		e := awaitEvent(t, db, func(e engine.Event) bool { return e.Kind == engine.BackgroundError })
		expectError(t, "the event", e.Err, engine.ErrNoSpace)
		if !strings.HasPrefix(e.Reason, "flush") {
			t.Errorf("%+v", e)
		}
		expectError(t, "Put", db.Put([]byte("during"), nil, nil), engine.ErrNoSpace)
		expectError(t, "Resume", db.Resume(t.Context()), engine.ErrNoSpace)
		d.letGo()
		expectError(t, "Health without Resume", db.Health(), engine.ErrNoSpace)
		if err := db.Resume(t.Context()); err != nil {
			t.Fatalf("Resume: %v", err)
		}
		if err := errors.Join(db.Health(), db.Put([]byte("after"), []byte("v"), engine.Sync), db.Flush()); err != nil {
			t.Errorf("after Resume: %v", err)
		}
		awaitEvent(t, db, func(e engine.Event) bool { return e.Kind == engine.RecoveryEnded && e.Err == nil })
		for _, key := range []string{"before", "after"} {
			if _, err := db.Get([]byte(key), nil); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
}

// What RocksDB takes for fatal stays, and Resume says so.
func TestResumeAnswersWhatItCannotMend(t *testing.T) {
	needs(t, engine.Resume)
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, nil)
		if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
			t.Fatal(err)
		}
		d.set(diskWriteErrno, uint64(syscall.EIO))
		expectError(t, "Flush", db.Flush(), engine.ErrIO)
		d.letGo()
		expectError(t, "Resume", db.Resume(t.Context()), engine.ErrIO)
		expectError(t, "Put", db.Put([]byte("k"), nil, nil), engine.ErrIO)
	})
}

// After a failed sync of the log RocksDB is not even asked.
func TestResumeDoesNotMendAFailedSync(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, nil)
		d.set(diskSyncFailErrno, uint64(syscall.EIO))
		d.set(diskSyncFailCount, 1)
		d.set(diskSyncFailFrom, d.get(diskLogSyncs)+1)
		expectError(t, "Put", db.Put([]byte("k"), nil, engine.Sync), engine.ErrSyncFailed)
		d.letGo()
		expectError(t, "Resume", db.Resume(t.Context()), engine.ErrSyncFailed)
		expectError(t, "Put", db.Put([]byte("k"), nil, nil), engine.ErrSyncFailed)
	})
}

func TestResumeNeedsTheTag(t *testing.T) {
	if engine.Supports(engine.Resume) {
		if err := engine.CXX(); err != nil {
			t.Error(err)
		}
		return
	}
	_, refused := engine.Open(t.TempDir()+"/db", &engine.Options{ManualRecovery: true})
	for _, err := range []error{openTemp(t, nil).Resume(t.Context()), engine.CXX(), refused} {
		expectError(t, "Resume", err, engine.ErrUnsupported, errors.ErrUnsupported)
		if !strings.Contains(fmt.Sprint(err), "rb_cxx") {
			t.Error(err)
		}
	}
}

// A compaction that meets a damaged file says so. Without the tag there is only a background error to see.
func TestCompactTellsOfADamagedFile(t *testing.T) {
	dir := t.TempDir() + "/db"
	o := &engine.Options{Extra: "disable_auto_compactions=true;compression=kNoCompression"}
	db := openDir(t, dir, o)
	for range 2 {
		for i := range 100 {
			if err := db.Put(fmt.Appendf(nil, "%03d", i), bytes.Repeat([]byte("v"), 100), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	table, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	table[1000] ^= 1
	if err := os.WriteFile(files[0], table, 0o600); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, o)
	defer db.Close()
	err = db.Compact(t.Context(), nil, nil)
	if engine.Supports(engine.CompactStatus) {
		expectError(t, "Compact", err, engine.ErrCorruption)
		expectError(t, "Compact again", db.Compact(t.Context(), nil, nil), engine.ErrCorruption)
	} else {
		expectError(t, "Compact", err, engine.ErrIO)
	}
}
