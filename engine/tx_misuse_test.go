package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// One goroutine at a time may use a transaction: others wait for it, and the debug build panics.
func TestTransactionInTheHandsOfMany(t *testing.T) {
	if rbdebug.On {
		t.Skip("the debug build panics: see the test below")
	}
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		for round := range 20 {
			tx := beginTx(t, db, nil)
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					key := fmt.Append(nil, "k", g%3)
					tx.Put(key, key)
					tx.Get(key, nil)
					if it, err := tx.NewIter(nil); err == nil {
						it.First()
						it.Refresh()
						it.Close()
					}
					tx.Savepoint()
					tx.GetForUpdate(key, nil)
					tx.RollbackToSavepoint()
					tx.GetPinned(key, nil, func([]byte) error { _, err := tx.Has(key, nil); return err })
					if g == 7 && round%2 == 0 {
						tx.Commit()
					}
					tx.MultiGet([][]byte{key}, nil)
					if g == 6 {
						tx.Rollback()
					}
				})
			}
			wg.Wait()
			says(t, "after it", tx.Put(nil, nil), engine.ErrClosed)
		}
	})
}

func TestDebugBuildCatchesTwoGoroutinesInATransaction(t *testing.T) {
	if !rbdebug.On {
		t.Skip("only the debug build looks")
	}
	db := openTx(t, engine.Pessimistic)
	holder, tx := beginTx(t, db, nil), beginTx(t, db, nil)
	mustPut(t, holder, "k=")
	done := make(chan error, 1)
	go func() { done <- tx.Put([]byte("k"), nil) }()
	for engine.LockWaiters(db) == 0 {
		time.Sleep(100 * time.Microsecond)
	}
	if text := rbdebug.Caught(func() { tx.Get([]byte("k"), nil) }); !strings.Contains(text, "one goroutine at a time may use a transaction") {
		t.Errorf("caught %q", text)
	}
	says(t, "rollback", holder.Rollback(), nil)
	says(t, "the put", <-done, nil)
}

// A transaction whose handle is lost is rolled back, and reported.
func TestLostTransactionGivesItsLocksBack(t *testing.T) {
	db := openDir(t, t.TempDir(), txOptions(engine.Pessimistic))
	func() {
		tx, err := db.Begin(context.Background(), nil)
		says(t, "begin", err, nil)
		mustPut(t, tx, "k=")
	}()
	collectUntil(t, "the transaction", func() bool { return engine.Children(db) == 0 })
	mustPut(t, db.Writer(nil), "k=1")
	m, err := db.Metrics()
	if err != nil || m.Handles["transaction"].Lost != 1 {
		t.Errorf("metrics tell of %+v, %v", m.Handles["transaction"], err)
	}
	var leak *engine.LeakError
	if err := db.Close(); !errors.As(err, &leak) || leak.Txs != 1 {
		t.Errorf("close says %v", err)
	}
}
