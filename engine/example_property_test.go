package engine_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Properties are read as what they are: numbers, fractions, maps and texts.
func ExampleColumnFamily_PropertyInt() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{Families: map[string]engine.FamilyOptions{"events": {}}})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	events, err := db.ColumnFamily("events")
	if err != nil {
		log.Fatal(err)
	}
	if err := events.Put([]byte("key"), []byte("value"), nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(events.PropertyInt(engine.PropNumEntriesActiveMemtable))
	fmt.Println(db.PropertySum(engine.PropNumEntriesActiveMemtable))
	if err := db.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(events.PropertyInt(engine.PropNumFilesAtLevel + "0"))
	tables, err := events.PropertyMap(engine.PropAggregatedTableProperties)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("rows in files:", tables["# entries"])
	// Output:
	// 1 <nil>
	// 1 <nil>
	// 1 <nil>
	// rows in files: 1
}
