package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A transfer reads what it has written before anything of it is in the database.
func ExampleIndexedBatch() {
	db, remove := opened(nil)
	defer remove()
	db.Put([]byte("alice"), []byte("10"), nil)

	b, err := db.NewIndexedBatch()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	b.Put([]byte("alice"), []byte("7"))
	b.Put([]byte("bob"), []byte("3"))

	mine, err := b.Get([]byte("alice"), nil)
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := db.Get([]byte("alice"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the batch sees %s, the others %s\n", mine, theirs)

	if err := b.Commit(engine.Sync); err != nil {
		log.Fatal(err)
	}
	rows, done := engine.Scan(db, nil)
	for key, value := range rows {
		fmt.Printf("%s = %s\n", key, value)
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// the batch sees 7, the others 10
	// alice = 7
	// bob = 3
}

// A savepoint takes part of a batch back after a look at what it would do.
func ExampleIndexedBatch_RollbackToSavepoint() {
	db, remove := opened(nil)
	defer remove()
	for _, key := range []string{"log/1", "log/2", "name"} {
		db.Put([]byte(key), nil, nil)
	}
	b, err := db.NewIndexedBatch()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	b.SetSavepoint()
	b.DeleteRange([]byte("log/"), []byte("log0"))
	left, _, _, err := engine.Count(context.Background(), b, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left, "row would be left")
	if err := b.RollbackToSavepoint(); err != nil {
		log.Fatal(err)
	}
	left, _, _, err = engine.Count(context.Background(), b, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left, "rows are")
	// Output:
	// 1 row would be left
	// 3 rows are
}

// An iterator shows the batch as it was when it was made, or at its Refresh.
func ExampleIndexedBatch_NewIter() {
	db, remove := opened(nil)
	defer remove()
	b, err := db.NewIndexedBatch()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	b.Put([]byte("a"), []byte("1"))
	it, err := b.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	b.Put([]byte("b"), []byte("2"))
	for range 2 {
		for key, value := range it.All() {
			fmt.Printf("%s = %s\n", key, value)
		}
		if err := it.Error(); err != nil {
			log.Fatal(err)
		}
		if err := it.Refresh(); err != nil {
			log.Fatal(err)
		}
		fmt.Println("--")
	}
	// Output:
	// a = 1
	// --
	// a = 1
	// b = 2
	// --
}
