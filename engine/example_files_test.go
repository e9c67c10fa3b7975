package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleDB_UpdatesSince() {
	db, done := opened(&engine.Options{Extra: "WAL_ttl_seconds=86400"}) // logs are kept for a day
	defer done()
	ctx := context.Background()
	db.Put([]byte("Lima"), []byte("10 million"), nil)

	u, err := db.UpdatesSince(ctx, 1, nil)
	if err != nil {
		log.Fatal(err) // ErrGap: take a copy of the rows, and begin there
	}
	defer u.Close()
	show := func() {
		for u.Next(ctx) {
			for r := range u.Update().Batch.Records() {
				fmt.Printf("%v %s=%s\n", r.Kind, r.Key, r.Value)
			}
		}
		if err := u.Error(); err != nil {
			log.Fatal(err)
		}
		fmt.Println("next time from row", u.Position().Sequence)
	}
	show()
	db.Put([]byte("Ulm"), []byte("0.1 million"), nil)
	db.Delete([]byte("Lima"), nil)
	if err := u.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// Put Lima=10 million
	// next time from row 2
	// Put Ulm=0.1 million
	// Delete Lima=
	// next time from row 4
}

func ExampleColumnFamily_DeleteFilesInRange() {
	db, done := opened(nil)
	defer done()
	for _, key := range []string{"2019-01", "2019-02", "2026-01"} {
		db.Put([]byte(key), []byte("measured"), nil)
	}
	start, end := []byte("2019"), []byte("2020")
	if err := db.DeleteRange(start, end, nil); err != nil { // the rows are gone
		log.Fatal(err)
	}
	if err := db.DeleteFilesInRange(start, end); err != nil { // and now the space, as far as whole files go
		log.Fatal(err)
	}
	rows, _, _, err := engine.Count(context.Background(), db, nil)
	fmt.Println(rows, err)
	// Output:
	// 1 <nil>
}

func ExampleDB_VerifyChecksums() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("a"), []byte("1"), nil)
	db.Flush()
	fmt.Println("damaged:", db.VerifyChecksums(context.Background()))
	// Output:
	// damaged: <nil>
}

func ExampleDestroy() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "data")
	db, err := engine.Open(path, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("while it is open:", engine.Destroy(path) != nil)
	db.Close()
	fmt.Println("afterwards:", engine.Destroy(path))
	_, err = os.Stat(path)
	fmt.Println("gone:", os.IsNotExist(err))
	// Output:
	// while it is open: true
	// afterwards: <nil>
	// gone: true
}

// A reader of changes keeps its position, and another one goes on there, also after a restart.
func ExampleDB_UpdatesFrom() {
	db, done := opened(&engine.Options{Extra: "WAL_ttl_seconds=86400"})
	defer done()
	ctx := context.Background()
	var at engine.UpdatePosition // the first time
	for _, city := range []string{"Lima", "Ulm"} {
		db.Put([]byte(city), nil, nil)
		u, err := db.UpdatesFrom(ctx, at, nil)
		if err != nil {
			log.Fatal(err)
		}
		for u.Next(ctx) {
			for r := range u.Update().Batch.Records() {
				fmt.Printf("%v %s\n", r.Kind, r.Key)
			}
		}
		if err := errors.Join(u.Error(), u.Close()); err != nil {
			log.Fatal(err)
		}
		at = u.Position() // to be kept with what was made of the rows
	}
	// Output:
	// Put Lima
	// Put Ulm
}
