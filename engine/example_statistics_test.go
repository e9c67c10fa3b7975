package engine_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What RocksDB counted between two looks, by its own names.
func ExampleDB_Statistics() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{Statistics: engine.UsualStatistics})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := db.Put([]byte("key"), make([]byte, 1000), nil); err != nil {
		log.Fatal(err)
	}
	before, err := db.Statistics()
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		if _, err := db.Get([]byte("key"), nil); err != nil {
			log.Fatal(err)
		}
	}
	after, err := db.Statistics()
	if err != nil {
		log.Fatal(err)
	}
	s := after.Since(before)
	fmt.Println("keys read:", s.Tickers["rocksdb.number.keys.read"])
	fmt.Println("of memtables:", s.Tickers["rocksdb.memtable.hit"])
	fmt.Println("bytes of each:", s.Histograms["rocksdb.bytes.per.read"].Mean())
	// Output:
	// keys read: 3
	// of memtables: 3
	// bytes of each: 1000
}
