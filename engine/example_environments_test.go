package engine_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleMemoryFiles() {
	files, err := engine.NewMemoryFiles()
	if err != nil {
		log.Fatal(err)
	}
	defer files.Close()
	for run := range 2 { // the second opens what the first has closed
		db, err := engine.Open("db", &engine.Options{InMemory: files})
		if err != nil {
			log.Fatal(err)
		}
		if run == 0 {
			err = db.Put([]byte("key"), []byte("value"), nil)
		} else {
			err = db.GetPinned([]byte("key"), nil, func(v []byte) error { fmt.Printf("%s\n", v); return nil })
		}
		if err != nil {
			log.Fatal(err)
		}
		db.Close()
	}
	_, err = os.Stat("db")
	fmt.Println(os.IsNotExist(err), files.Databases())
	// Output:
	// value
	// true [/db]
}

func ExampleOptions_timedRows() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		TimedRows:     true,
		FamilyOptions: engine.FamilyOptions{RowTTL: 24 * time.Hour}, // then compactions remove the row
	})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := db.Put([]byte("session"), []byte("data"), nil); err != nil {
		log.Fatal(err)
	}
	value, err := db.Get([]byte("session"), nil)
	fmt.Printf("%s %v\n", value, err)
	// Output: data <nil>
}
