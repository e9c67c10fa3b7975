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
