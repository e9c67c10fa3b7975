package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A transfer that is all or nothing, whoever else transfers at the same time.
func ExampleDB_Update() {
	db, remove := opened(&engine.Options{Transactions: engine.Optimistic})
	defer remove()
	db.Put([]byte("alice"), []byte("10"), nil)
	db.Put([]byte("bob"), []byte("0"), nil)

	add := func(tx *engine.Tx, key string, n int) error {
		value, err := tx.GetForUpdate([]byte(key), nil)
		if err != nil {
			return err
		}
		balance, err := strconv.Atoi(string(value))
		if err != nil {
			return err
		}
		if balance+n < 0 {
			return errors.New("not enough money")
		}
		return tx.Put([]byte(key), strconv.AppendInt(nil, int64(balance+n), 10))
	}
	transfer := func(n int) error {
		return db.Update(context.Background(), func(tx *engine.Tx) error {
			if err := add(tx, "bob", n); err != nil {
				return err
			}
			return add(tx, "alice", -n)
		})
	}
	fmt.Println(transfer(7))
	fmt.Println(transfer(7))
	rows, done := engine.Scan(db, nil)
	for key, value := range rows {
		fmt.Printf("%s = %s\n", key, value)
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// <nil>
	// not enough money
	// alice = 3
	// bob = 7
}

// With Pessimistic a key that a transaction has read for update waits for it.
func ExampleTx_GetForUpdate() {
	db, remove := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer remove()
	db.Put([]byte("seat"), []byte("free"), nil)

	tx, err := db.Begin(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.GetForUpdate([]byte("seat"), nil); err != nil {
		log.Fatal(err)
	}

	other, err := db.Begin(context.Background(), &engine.TxOptions{LockTimeout: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer other.Rollback()
	_, err = other.GetForUpdate([]byte("seat"), nil)
	fmt.Println("another has to wait:", errors.Is(err, engine.ErrTimedOut))

	tx.Put([]byte("seat"), []byte("taken"))
	fmt.Println("commit:", tx.Commit())
	value, err := other.GetForUpdate([]byte("seat"), nil)
	fmt.Printf("the other finds it %s, %v\n", value, err)
	// Output:
	// another has to wait: true
	// commit: <nil>
	// the other finds it taken, <nil>
}

// What is prepared is found again after a crash, for a coordinator to decide.
func ExampleDB_PreparedTxs() {
	db, remove := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer remove()
	tx, err := db.Begin(context.Background(), &engine.TxOptions{Sync: true})
	if err != nil {
		log.Fatal(err)
	}
	tx.Put([]byte("order/1"), []byte("paid"))
	if err := tx.Prepare("order 1"); err != nil {
		log.Fatal(err)
	}

	prepared, err := db.PreparedTxs()
	if err != nil {
		log.Fatal(err)
	}
	for _, tx := range prepared {
		fmt.Println(tx.Name(), "has", tx.Count(), "record")
		fmt.Println("commit:", tx.Commit())
	}
	value, err := db.Get([]byte("order/1"), nil)
	fmt.Printf("%s, %v\n", value, err)
	// Output:
	// order 1 has 1 record
	// commit: <nil>
	// paid, <nil>
}

// An update that is on disk when it returns.
func ExampleDB_UpdateWith() {
	db, done := opened(&engine.Options{Transactions: engine.Optimistic})
	defer done()
	err := db.UpdateWith(context.Background(), &engine.TxOptions{Sync: true}, func(tx *engine.Tx) error {
		return errors.Join(tx.Put([]byte("order/1"), []byte("3 pens")), tx.Put([]byte("customer/7"), []byte("order/1")))
	})
	fmt.Println(err, db.LatestSequence(), "rows")
	// Output: <nil> 2 rows
}

// What is written behind a savepoint can be taken back, and the rest goes on.
func ExampleTx_Savepoint() {
	db, done := opened(&engine.Options{Transactions: engine.Optimistic})
	defer done()
	err := db.Update(context.Background(), func(tx *engine.Tx) error {
		for _, line := range []string{"a=1", "b", "c=3"} {
			key, value, ok := strings.Cut(line, "=")
			if err := errors.Join(tx.Savepoint(), tx.Put([]byte(key), []byte(value))); err != nil {
				return err
			}
			end := tx.ReleaseSavepoint // keeps the row
			if !ok {
				end = tx.RollbackToSavepoint
			}
			if err := end(); err != nil {
				return err
			}
		}
		fmt.Println(tx.Count(), "records; savepoints are left:", tx.ReleaseSavepoint() == nil)
		return nil
	})
	has, _ := db.Has([]byte("b"), nil)
	fmt.Println(err, has)
	// Output:
	// 2 records; savepoints are left: false
	// <nil> false
}

// Two share what they rest on, and nobody changes it meanwhile.
func ExampleTx_GetForShare() {
	db, done := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer done()
	price := []byte("price")
	db.Put(price, []byte("5"), nil)
	var readers []*engine.Tx
	for range 2 {
		tx, err := db.Begin(context.Background(), nil)
		if err != nil {
			log.Fatal(err)
		}
		value, err := tx.GetForShare(price, nil)
		fmt.Println(string(value), err)
		readers = append(readers, tx)
	}
	change := func() error {
		tx, err := db.Begin(context.Background(), &engine.TxOptions{LockTimeout: 1})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return tx.Put(price, []byte("6"))
	}
	fmt.Println("a change has to wait:", errors.Is(change(), engine.ErrTimedOut))
	for _, tx := range readers {
		tx.Rollback()
	}
	fmt.Println(change())
	// Output:
	// 5 <nil>
	// 5 <nil>
	// a change has to wait: true
	// <nil>
}

// Keys that are locked all at once lead to no ring of transactions that wait for each other.
func ExampleTx_MultiGetForUpdate() {
	db, done := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer done()
	left, right := []byte("left"), []byte("right")
	db.Put(left, []byte("1"), nil)
	db.Put(right, []byte("2"), nil)
	err := db.Update(context.Background(), func(tx *engine.Tx) error { // swaps them
		values, err := tx.MultiGetForUpdate([][]byte{left, right}, nil)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.Err != nil {
				return v.Err
			}
		}
		return errors.Join(tx.Put(left, values[1].Data), tx.Put(right, values[0].Data))
	})
	value, _ := db.Get(left, nil)
	fmt.Println(string(value), err)
	// Output: 2 <nil>
}

// A transaction sees what it wrote itself, others do not.
func ExampleTx_NewIter() {
	db, done := opened(&engine.Options{Transactions: engine.Optimistic})
	defer done()
	db.Put([]byte("a"), []byte("old"), nil)
	tx, err := db.Begin(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if err := errors.Join(tx.Put([]byte("a"), []byte("new")), tx.Put([]byte("b"), []byte("new"))); err != nil {
		log.Fatal(err)
	}
	it, err := tx.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		fmt.Printf("%s=%s\n", it.Key(), it.Value())
	}
	for _, r := range []interface {
		MultiGet([][]byte, *engine.ReadOptions) ([]engine.Value, error)
	}{tx, db} {
		values, err := r.MultiGet([][]byte{[]byte("a"), []byte("b")}, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %v\n", values[0].Data, values[1].Err)
	}
	// Output:
	// a=new
	// b=new
	// new <nil>
	// old rockbridge: not found
}

// A counter that many want: each waits for its lock, reads what is newest, and never begins anew.
func ExampleTxOptions_noSnapshot() {
	db, done := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer done()
	db.Put([]byte("n"), []byte("1"), nil)
	for _, o := range []*engine.TxOptions{nil, {NoSnapshot: true}} {
		tx, err := db.Begin(context.Background(), o)
		if err != nil {
			log.Fatal(err)
		}
		tx.Get([]byte("n"), nil)
		db.Put([]byte("n"), []byte("2"), nil) // somebody else
		value, err := tx.GetForUpdate([]byte("n"), nil)
		fmt.Printf("%q, busy: %v\n", value, errors.Is(err, engine.ErrBusy))
		tx.Rollback()
	}
	// Output:
	// "", busy: true
	// "2", busy: false
}

// Whoever forgets a transaction, or hangs in one, keeps others waiting no longer than it may last.
func ExampleTxOptions_expiration() {
	db, done := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer done()
	forgotten, err := db.Begin(context.Background(), &engine.TxOptions{Expiration: 100 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	forgotten.Put([]byte("a"), []byte("never"))

	err = db.Put([]byte("a"), []byte("another's"), nil) // waits for the lock
	fmt.Println(err)
	fmt.Println("too late:", errors.Is(forgotten.Commit(), engine.ErrExpired))
	// Output:
	// <nil>
	// too late: true
}

// A batch that was made before there was a transaction, with a note for those who follow the changes.
func ExampleTx_Append() {
	db, done := opened(&engine.Options{Transactions: engine.Pessimistic})
	defer done()
	order := db.NewBatch()
	order.Put([]byte("order/1"), []byte("3 pens"))
	order.Put([]byte("customer/7"), []byte("order/1"))
	err := db.Update(context.Background(), func(tx *engine.Tx) error {
		return errors.Join(tx.Append(order), tx.LogData([]byte("by the till")))
	})
	fmt.Println(err)
	changes, err := db.UpdatesSince(context.Background(), 0, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer changes.Close()
	for changes.Next(context.Background()) {
		for r := range changes.Update().Batch.Records() {
			fmt.Printf("%v %q %q\n", r.Kind, r.Key, r.Value)
		}
	}
	// Output:
	// <nil>
	// Put "order/1" "3 pens"
	// Put "customer/7" "order/1"
	// LogData "" "by the till"
}
