package engine_test

import (
	"fmt"
	"log"
)

func ExampleDB_LiveFiles() {
	db, done := opened(nil)
	defer done()
	for _, city := range []string{"Berlin", "Lima", "Ulm"} {
		if err := db.Put([]byte(city), []byte("a city"), nil); err != nil {
			log.Fatal(err)
		}
	}
	db.Delete([]byte("Ulm"), nil)
	if err := db.Flush(); err != nil { // out of memory, into a file
		log.Fatal(err)
	}

	files, err := db.LiveFiles()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		fmt.Printf("%s, level %d: %s to %s, %d records, %d of them delete\n",
			f.Family, f.Level, f.Smallest, f.Largest, f.Entries, f.Deletions)
	}
	// Output:
	// default, level 0: Berlin to Ulm, 3 records, 1 of them delete
}
