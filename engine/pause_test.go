package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var pauseSeed = flag.Uint64("pause.seed", 0, "seed of the calls beside pauses; 0: a new one")

func paused(t *testing.T, db *engine.DB) *engine.BackgroundPause {
	t.Helper()
	needs(t, engine.PauseBackground)
	p, err := db.PauseBackground(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What would wait for RocksDB's threads, for ever as far as they are concerned, answers ErrBusy; the rest goes on.
func TestPauseRefusesWhatWouldWaitForItsEnd(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	c, err := db.ColumnFamily("default")
	mustDo(t, err, db.Put([]byte("a"), []byte("1"), nil), db.Flush(), db.Put([]byte("b"), []byte("2"), nil))
	table := filepath.Join(t.TempDir(), "x.sst")
	w, err := engine.NewSSTWriter(table, nil)
	mustDo(t, err, w.Put([]byte("b"), []byte("3")))
	_, err = w.Finish()
	mustDo(t, err)
	backups, err := engine.OpenBackups(t.TempDir(), nil)
	mustDo(t, err)
	defer backups.Close()

	one, two := paused(t, db), paused(t, db)
	waits := map[string]func() error{
		"Flush":      db.Flush,
		"family's":   c.Flush,
		"Compact":    func() error { return db.Compact(t.Context(), nil, nil) },
		"Checkpoint": func() error { return db.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "x")) },
		"Ingest":     func() error { return db.Ingest(t.Context(), []string{table}, nil) },
		"BulkLoad": func() error {
			_, err := engine.BulkLoad(t.Context(), c, func(yield func(k, v []byte) bool) { yield([]byte("z"), nil) }, nil)
			return err
		},
		"ExportFiles": func() error {
			return orUnsupported(engine.FamilyFiles, c.ExportFiles(t.Context(), filepath.Join(t.TempDir(), "x")))
		},
		"Resume":         func() error { return db.Resume(t.Context()) },
		"WaitForCompact": func() error { return db.WaitForCompact(nil) },
		"a backup": func() error {
			_, err := backups.Create(t.Context(), db, &engine.BackupOptions{Flush: true})
			return err
		},
	}
	for what, f := range waits {
		if err := f(); !errors.Is(err, engine.ErrBusy) && !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", what, err, engine.ErrBusy)
		}
	}
	_, err = backups.Create(t.Context(), db, nil)
	mustDo(t, err, db.Put([]byte("c"), []byte("4"), engine.Sync), db.SyncWAL(), db.Health())
	expectError(t, "Ingest without a flush", db.Ingest(t.Context(), []string{table}, &engine.IngestOptions{NoFlush: true}), engine.ErrWouldBlock)
	f, err := db.CreateColumnFamily("f", nil)
	mustDo(t, err, f.SetOptions(map[string]string{"write_buffer_size": "1000000"}), db.DropColumnFamily(f))
	expectRows(t, "meanwhile", db, map[string]string{"a": "1", "b": "2", "c": "4"})

	mustDo(t, one.Continue(), one.Continue())
	expectError(t, "under the other", db.Flush(), engine.ErrBusy)
	mustDo(t, two.Continue(), db.Flush(), db.Ingest(t.Context(), []string{table}, nil), db.Compact(t.Context(), nil, nil))
	expectRows(t, "afterwards", db, map[string]string{"a": "1", "b": "3", "c": "4"})
}

func TestPauseLetsChosenFilesBeCompacted(t *testing.T) {
	needs(t, engine.CompactFiles)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	for i := range 3 {
		fillFile(t, db, 10*i, 15)
	}
	rows := rowsOf(t, db)
	p := paused(t, db)
	mustDo(t, db.CompactFiles(t.Context(), tableNames(tablesOf(t, db, "default")), 1, nil))
	mustDo(t, p.Continue())
	expectRows(t, "afterwards", db, rows)
}

// RocksDB flushes nothing while it is paused, so that writers wait; the end of the pause lets them go.
func TestPauseKeepsTheFilesAsTheyAre(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	fillFile(t, db, 0, 10)
	p := paused(t, db)
	before := tableNames(tablesOf(t, db, "default"))
	value := make([]byte, 4<<10)
	written := make(chan error, 1)
	go func() {
		for i := range 200 { // more than the memtables hold
			if err := db.Put(fmt.Appendf(nil, "x%d", i), value, nil); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for stalled := false; !stalled; { // the writer stands
		m, err := db.Metrics()
		mustDo(t, err)
		stalled = m.Stalls.Stopped || len(written) > 0
		time.Sleep(time.Millisecond)
	}
	if len(written) > 0 {
		t.Fatalf("the writer did not stall: %v", <-written)
	}
	if now := tableNames(tablesOf(t, db, "default")); !slices.Equal(now, before) {
		t.Errorf("%v became %v", before, now)
	}
	mustDo(t, p.Continue(), <-written, db.Flush())
	if now := tableNames(tablesOf(t, db, "default")); slices.Equal(now, before) {
		t.Error("nothing was flushed afterwards")
	}
}

// Close ends pauses: rows that are in no log are flushed by it, and a writer that stands goes on or learns of it.
func TestPauseEndsWithClose(t *testing.T) {
	needs(t, engine.PauseBackground)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	mustDo(t, db.Put([]byte("unlogged"), []byte("v"), &engine.WriteOptions{DisableWAL: true}))
	p := paused(t, db)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 100 {
				err := db.Put(fmt.Appendf(nil, "%d %d", w, i), make([]byte, 4<<10), nil)
				if err != nil {
					expectError(t, "Put", err, engine.ErrClosed)
					return
				}
			}
		})
	}
	mustDo(t, db.Close())
	writers.Wait()
	expectError(t, "Continue after Close", p.Continue(), engine.ErrClosed)
	db = openDir(t, dir, nil)
	defer db.Close()
	_, err := db.Get([]byte("unlogged"), nil)
	mustDo(t, err)
}

func TestPauseWaitsForCallsAndEndsWithItsContext(t *testing.T) {
	needs(t, engine.PauseBackground)
	db := openTemp(t, nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.PauseBackground(ended)
	expectError(t, "a context that has ended", err, context.Canceled)
	mustDo(t, db.Put([]byte("k"), nil, nil), db.Flush()) // and it left no pause
}

// lostPause leaves a pause to the garbage collector.
//
//go:noinline
func lostPause(t *testing.T, db *engine.DB) { _ = paused(t, db) }

func TestPauseThatIsGarbageIsEndedAndReported(t *testing.T) {
	needs(t, engine.PauseBackground)
	said := &heard{}
	db := openTemp(t, &engine.Options{Logger: slog.New(said)})
	lostPause(t, db)
	collectUntil(t, "the end of the pause", func() bool { return !errors.Is(db.Flush(), engine.ErrBusy) })
	lines := said.with(garbage)
	if len(lines) != 1 || lines[0].attrs["kind"].String() != "pause" {
		t.Errorf("%v", lines)
	}
}

// Calls of all kinds beside pauses that come and go: each ends, with nil or ErrBusy, and no row is lost.
func TestPausesBesideAllCallsEnd(t *testing.T) {
	needs(t, engine.PauseBackground)
	r, seed := seededRand(t, "pause.seed", *pauseSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	rounds := 60
	if testing.Short() {
		rounds = 25
	}
	var all sync.WaitGroup
	for g := range 6 {
		choices := make([]int, rounds)
		for i := range choices {
			choices[i] = r.IntN(8)
		}
		all.Go(func() {
			for i, choice := range choices {
				var err error
				switch choice {
				case 0, 1:
					var p *engine.BackgroundPause
					if p, err = db.PauseBackground(t.Context()); err == nil {
						runtime.Gosched()
						err = p.Continue()
					}
				case 2:
					err = db.Compact(t.Context(), nil, nil)
				case 3:
					err = db.Flush()
				default:
					err = db.Put(fmt.Appendf(nil, "%d %d", g, i), make([]byte, 2<<10), nil)
				}
				if err != nil && !errors.Is(err, engine.ErrBusy) {
					t.Errorf("seed %d: choice %d: %v", seed, choice, err)
				}
			}
		})
	}
	all.Wait()
	mustDo(t, db.Flush())
}

func TestPauseSaysWhatItNeeds(t *testing.T) {
	if engine.Supports(engine.PauseBackground) {
		t.Skip("it is there")
	}
	_, err := openTemp(t, nil).PauseBackground(t.Context())
	expectError(t, "without it", err, engine.ErrUnsupported, errors.ErrUnsupported)
	if !strings.Contains(err.Error(), "11.6") || !strings.Contains(err.Error(), "rb_cxx") {
		t.Error(err)
	}
}
