package engine_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A database whose file CURRENT is gone is put together from its tables and logs.
func ExampleRepair() {
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
	if err := db.Put([]byte("city"), []byte("Lima"), engine.Sync); err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "CURRENT")); err != nil {
		log.Fatal(err)
	}

	r, err := engine.Repair(dir, nil)
	fmt.Println(len(r.Lost), err)
	if db, err = engine.Open(dir, &engine.Options{ErrorIfMissing: true}); err != nil {
		log.Fatal(err)
	}
	value, err := db.Get([]byte("city"), nil)
	fmt.Printf("%s %v\n", value, err)
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0 <nil>
	// Lima <nil>
}
