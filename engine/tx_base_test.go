package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What a database without transactions can do, one with them can too, but for range deletions.
func TestDatabaseWithTransactionsDoesAllElse(t *testing.T) {
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		mustPut(t, db.Writer(nil), "a=1", "b=2", "s=3")
		says(t, "single delete", db.SingleDelete([]byte("s"), nil), nil)
		other, _ := db.ColumnFamily("other")
		says(t, "merge", other.Merge([]byte("m"), []byte{1, 0, 0, 0, 0, 0, 0, 0}, nil), nil)
		says(t, "single delete elsewhere", other.SingleDelete([]byte("absent"), nil), nil)
		b := db.NewBatch()
		mustPut(t, b, "c=3")
		b.LogData([]byte("log"))
		b.In(other).Put([]byte("c"), []byte("4"))
		b.SingleDelete([]byte("absent"))
		says(t, "write", db.Write(b, engine.Sync), nil)
		s, err := db.NewSnapshot()
		says(t, "snapshot", err, nil)
		defer s.Close()
		mustPut(t, db.Writer(nil), "a=9")
		reads(t, s, "a", "1")
		if n, _, _, err := engine.Count(context.Background(), db, nil); err != nil || n != 3 {
			t.Fatalf("%d rows, %v", n, err)
		}
		says(t, "flush", db.Flush(), nil)
		says(t, "sync", db.SyncWAL(), nil)
		says(t, "compact", db.Compact(context.Background(), nil, nil), nil)
		says(t, "set options", db.ColumnFamilies()[0].SetOptions(map[string]string{"ttl": "1000"}), nil)
		if v, err := db.Property("rocksdb.stats"); err != nil || v == "" {
			t.Fatalf("no property: %v", err)
		}
		if files, err := db.LiveFiles(); err != nil || len(files) == 0 {
			t.Fatalf("no files: %v", err)
		}
		if _, err := db.Metrics(); err != nil || db.LatestSequence() == 0 {
			t.Fatalf("no metrics: %v", err)
		}
		ib, err := db.NewIndexedBatch()
		says(t, "indexed batch", err, nil)
		mustPut(t, ib, "i=1")
		says(t, "commit", ib.Commit(nil), nil)
		says(t, "close", ib.Close(), nil)

		copied := filepath.Join(t.TempDir(), "copy")
		says(t, "checkpoint", db.Checkpoint(context.Background(), copied), nil)
		for _, o := range []*engine.Options{nil, txOptions(mode), {ReadOnly: true}} {
			d := openDir(t, copied, o)
			reads(t, d, "c", "3")
			says(t, "close", d.Close(), nil)
		}
	})
}

func TestFamiliesComeAndGoBesideTransactions(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		made, err := db.CreateColumnFamily("made", nil)
		says(t, "create", err, nil)
		tx, doomed := beginTx(t, db, nil), beginTx(t, db, nil)
		mustPut(t, tx.In(made), "a=1")
		mustPut(t, tx, "a=2")
		says(t, "commit", tx.Commit(), nil)
		reads(t, made, "a", "1")
		mustPut(t, doomed.In(made), "b=1")
		mustPut(t, doomed, "b=1")
		says(t, "drop", db.DropColumnFamily(made), nil)
		says(t, "put", doomed.In(made).Put([]byte("c"), nil), engine.ErrFamilyDropped)
		says(t, "commit", doomed.Commit(), engine.ErrFamilyDropped)
		reads(t, db, "b", "")
		mustPut(t, db.Writer(nil), "b=2") // the failed commit left no lock, and the database well
		again, err := db.CreateColumnFamily("made", nil)
		says(t, "create again", err, nil)
		reads(t, again, "a", "")
	})
}

// Plain writes of many goroutines keep each other's locks only while they are written.
func TestPlainWritesBesideLocksAreWrittenTogether(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 30 {
				b := db.NewBatch()
				mustPut(t, b, fmt.Sprintf("own%d/%d=1", g, i), fmt.Sprintf("shared%d=%d", i%3, g), fmt.Sprintf("shared%d=%d", (i+1)%3, g))
				if err := db.Write(b, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n, _, _, err := engine.Count(context.Background(), db, nil); err != nil || n != 32*30+3 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

func TestNoMoreLocksThanMaxLocks(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.TxDB.MaxLocks = 3
	db := openTemp(t, o)
	tx := beginTx(t, db, nil)
	mustPut(t, tx, "a=", "b=", "c=", "a=")
	says(t, "a fourth", tx.Put([]byte("d"), nil), engine.ErrBusy)
	says(t, "a plain write", db.Put([]byte("d"), nil, nil), engine.ErrBusy)
	says(t, "rollback", tx.Rollback(), nil)
	mustPut(t, db.Writer(nil), "d=")
}

func TestRocksDBThatForgotAsksToTryAgain(t *testing.T) {
	o := txOptions(engine.Optimistic)
	o.Extra = "max_write_buffer_size_to_maintain=1;write_buffer_size=65536"
	db := openTemp(t, o)
	tx := beginTx(t, db, nil)
	reads(t, tx, "a", "")
	mustPut(t, tx, "a=mine")
	mustPut(t, db.Writer(nil), "b="+strings.Repeat("x", 10_000))
	says(t, "flush", db.Flush(), nil)
	mustPut(t, db.Writer(nil), "c="+strings.Repeat("x", 10_000))
	says(t, "flush", db.Flush(), nil)
	says(t, "commit", tx.Commit(), engine.ErrTryAgain)
	tries := 0
	says(t, "update", db.Update(context.Background(), func(tx *engine.Tx) error {
		tries++
		return tx.Put([]byte("a"), []byte("mine"))
	}), nil)
	reads(t, db, "a", "mine")
}

func TestLockWaitersGoInTurn(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	o := &engine.TxOptions{NoSnapshot: true, LockTimeout: -1}
	holder := beginTx(t, db, o)
	mustPut(t, holder, "k=")
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for i := range 8 {
		tx := beginTx(t, db, o)
		wg.Go(func() {
			if err := tx.Put([]byte("k"), nil); err != nil {
				t.Error(err)
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		})
		for engine.LockWaiters(db) != i+1 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	says(t, "commit", holder.Commit(), nil)
	wg.Wait()
	for i, n := range order {
		if i != n {
			t.Fatalf("they got the lock in the order %v", order)
		}
	}
}

func TestSharersOfALockLetOneOfThemHaveItAlone(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	o := &engine.TxOptions{LockTimeout: -1}
	first, second, third := beginTx(t, db, o), beginTx(t, db, o), beginTx(t, db, o)
	for _, tx := range []*engine.Tx{first, second} {
		_, err := tx.GetForShare([]byte("k"), nil)
		says(t, "share", err, engine.ErrNotFound)
	}
	done := make(chan error, 2)
	go func() { done <- first.Put([]byte("k"), []byte("1")) }()
	for engine.LockWaiters(db) != 1 {
		time.Sleep(100 * time.Microsecond)
	}
	go func() { _, err := third.GetForShare([]byte("k"), nil); done <- err }() // may not overtake
	for engine.LockWaiters(db) != 2 {
		time.Sleep(100 * time.Microsecond)
	}
	says(t, "the other's put", second.Put([]byte("k"), nil), engine.ErrDeadlock)
	says(t, "rollback", second.Rollback(), nil)
	says(t, "the put", <-done, nil)
	says(t, "commit", first.Commit(), nil)
	if err := <-done; err != nil && !errors.Is(err, engine.ErrBusy) {
		t.Fatal(err)
	}
}

// A ring that its members do not look for is one that others neither join nor get lost in.
func TestARingOfThoseWhoDoNotLook(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := &engine.TxOptions{LockTimeout: -1, NoDeadlockDetection: true}
	first, err := db.Begin(ctx, o)
	says(t, "begin", err, nil)
	second, err := db.Begin(ctx, o)
	says(t, "begin", err, nil)
	mustPut(t, first, "a=")
	mustPut(t, second, "b=")
	done := make(chan error, 2)
	go func() { done <- first.Put([]byte("b"), nil) }()
	go func() { done <- second.Put([]byte("a"), nil) }()
	for engine.LockWaiters(db) != 2 {
		time.Sleep(100 * time.Microsecond)
	}
	third := beginTx(t, db, &engine.TxOptions{LockTimeout: time.Millisecond})
	says(t, "a third", third.Put([]byte("a"), nil), engine.ErrTimedOut)
	cancel()
	for range 2 {
		says(t, "a put of the ring", <-done, context.Canceled)
	}
	// A chain that is longer than DeadlockDepth is taken for a ring.
	first.Rollback()
	second.Rollback()
	holder := beginTx(t, db, nil)
	mustPut(t, holder, "0=")
	var chain []*engine.Tx
	for i := range 3 {
		tx := beginTx(t, db, &engine.TxOptions{LockTimeout: -1})
		mustPut(t, tx, fmt.Sprint(i+1, "="))
		chain = append(chain, tx)
		go func() { done <- tx.Put(fmt.Append(nil, i), nil) }()
		for engine.LockWaiters(db) != i+1 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	shallow := beginTx(t, db, &engine.TxOptions{DeadlockDepth: 2, LockTimeout: time.Millisecond})
	says(t, "a shallow look", shallow.Put([]byte("3"), nil), engine.ErrDeadlock)
	deep := beginTx(t, db, &engine.TxOptions{DeadlockDepth: 4, LockTimeout: time.Millisecond})
	says(t, "a deep look", deep.Put([]byte("3"), nil), engine.ErrTimedOut)
	says(t, "rollback", holder.Rollback(), nil)
	for _, tx := range chain {
		says(t, "the next of the chain", <-done, nil)
		says(t, "rollback", tx.Rollback(), nil)
	}
}
