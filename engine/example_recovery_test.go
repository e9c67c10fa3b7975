package engine_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Open does not pass over damage in the write-ahead log.
func ExampleDB_Recovery() {
	dir, err := os.MkdirTemp("", "rockbridge")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	for i := range 10 {
		if err := db.Put([]byte{byte(i)}, []byte("value"), engine.Sync); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}

	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		log.Fatal(err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		log.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(logs[0], content, 0o600); err != nil {
		log.Fatal(err)
	}

	_, err = engine.Open(dir, nil)
	fmt.Println("damaged:", errors.Is(err, engine.ErrCorruption))
	db, err = engine.Open(dir, &engine.Options{AcceptDataLoss: true})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	r := db.Recovery()
	fmt.Println(r.Records, "writes came back, and of", r.LostRecords, "it is known that they did not")
	// Output:
	// damaged: true
	// 5 writes came back, and of 4 it is known that they did not
}

// A write that ended the program each time that it was replayed is left out.
func ExampleOptions_logFilter() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "db")
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(db.Put([]byte("good"), []byte("1"), nil), db.Put([]byte("bad"), []byte("2"), nil), db.Close()); err != nil {
		log.Fatal(err)
	}

	db, err = engine.Open(dir, &engine.Options{LogFilter: func(w engine.LoggedWrite) (engine.LogVerdict, error) {
		for family, record := range w.Records() {
			if family == "default" && string(record.Key) == "bad" {
				return engine.DropWrite, nil
			}
		}
		return engine.KeepWrite, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	there, err := db.Has([]byte("bad"), nil)
	fmt.Println(db.Recovery().DroppedRecords, there, err)
	// Output: 1 false <nil>
}
