package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// txModes are the modes that have transactions.
var txModes = []engine.TxMode{engine.Optimistic, engine.Pessimistic}

// eachTxMode runs f with a database of each mode, which has a family "other" that merges.
func eachTxMode(t *testing.T, f func(t *testing.T, mode engine.TxMode, db *engine.DB)) {
	t.Helper()
	for _, mode := range txModes {
		t.Run(mode.String(), func(t *testing.T) { f(t, mode, openTx(t, mode)) })
	}
}

func openTx(t testing.TB, mode engine.TxMode) *engine.DB {
	t.Helper()
	return openTemp(t, txOptions(mode))
}

func txOptions(mode engine.TxMode) *engine.Options {
	return &engine.Options{Transactions: mode, Families: map[string]engine.FamilyOptions{
		"other": {MergeOperator: engine.Uint64Add},
	}}
}

// beginTx begins a transaction, which the test's end rolls back if nothing else has ended it.
func beginTx(t testing.TB, db *engine.DB, o *engine.TxOptions) *engine.Tx {
	t.Helper()
	tx, err := db.Begin(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

// says fails the test unless err is what is wanted; nil wants none.
func says(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || err != nil && want == nil {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// reads fails the test unless r has value under key; "" wants none.
func reads(t testing.TB, r engine.Reader, key, value string) {
	t.Helper()
	got, err := r.Get([]byte(key), nil)
	if value == "" && err == engine.ErrNotFound {
		return
	}
	if err != nil || string(got) != value {
		t.Fatalf("%s is %q, %v; want %q", key, got, err, value)
	}
}

// rowsText is the rows of a reader, as key=value.
func rowsText(t testing.TB, r engine.Reader, o *engine.IterOptions) string {
	t.Helper()
	var all []string
	rows, done := engine.Scan(r, o)
	for k, v := range rows {
		all = append(all, string(k)+"="+string(v))
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func mustPut(t testing.TB, w engine.Writer, rows ...string) {
	t.Helper()
	for _, row := range rows {
		k, v, _ := strings.Cut(row, "=")
		if err := w.Put([]byte(k), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTransactionShowsItsWritesToItselfOnlyUntilItCommits(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		other, _ := db.ColumnFamily("other")
		mustPut(t, db.Writer(nil), "a=1", "b=2", "c=3")
		tx := beginTx(t, db, nil)
		mustPut(t, tx, "b=two", "d=4")
		says(t, "delete", tx.Delete([]byte("c")), nil)
		mustPut(t, tx.In(other), "x=12345678")
		says(t, "merge", tx.In(other).Merge([]byte("x"), []byte{1, 0, 0, 0, 0, 0, 0, 0}), nil)
		if got := rowsText(t, tx, nil); got != "a=1 b=two d=4" {
			t.Fatalf("the transaction shows %s", got)
		}
		reads(t, tx.In(other), "x", "22345678")
		reads(t, tx, "c", "")
		values, err := tx.MultiGet([][]byte{[]byte("a"), []byte("b"), []byte("c")}, nil)
		if err != nil || string(values[0].Data) != "1" || string(values[1].Data) != "two" || values[2].Err != engine.ErrNotFound {
			t.Fatalf("MultiGet gives %v, %v", values, err)
		}
		if got := rowsText(t, db, nil); got != "a=1 b=2 c=3" {
			t.Fatalf("the database shows %s before the commit", got)
		}
		says(t, "commit", tx.Commit(), nil)
		if got := rowsText(t, db, nil) + " " + rowsText(t, other, nil); got != "a=1 b=two d=4 x=22345678" {
			t.Fatalf("the database shows %s", got)
		}
		says(t, "commit again", tx.Commit(), engine.ErrClosed)
		says(t, "rollback after it", tx.Rollback(), nil)
		says(t, "put after it", tx.Put([]byte("a"), nil), engine.ErrClosed)
		_, err = tx.Get([]byte("a"), nil)
		says(t, "get after it", err, engine.ErrClosed)
	})
}

func TestRolledBackTransactionLeavesNothing(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		mustPut(t, db.Writer(nil), "a=1")
		tx := beginTx(t, db, nil)
		mustPut(t, tx, "a=2", "b=2")
		says(t, "rollback", tx.Rollback(), nil)
		says(t, "rollback again", tx.Rollback(), nil)
		if got := rowsText(t, db, nil); got != "a=1" {
			t.Fatalf("the database shows %s", got)
		}
		mustPut(t, db.Writer(nil), "a=3", "b=3") // nothing is locked
	})
}

func TestTransactionShowsTheStateOfItsBeginning(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		other, _ := db.ColumnFamily("other")
		mustPut(t, db.Writer(nil), "a=1", "b=1")
		mustPut(t, other.Writer(nil), "x=1")
		tx := beginTx(t, db, nil)
		reads(t, tx, "a", "1")
		it, err := tx.NewIter(nil)
		says(t, "new iterator", err, nil)
		defer it.Close()
		mustPut(t, tx, "c=mine")
		mustPut(t, db.Writer(nil), "a=2", "d=2")
		mustPut(t, other.Writer(nil), "x=2")
		says(t, "flush", db.Flush(), nil)
		reads(t, tx, "a", "1")
		reads(t, tx.In(other), "x", "1")
		if got := rowsText(t, tx, nil); got != "a=1 b=1 c=mine" {
			t.Fatalf("the transaction shows %s", got)
		}
		var keys []string
		for k := range it.All() {
			keys = append(keys, string(k))
		}
		if !slices.Equal(keys, []string{"a", "b"}) {
			t.Fatalf("an iterator made before the write shows %v", keys)
		}
		says(t, "refresh", it.Refresh(), nil)
		if it.Last(); string(it.Key()) != "c" {
			t.Fatalf("refreshed, it ends with %q", it.Key())
		}
		values, err := tx.MultiGetFamilies([]engine.FamilyKey{{Family: db.ColumnFamilies()[0], Key: []byte("a")}, {Family: other, Key: []byte("x")}}, nil)
		if err != nil || string(values[0].Data) != "1" || string(values[1].Data) != "1" {
			t.Fatalf("MultiGetFamilies gives %v, %v", values, err)
		}
		says(t, "commit", tx.Commit(), nil)
		says(t, "refresh after it", it.Refresh(), engine.ErrClosed)
		if !it.First() || string(it.Key()) != "a" {
			t.Fatal("the iterator does not live on")
		}
	})
}

func TestTransactionIteratorHasBoundsAndGoesBothWays(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		mustPut(t, db.Writer(nil), "a=1", "b=1", "d=1", "e=1")
		tx := beginTx(t, db, nil)
		mustPut(t, tx, "b=2", "c=2", "f=2")
		says(t, "delete", tx.Delete([]byte("d")), nil)
		o := &engine.IterOptions{LowerBound: []byte("b"), UpperBound: []byte("f")}
		if got := rowsText(t, tx, o); got != "b=2 c=2 e=1" {
			t.Fatalf("forwards %s", got)
		}
		it, err := tx.NewIter(o)
		says(t, "new iterator", err, nil)
		defer it.Close()
		back := ""
		for k := range it.Backward() {
			back += string(k)
		}
		if back != "ecb" {
			t.Fatalf("backwards %s", back)
		}
	})
}

func TestOptimisticCommitRefusesWhatOthersHaveChanged(t *testing.T) {
	for name, conflict := range map[string]struct {
		mine   func(tx *engine.Tx) error
		theirs func(db *engine.DB) error
		busy   bool
	}{
		"both write":      {func(tx *engine.Tx) error { return tx.Put([]byte("a"), nil) }, func(db *engine.DB) error { return db.Put([]byte("a"), nil, nil) }, true},
		"other keys":      {func(tx *engine.Tx) error { return tx.Put([]byte("a"), nil) }, func(db *engine.DB) error { return db.Put([]byte("b"), nil, nil) }, false},
		"read only":       {func(tx *engine.Tx) error { _, err := tx.Get([]byte("a"), nil); return err }, func(db *engine.DB) error { return db.Put([]byte("a"), nil, nil) }, false},
		"read for update": {func(tx *engine.Tx) error { _, err := tx.GetForUpdate([]byte("a"), nil); return err }, func(db *engine.DB) error { return db.Put([]byte("a"), nil, nil) }, true},
		"read for share":  {func(tx *engine.Tx) error { _, err := tx.GetForShare([]byte("a"), nil); return err }, func(db *engine.DB) error { return db.Delete([]byte("a"), nil) }, true},
		"read many": {func(tx *engine.Tx) error {
			_, err := tx.MultiGetForUpdate([][]byte{[]byte("z"), []byte("a")}, nil)
			return err
		}, func(db *engine.DB) error { return db.Put([]byte("a"), nil, nil) }, true},
		"absent for update": {func(tx *engine.Tx) error { tx.GetForUpdate([]byte("n"), nil); return nil }, func(db *engine.DB) error { return db.Put([]byte("n"), nil, nil) }, true},
		"merge": {
			func(tx *engine.Tx) error { return tx.Put([]byte("a"), nil) },
			func(db *engine.DB) error {
				return db.Update(context.Background(), func(tx *engine.Tx) error { return tx.Delete([]byte("a")) })
			}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTx(t, engine.Optimistic)
			mustPut(t, db.Writer(nil), "a=1", "b=1")
			tx := beginTx(t, db, nil)
			reads(t, tx, "b", "1")
			says(t, "mine", conflict.mine(tx), nil)
			mustPut(t, tx, "mine=1")
			says(t, "theirs", conflict.theirs(db), nil)
			err := tx.Commit()
			if conflict.busy {
				says(t, "commit", err, engine.ErrBusy)
				reads(t, db, "mine", "")
			} else {
				says(t, "commit", err, nil)
				reads(t, db, "mine", "1")
			}
			says(t, "after it", tx.Put([]byte("a"), nil), engine.ErrClosed)
		})
	}
}

func TestPessimisticTransactionKeepsOthersFromItsKeys(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.TxDB = engine.TxDBOptions{LockTimeout: 20 * time.Millisecond, WriteLockTimeout: 20 * time.Millisecond}
	for name, take := range map[string]func(tx *engine.Tx) error{
		"put":        func(tx *engine.Tx) error { return tx.Put([]byte("a"), nil) },
		"delete":     func(tx *engine.Tx) error { return tx.Delete([]byte("a")) },
		"for update": func(tx *engine.Tx) error { _, err := tx.GetForUpdate([]byte("a"), nil); return err },
		"for share":  func(tx *engine.Tx) error { _, err := tx.GetForShare([]byte("a"), nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t, o)
			mustPut(t, db.Writer(nil), "a=1")
			tx, second := beginTx(t, db, nil), beginTx(t, db, nil)
			says(t, "the lock", take(tx), nil)
			says(t, "another's put", second.Put([]byte("a"), nil), engine.ErrTimedOut)
			_, err := second.GetForUpdate([]byte("a"), nil)
			says(t, "another's read for update", err, engine.ErrTimedOut)
			_, err = second.GetForShare([]byte("a"), nil)
			if name == "for share" {
				says(t, "another's read for share", err, nil)
				says(t, "rollback", second.Rollback(), nil)
			} else {
				says(t, "another's read for share", err, engine.ErrTimedOut)
			}
			says(t, "a plain put", db.Put([]byte("a"), nil, nil), engine.ErrTimedOut)
			b := db.NewBatch()
			mustPut(t, b, "z=1", "a=9")
			says(t, "a batch", db.Write(b, nil), engine.ErrTimedOut)
			reads(t, db, "a", "1")
			reads(t, db, "z", "")
			other, _ := db.ColumnFamily("other")
			mustPut(t, other.Writer(nil), "a=other") // the same key elsewhere is another one
			says(t, "commit", tx.Commit(), nil)
			says(t, "a batch after it", db.Write(b, nil), nil)
			reads(t, db, "a", "9")
			if name != "for share" {
				says(t, "commit after a refused put", second.Commit(), engine.ErrTimedOut)
			}
		})
	}
}

func TestPessimisticTransactionNoticesWhatChangedSinceItBegan(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	mustPut(t, db.Writer(nil), "a=1", "b=1")
	tx := beginTx(t, db, nil)
	reads(t, tx, "b", "1")
	mustPut(t, db.Writer(nil), "a=2")
	_, err := tx.GetForUpdate([]byte("a"), nil)
	says(t, "get for update", err, engine.ErrBusy)
	says(t, "put", tx.Put([]byte("a"), nil), nil)
	says(t, "commit", tx.Commit(), engine.ErrBusy)
	reads(t, db, "a", "2")

	// Without a snapshot it reads, and overwrites, what is newest.
	newest := beginTx(t, db, &engine.TxOptions{NoSnapshot: true})
	reads(t, newest, "b", "1")
	mustPut(t, db.Writer(nil), "b=3", "a=3")
	reads(t, newest, "b", "3")
	value, err := newest.GetForUpdate([]byte("a"), nil)
	if err != nil || string(value) != "3" {
		t.Fatalf("get for update gives %q, %v", value, err)
	}
	mustPut(t, newest, "a=4")
	says(t, "commit", newest.Commit(), nil)
	reads(t, db, "a", "4")
}

func TestAWaitForALockIsNoConflict(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	mustPut(t, db.Writer(nil), "n=0")
	first, second := beginTx(t, db, nil), beginTx(t, db, &engine.TxOptions{LockTimeout: -1})
	_, err := first.GetForUpdate([]byte("n"), nil)
	says(t, "the first", err, nil)
	done := make(chan error)
	go func() {
		value, err := second.GetForUpdate([]byte("n"), nil)
		if err == nil && string(value) != "1" {
			err = fmt.Errorf("it reads %q", value)
		}
		done <- err
	}()
	time.Sleep(2 * time.Millisecond)
	mustPut(t, first, "n=1")
	says(t, "commit", first.Commit(), nil)
	says(t, "the second", <-done, nil)
	mustPut(t, second, "n=2")
	says(t, "commit", second.Commit(), nil)
	reads(t, db, "n", "2")
}

func TestADeadlockIsAnErrorForOneAtLeast(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.TxDB.LockTimeout = -1
	for _, n := range []int{2, 3, 10} {
		db := openTemp(t, o)
		errs := make(chan error, n)
		var txs []*engine.Tx
		for i := range n {
			tx := beginTx(t, db, nil)
			txs = append(txs, tx)
			mustPut(t, tx, fmt.Sprintf("%d=", i))
		}
		for i, tx := range txs {
			go func() {
				_, err := tx.GetForUpdate([]byte(fmt.Sprint((i+1)%n)), nil)
				if err == nil || err == engine.ErrNotFound {
					err = tx.Commit()
				} else {
					tx.Rollback()
				}
				errs <- err
			}()
		}
		dead := 0
		for range n {
			if err := <-errs; errors.Is(err, engine.ErrDeadlock) && errors.Is(err, engine.ErrBusy) {
				dead++
			} else if err != nil && !errors.Is(err, engine.ErrBusy) {
				t.Fatal(err)
			}
		}
		if dead != 1 {
			t.Fatalf("%d of %d are told of the deadlock, want 1", dead, n)
		}
		says(t, "close", db.Close(), nil)
	}
}

func TestTransactionsNeedTheirMode(t *testing.T) {
	db := openTemp(t, nil)
	_, err := db.Begin(context.Background(), nil)
	says(t, "begin", err, engine.ErrUnsupported)
	says(t, "update", db.Update(context.Background(), func(*engine.Tx) error { return nil }), engine.ErrUnsupported)
	_, err = db.PreparedTxs()
	says(t, "prepared", err, engine.ErrUnsupported)
	optimistic := openTx(t, engine.Optimistic)
	tx := beginTx(t, optimistic, nil)
	mustPut(t, tx, "a=1")
	says(t, "prepare", tx.Prepare("x"), engine.ErrUnsupported)
	says(t, "commit", tx.Commit(), nil)
	for name, o := range map[string]*engine.TxOptions{
		"NoSnapshot":  {NoSnapshot: true},
		"LockTimeout": {LockTimeout: 1},
		"no log":      {Sync: true, DisableWAL: true},
		"depth":       {DeadlockDepth: -1},
		"Expiration":  {Expiration: 1},
	} {
		_, err := optimistic.Begin(context.Background(), o)
		says(t, name, err, engine.ErrInvalidArgument)
	}
	for name, o := range map[string]*engine.Options{
		"ReadOnly":     {Transactions: engine.Optimistic, ReadOnly: true},
		"unknown":      {Transactions: 9},
		"unordered":    {Transactions: engine.Pessimistic, UnorderedWrite: true},
		"two queues":   {Transactions: engine.Pessimistic, Extra: "two_write_queues=true"},
		"TxDB":         {Transactions: engine.Optimistic, TxDB: engine.TxDBOptions{MaxLocks: 1}},
		"negative":     {Transactions: engine.Pessimistic, TxDB: engine.TxDBOptions{MaxLocks: -1}},
		"without mode": {TxDB: engine.TxDBOptions{MaxLocks: 1}},
	} {
		_, err := engine.Open(t.TempDir(), o)
		says(t, name, err, engine.ErrInvalidArgument)
	}
	_, err = engine.OpenSecondary(t.TempDir(), &engine.Options{Transactions: engine.Pessimistic})
	says(t, "secondary", err, engine.ErrInvalidArgument)
}

func TestRangesAreNotDeletedBesideTransactions(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		says(t, "delete range", db.DeleteRange([]byte("a"), []byte("b"), nil), engine.ErrUnsupported)
		b := db.NewBatch()
		mustPut(t, b, "a=1")
		b.DeleteRange([]byte("a"), []byte("b"))
		says(t, "a batch", db.Write(b, nil), engine.ErrUnsupported)
		reads(t, db, "a", "")
	})
}

func TestSavepointsOfATransaction(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		tx := beginTx(t, db, nil)
		says(t, "rollback without one", tx.RollbackToSavepoint(), engine.ErrInvalidArgument)
		says(t, "release without one", tx.ReleaseSavepoint(), engine.ErrInvalidArgument)
		mustPut(t, tx, "a=1")
		says(t, "savepoint", tx.Savepoint(), nil)
		mustPut(t, tx, "b=1")
		says(t, "savepoint", tx.Savepoint(), nil)
		mustPut(t, tx, "c=1")
		says(t, "too large", tx.Put(make([]byte, engine.MaxKeySize+1), nil), engine.ErrTooLarge)
		says(t, "rollback", tx.RollbackToSavepoint(), nil)
		if got := rowsText(t, tx, nil); got != "a=1 b=1" {
			t.Fatalf("after the rollback: %s", got)
		}
		says(t, "savepoint", tx.Savepoint(), nil)
		mustPut(t, tx, "d=1")
		says(t, "release", tx.ReleaseSavepoint(), nil)
		says(t, "rollback", tx.RollbackToSavepoint(), nil)
		if got := rowsText(t, tx, nil); got != "a=1" {
			t.Fatalf("after the second rollback: %s", got)
		}
		mustPut(t, tx, "e=1")
		says(t, "commit", tx.Commit(), nil)
		if got := rowsText(t, db, nil); got != "a=1 e=1" {
			t.Fatalf("the database shows %s", got)
		}
	})
}

func TestContextCoversTheTransaction(t *testing.T) {
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		tx, err := db.Begin(ctx, nil)
		says(t, "begin", err, nil)
		defer tx.Rollback()
		mustPut(t, tx, "a=1")
		cancel()
		says(t, "put", tx.Put([]byte("b"), nil), context.Canceled)
		_, err = tx.Get([]byte("a"), nil)
		says(t, "get", err, context.Canceled)
		says(t, "commit", tx.Commit(), context.Canceled)
		reads(t, db, "a", "")
		_, err = db.Begin(ctx, nil)
		says(t, "begin after it", err, context.Canceled)
		if mode != engine.Pessimistic {
			return
		}
		holder := beginTx(t, db, nil)
		mustPut(t, holder, "a=2")
		short, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		waiter, err := db.Begin(short, &engine.TxOptions{LockTimeout: -1})
		says(t, "begin", err, nil)
		defer waiter.Rollback()
		says(t, "a wait for a lock", waiter.Put([]byte("a"), nil), context.DeadlineExceeded)
		says(t, "a plain wait", db.Put([]byte("a"), nil, &engine.WriteOptions{Context: short}), context.DeadlineExceeded)
	})
}

func TestCloseEndsTransactionsAndCountsThem(t *testing.T) {
	for _, mode := range txModes {
		db := openDir(t, t.TempDir(), txOptions(mode))
		mustPut(t, db.Writer(nil), "a=1")
		tx, err := db.Begin(context.Background(), nil)
		says(t, "begin", err, nil)
		mustPut(t, tx, "b=1")
		unused, err := db.Begin(context.Background(), nil)
		says(t, "begin", err, nil)
		m, err := db.Metrics()
		if h := m.Handles["transaction"]; err != nil || h.Open != 2 || h.Made != 2 {
			t.Fatalf("metrics tell of %+v, %v", h, err)
		}
		waiting := make(chan error, 1)
		if mode == engine.Pessimistic {
			go func() { waiting <- unused.Put([]byte("b"), nil) }()
			time.Sleep(time.Millisecond)
		} else {
			waiting <- engine.ErrClosed
		}
		var leak *engine.LeakError
		if err := db.Close(); !errors.As(err, &leak) || leak.Txs != 2 || leak.Iterators != 0 {
			t.Fatalf("close says %v", err)
		}
		if err := <-waiting; err != engine.ErrClosed {
			t.Fatalf("who waits for a lock is told %v", err)
		}
		says(t, "put", tx.Put([]byte("a"), nil), engine.ErrClosed)
		says(t, "commit", tx.Commit(), engine.ErrClosed)
		says(t, "rollback", tx.Rollback(), nil)
	}
}
