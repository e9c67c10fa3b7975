package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Asking for the health changes nothing: no row, no sequence number, and the log can be read again.
func TestHealthOfASoundDatabaseIsNil(t *testing.T) {
	dir := t.TempDir()
	db, err := engine.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := db.LatestSequence()
	for range 10 {
		if err := db.Health(); err != nil {
			t.Fatal(err)
		}
	}
	if n := db.LatestSequence(); n != before {
		t.Errorf("the sequence number went from %d to %d", before, n)
	}
	if err := errors.Join(db.Put([]byte("k"), []byte("v"), nil), db.Health(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := db.Health(); err != engine.ErrClosed {
		t.Errorf("closed: %v", err)
	}
	db, err = engine.Open(dir, &engine.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	expectRows(t, "after the reopen", db, map[string]string{"k": "v"})
	if err := db.Health(); err != nil {
		t.Errorf("open for reading: %v", err)
	}
}

// A stall is no illness, and Health does not wait for its end.
func TestHealthInAStallIsNil(t *testing.T) {
	db := openTemp(t, stalled)
	stopWrites(t, db)
	if err := db.Health(); err != nil {
		t.Error(err)
	}
}

// stopWrites writes until writes are stopped for good.
func stopWrites(t *testing.T, db *engine.DB) {
	t.Helper()
	o := &engine.WriteOptions{NoSlowdown: true}
	for begin := time.Now(); db.Put([]byte("fill"), valueOf(1000), o) == nil || !stoppedForGood(t, db); {
		if time.Since(begin) > time.Minute {
			t.Fatal("writes are not stopped")
		}
	}
}

// Close lets a write out that waits in a stall, and those that wait behind it, and writes none of them.
func TestCloseEndsAStall(t *testing.T) {
	for name, mode := range commitModes {
		if testing.Short() && mode != engine.CommitGrouped {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := *stalled
			o.Commit = mode
			db, err := engine.Open(dir, &o)
			if err != nil {
				t.Fatal(err)
			}
			engine.SetCloseTimeout(db, 2*time.Second)
			stopWrites(t, db)
			results := make(chan error, 100)
			for range cap(results) {
				go func() { results <- db.Put([]byte("waits"), nil, nil) }()
			}
			time.Sleep(50 * time.Millisecond)
			if err := db.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			for range cap(results) {
				if err := <-results; err != engine.ErrClosed {
					t.Errorf("a write that waited: %v", err)
				}
			}
			if db, err = engine.Open(dir, &engine.Options{ReadOnly: true}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if there, err := db.Has([]byte("waits"), nil); there || err != nil {
				t.Errorf("a write that answered ErrClosed is there: %v, %v", there, err)
			}
		})
	}
}

// commitModes are all modes by name.
var commitModes = map[string]engine.CommitMode{
	"pipelined": engine.CommitPipelined, "grouped": engine.CommitGrouped, "alone": engine.CommitAlone,
}
