package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"

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
