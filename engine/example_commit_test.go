package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Any number of goroutines may commit: those who come while another one is in C are written together,
// with one sync for all of them, and wait without a thread.
func ExampleCommitMode() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, &engine.Options{Commit: engine.CommitGrouped}) // the default
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			if err := db.Put(fmt.Appendf(nil, "%04d", i), []byte("v"), engine.Sync); err != nil {
				log.Print(err)
			}
		})
	}
	wg.Wait()
	rows, _, _, err := engine.Count(nil, db, nil)
	fmt.Println(rows, err)
	// Output: 1000 <nil>
}

// A server that is asked for its health asks the database.
func ExampleDB_Health() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	switch err := db.Health(); {
	case err == nil:
		fmt.Println("sound")
	case errors.Is(err, engine.ErrSyncFailed):
		fmt.Println("stop, look at the disk, and open the database again")
	default:
		fmt.Println("until it recovers:", err)
	}
	fmt.Println(db.Close(), errors.Is(db.Health(), engine.ErrClosed))
	// Output:
	// sound
	// <nil> true
}

// A compaction stops when its context ends; what it has done stays done.
func ExampleDB_Compact_cancel() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	err = db.Compact(ctx, nil, nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), errors.Is(err, engine.ErrTimedOut))
	// Output: true true
}
