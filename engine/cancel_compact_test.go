package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// openUncompacted has families a and b, with files that a compaction has to read and merge, slowly.
func openUncompacted(t *testing.T, d slowDisk) (db *engine.DB, a, b *engine.ColumnFamily) {
	t.Helper()
	f := engine.FamilyOptions{Compression: engine.NoCompression, Extra: "disable_auto_compactions=true"}
	db = openTemp(t, &engine.Options{
		FamilyOptions: f, Families: map[string]engine.FamilyOptions{"a": f, "b": f}, BlockCacheSize: -1,
		Extra: "disable_auto_compactions=true;compaction_readahead_size=16384",
	})
	for name, c := range map[string]**engine.ColumnFamily{"a": &a, "b": &b} {
		var err error
		*c, err = db.ColumnFamily(name)
		mustDo(t, err)
		for range 2 {
			fillCold(t, db, *c, 15_000)
		}
	}
	d.set(diskReadDelay, 2000)
	return db, a, b
}

func expectLevelZero(t *testing.T, what string, c *engine.ColumnFamily, want string) {
	t.Helper()
	if n := property(t, c, levelZero); n != want {
		t.Errorf("%s: family %s has %s files on the first level, want %s", what, c.Name(), n, want)
	}
}

// begin makes a call in a goroutine of its own.
func begin(call func() error) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- call() }()
	return answer
}

// awaitAnswer waits for an answer, but not for ever.
func awaitAnswer(t *testing.T, what string, answer <-chan error) error {
	t.Helper()
	select {
	case err := <-answer:
		return err
	case <-time.After(time.Minute):
		panic(what + " does not end")
	}
}

// awaitNoCompaction waits until RocksDB compacts no more.
func awaitNoCompaction(t *testing.T, c *engine.ColumnFamily) {
	t.Helper()
	for begin := time.Now(); property(t, c, "rocksdb.num-running-compactions") != "0"; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("a compaction does not end")
		}
	}
}

// A compaction under way stops when its context ends: its caller leaves at once, RocksDB soon after.
func TestACompactionStopsWithItsContext(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db, a, _ := openUncompacted(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		answer := begin(func() error { return a.Compact(ctx, nil, nil) })
		d.await(t, diskReadsWaiting, 1)
		gone, err := leaveAt(t, cancel, answer)
		expectError(t, "Compact", err, context.Canceled)
		since := time.Now()
		awaitNoCompaction(t, a)
		t.Logf("the caller left after %v, RocksDB stopped after %v", gone.Round(time.Microsecond), time.Since(since).Round(time.Microsecond))
		expectLevelZero(t, "stopped", a, "2")
		d.set(diskReadDelay, 0)
		mustDo(t, a.Compact(nil, nil, nil), db.Close())
	})
}

// Of two compactions at the same time, the end of one's context leaves the other's work whole: of the one that
// runs, and of the one that waits for it.
func TestCancellingOneCompactionLeavesTheOtherWhole(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		for _, first := range []bool{true, false} {
			db, a, b := openUncompacted(t, d)
			ctxA, cancelA := context.WithCancel(t.Context())
			ctxB, cancelB := context.WithCancel(t.Context())
			answerA := begin(func() error { return a.Compact(ctxA, nil, nil) })
			d.await(t, diskReadsWaiting, 1)
			answerB := begin(func() error { return b.Compact(ctxB, nil, nil) })
			cancelled, whole := a, b
			cancel, answer, other := cancelA, answerA, answerB
			if !first {
				cancelled, whole = b, a
				cancel, answer, other = cancelB, answerB, answerA
			}
			gone, err := leaveAt(t, cancel, answer)
			expectError(t, "the cancelled one", err, context.Canceled)
			d.set(diskReadDelay, 100)
			mustDo(t, awaitAnswer(t, "the other one", other))
			expectLevelZero(t, "the other one", whole, "0")
			expectLevelZero(t, "the cancelled one", cancelled, "2")
			t.Logf("left after %v", gone.Round(time.Microsecond))
			mustDo(t, db.Close())
			cancelA()
			cancelB()
		}
	})
}

// A compaction of every family stops too, in whichever it is.
func TestACompactionOfEveryFamilyStops(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db, a, b := openUncompacted(t, d)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		expectError(t, "Compact", db.Compact(ctx, nil, nil), context.DeadlineExceeded)
		awaitNoCompaction(t, a)
		expectLevelZero(t, "stopped", a, "2")
		expectLevelZero(t, "never begun", b, "2")
		d.set(diskReadDelay, 0)
	})
}

// Waiting for compactions ends with its context, where RocksDB can wait.
func TestWaitingForCompactionsStops(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db, a, _ := openUncompacted(t, d)
		d.set(diskReadDelay, held)
		mustDo(t, a.SetOptions(map[string]string{"level0_file_num_compaction_trigger": "2", "disable_auto_compactions": "false"}))
		d.await(t, diskReadsWaiting, 1)
		ctx, cancel := context.WithCancel(t.Context())
		answer := begin(func() error { return db.WaitForCompact(ctx) })
		if !engine.Supports(engine.WaitForCompact) {
			cancel()
			if err := awaitAnswer(t, "WaitForCompact", answer); !errors.Is(err, engine.ErrUnsupported) && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		} else {
			gone, err := leaveAt(t, cancel, answer)
			expectError(t, "WaitForCompact", err, context.Canceled)
			t.Logf("left after %v", gone.Round(time.Microsecond))
		}
		d.set(diskReadDelay, 0)
	})
}
