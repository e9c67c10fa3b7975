package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// openCold opens a database with rows of 100 bytes, which are in a file and not in the cache.
func openCold(t *testing.T, o *engine.Options, rows int) *engine.DB {
	t.Helper()
	o.Compression = engine.NoCompression
	db := openTemp(t, o)
	fillCold(t, db, db.ColumnFamilies()[0], rows)
	return db
}

func fillCold(t *testing.T, db *engine.DB, c *engine.ColumnFamily, rows int) {
	t.Helper()
	value := valueOf(100)
	b := db.NewBatch()
	for i := range rows {
		b.In(c).Put(coldRowKey(i), value)
	}
	mustDo(t, db.Write(b, nil), c.Flush())
}

func coldRowKey(i int) []byte { return fmt.Appendf(nil, "%08d", i) }

// Every call that waits for a slot leaves at once when its context ends, while those who have the slots are held
// up in C; and these finish.
func TestWhoWaitsForASlotLeavesAtOnce(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openCold(t, &engine.Options{FastLane: 2, Gate: 4, BlockCacheSize: -1}, 2000)
		idle, err := db.NewIter(nil)
		mustDo(t, err)
		defer idle.Close()
		ctx, cancel := context.WithCancel(t.Context())
		own, err := db.NewIter(&engine.IterOptions{Context: ctx})
		mustDo(t, err)
		defer own.Close()
		mustDo(t, db.Put([]byte("in memory"), nil, nil))
		d.set(diskReadDelay, held)
		d.set(diskSyncDelay, held)
		blockers := fillLanes(t, d, db)
		read := &engine.ReadOptions{Context: ctx, NoFillCache: true}
		calls := map[string]func() error{
			"Get":       func() error { _, err := db.Get(coldRowKey(1), read); return err },
			"GetAppend": func() error { _, err := db.GetAppend(nil, coldRowKey(2), read); return err },
			"GetPinned": func() error { return db.GetPinned(coldRowKey(3), read, func([]byte) error { return nil }) },
			"Has":       func() error { _, err := db.Has(coldRowKey(4), read); return err },
			"MultiGet":  func() error { _, err := db.MultiGet([][]byte{coldRowKey(5), coldRowKey(6)}, read); return err },
			"NewIter": func() error {
				it, err := db.NewIter(&engine.IterOptions{Context: ctx})
				if err == nil {
					it.First()
					err = it.Close()
				}
				return err
			},
			"iterator": func() error { own.SeekGE(coldRowKey(7)); return own.Error() },
			"Count":    func() error { _, _, _, err := engine.Count(ctx, db, nil); return err },
			"Scan": func() error {
				rows, done := engine.Scan(db, &engine.IterOptions{Context: ctx})
				for range rows {
					break
				}
				return done()
			},
			"Compact":    func() error { return db.Compact(ctx, nil, nil) },
			"Checkpoint": func() error { return db.Checkpoint(ctx, filepath.Join(t.TempDir(), "copy")) },
		}
		expectAllLeave(t, cancel, calls)
		d.set(diskReadDelay, 0)
		d.set(diskSyncDelay, 0)
		waitOrDie(t, blockers)
		if !idle.First() || idle.Error() != nil {
			t.Errorf("an iterator afterwards: %v", idle.Error())
		}
	})
}

// fillLanes has calls take every slot and be held up in C.
func fillLanes(t *testing.T, d slowDisk, db *engine.DB) *sync.WaitGroup {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := db.Get(coldRowKey(100*i), noFill); err != nil {
				t.Errorf("Get: %v", err)
			}
		})
	}
	for i := range 2 {
		it, err := db.NewIter(&engine.IterOptions{NoFillCache: true})
		mustDo(t, err)
		wg.Go(func() {
			it.SeekGE(coldRowKey(200 * i))
			if err := it.Close(); err != nil {
				t.Errorf("iterator: %v", err)
			}
		})
	}
	d.await(t, diskReadsWaiting, 3)
	wg.Go(func() {
		if err := db.Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
	})
	d.await(t, diskSyncsWaiting, 1)
	return &wg
}

// expectAllLeave starts calls that wait, ends their context, and wants each to say so.
func expectAllLeave(t *testing.T, cancel context.CancelFunc, calls map[string]func() error) {
	t.Helper()
	type answer struct {
		name string
		err  error
		at   time.Time
	}
	answers := make(chan answer, len(calls))
	for name, call := range calls {
		go func() {
			err := call()
			answers <- answer{name, err, time.Now()}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	for len(answers) > 0 {
		a := <-answers
		t.Fatalf("%s did not wait: %v", a.name, a.err)
	}
	begin := time.Now()
	cancel()
	var slowest answer
	left := map[string]bool{}
	for range calls {
		select {
		case a := <-answers:
			expectError(t, a.name, a.err, context.Canceled)
			left[a.name] = true
			slowest = a
		case <-time.After(20 * time.Second):
			for name := range calls {
				if !left[name] {
					t.Errorf("%s does not leave", name)
				}
			}
			return
		}
	}
	t.Logf("%d calls left within %v, %s last", len(calls), slowest.at.Sub(begin).Round(time.Microsecond), slowest.name)
}
