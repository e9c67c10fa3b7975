package engine_test

import (
	"errors"
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

// How well each level's files are compressed; -1 where there are none.
func ExampleDB_PropertyFloat() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	defer done()
	if err := errors.Join(db.Put([]byte("key"), make([]byte, 1000), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	top, err := db.PropertyFloat(engine.PropCompressionRatioAtLevel + "0")
	fmt.Println(top > 0, err)
	fmt.Println(db.PropertyFloat(engine.PropCompressionRatioAtLevel + "6"))
	// Output:
	// true <nil>
	// -1 <nil>
}

// The properties that are fractions.
func ExampleProperties() {
	for _, p := range engine.Properties() {
		if p.Kind == engine.PropertyFraction {
			fmt.Println(p.Name, "with the number of a level:", p.Numbered)
		}
	}
	// Output: rocksdb.compression-ratio-at-level with the number of a level: true
}
