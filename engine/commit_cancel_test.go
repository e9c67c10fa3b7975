package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// leaveAt has call wait, ends its context, and gives its answer and how long it took to leave.
func leaveAt(t *testing.T, cancel context.CancelFunc, answer <-chan error) (time.Duration, error) {
	t.Helper()
	time.Sleep(30 * time.Millisecond)
	select {
	case err := <-answer:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	begin := time.Now()
	cancel()
	select {
	case err := <-answer:
		return time.Since(begin), err
	case <-time.After(20 * time.Second):
		t.Fatal("it does not leave")
		return 0, nil
	}
}

// Who leaves before its commit was handed to RocksDB has written nothing, whoever else leaves, stays or comes
// later; and those are written.
func TestACommitThatWasLeftInTimeIsNeverWritten(t *testing.T) {
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		onSlowDisk(t, func(t *testing.T, d slowDisk) {
			for _, stay := range []bool{false, true} {
				leaveInTime(t, d, mode, stay)
			}
		})
	})
}

// leaveInTime holds one commit up in C. Behind it others gather, of which some leave: all, unless stay.
func leaveInTime(t *testing.T, d slowDisk, mode engine.CommitMode, stay bool) {
	db := openTemp(t, &engine.Options{Commit: mode, Gate: 4})
	d.set(diskLogSyncDelay, held)
	defer d.set(diskLogSyncDelay, 0)
	first := make(chan error, 1)
	go func() { first <- db.Put([]byte("first"), nil, engine.Sync) }()
	d.await(t, diskSyncsWaiting, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	written, left := map[string]string{"first": ""}, map[string]error{}
	put := func(key string, ctx context.Context) {
		err := db.Put([]byte(key), nil, &engine.WriteOptions{Sync: true, Context: ctx})
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			written[key] = ""
		} else {
			left[key] = err
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	const crowd = 20
	for i := range crowd {
		wg.Go(func() { put(fmt.Sprintf("leaves %d", i), ctx) })
		if stay && i%5 == 2 {
			wg.Go(func() { put(fmt.Sprintf("stays %d", i), nil) })
		}
	}
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	cancel()
	for n := 0; n < crowd; time.Sleep(time.Millisecond) {
		mu.Lock()
		n = len(left)
		mu.Unlock()
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("%d of %d have left", n, crowd)
		}
	}
	t.Logf("%d goroutines left after %v", crowd, time.Since(begin).Round(time.Microsecond))
	for i := range 5 {
		wg.Go(func() { put(fmt.Sprintf("later %d", i), t.Context()) })
	}
	time.Sleep(30 * time.Millisecond)
	d.set(diskLogSyncDelay, 0)
	waitOrDie(t, &wg)
	mustDo(t, <-first)
	there := rowsOf(t, db)
	for key, err := range left {
		expectError(t, key, err, context.Canceled)
		if _, ok := there[key]; ok && !outcomeUnknown(err) {
			t.Errorf("%s has left in time and is there", key)
		}
	}
	for key := range written {
		if _, ok := there[key]; !ok {
			t.Errorf("%s was acknowledged and is not there", key)
		}
	}
	if len(left) != crowd {
		t.Errorf("%d have left, %d should: %v", len(left), crowd, left)
	}
}

// Writes that wait in a stall are left too. The outcome of one that waits in C is unknown, unless it went there
// by itself: who made that call is in it until the stall ends.
func TestWritesInAStallAreLeftAtOnce(t *testing.T) {
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		o := *stalled
		o.Commit, o.Gate = mode, 4
		db := openTemp(t, &o)
		stopWrites(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		const n = 20
		answers := make(chan error, n)
		for i := range n {
			go func() {
				answers <- db.Put(fmt.Appendf(nil, "stalled %d", i), nil, &engine.WriteOptions{Context: ctx})
			}()
		}
		gone, first := leaveAt(t, cancel, answers)
		unknown, written := 0, 0
		for i := range n {
			err := first
			if i == n-1 && mode == engine.CommitAlone {
				break // a quarter of the gate
			} else if i > 0 {
				err = <-answers
			}
			expectError(t, "put", err, context.Canceled)
			if outcomeUnknown(err) {
				unknown++
			}
		}
		t.Logf("the first left after %v; %d do not know the outcome", gone.Round(time.Microsecond), unknown)
		mustDo(t, db.ColumnFamilies()[0].SetOptions(map[string]string{
			"level0_slowdown_writes_trigger": "1000", "level0_stop_writes_trigger": "1000",
		}))
		mustDo(t, db.Put([]byte("after"), nil, nil))
		if mode == engine.CommitAlone {
			mustDo(t, <-answers)
			written = 1
		}
		there := 0
		for key := range rowsOf(t, db) {
			if len(key) > 8 && key[:8] == "stalled " {
				there++
			}
		}
		if there < written || there > written+unknown {
			t.Errorf("%d of the writes are there, %d were acknowledged, %d more may be", there, written, unknown)
		}
	})
}

// A context that has ended before is enough to do nothing.
func TestACommitWithAnEndedContextDoesNothing(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		db := openTemp(t, &engine.Options{FamilyOptions: adding, Commit: mode})
		for op, err := range everyWrite(db, &engine.WriteOptions{Context: ended}) {
			if !errors.Is(err, context.Canceled) || outcomeUnknown(err) {
				t.Errorf("%s: %v", op, err)
			}
		}
		expectRows(t, "nothing", db, map[string]string{})
	})
}
