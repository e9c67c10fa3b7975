package engine_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Much data that is seldom read: small filters, and a trained dictionary for the last level.
func ExampleTuning() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		FamilyOptions: engine.FamilyOptions{
			Compression:     engine.LZ4Compression,
			BloomBitsPerKey: 10,
			Tuning: engine.Tuning{
				Filter:                engine.RibbonFilter,
				BottommostCompression: engine.ZSTDCompression,
				DictionaryBytes:       16 << 10,
				DictionaryTrainBytes:  1600 << 10,
			},
		},
		RateLimit: 100 << 20,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	_, err = db.CreateColumnFamily("log", &engine.FamilyOptions{Tuning: engine.Tuning{Compaction: engine.FIFOCompaction}})
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	o, err := db.ColumnFamilies()[0].Options()
	fmt.Println(o["bottommost_compression"], err)
	// Output:
	// true
	// kZSTD <nil>
}

// Rows that are read again and again are found without a block, and do not hold one in the block cache.
func Example_rowCache() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		RowCacheSize: 8 << 20, Statistics: engine.UsualStatistics,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := errors.Join(db.Put([]byte("hot"), []byte("row"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		v, err := db.Get([]byte("hot"), nil)
		fmt.Println(string(v), err)
	}
	s, err := db.Statistics()
	fmt.Println(s.Tickers["rocksdb.row.cache.hit"], err)
	fmt.Println(errors.Is(db.DeleteRange([]byte("a"), []byte("z"), nil), engine.ErrUnsupported))
	// Output:
	// row <nil>
	// row <nil>
	// row <nil>
	// 2 <nil>
	// true
}

// Rows that are written and soon deleted again, as in a queue, are gone from the disk without waiting for a level to fill.
func ExampleDeletionTrigger() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var queue engine.FamilyOptions
	queue.CompactDeletions = engine.DeletionTrigger{Window: 1024, Deletions: 512, Ratio: 0.5}
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{Families: map[string]engine.FamilyOptions{"queue": queue}})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	queue.CompactDeletions.Deletions = 2000
	_, err = db.CreateColumnFamily("another", &queue)
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	// Output:
	// true
}

// Each tenant's rows, by the first four bytes of their keys, lie in tables of their own.
func ExampleTuning_partitionPrefix() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		FamilyOptions: engine.FamilyOptions{Tuning: engine.Tuning{PartitionPrefix: 4}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, key := range []string{"ann/1", "ann/2", "bob/1", "eve/1"} {
		if err := db.Put([]byte(key), []byte("row"), nil); err != nil {
			log.Fatal(err)
		}
	}
	err = errors.Join(db.Flush(), db.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	if err != nil {
		log.Fatal(err)
	}
	files, err := db.LiveFiles()
	for _, f := range files {
		fmt.Printf("%s to %s\n", f.Smallest, f.Largest)
	}
	fmt.Println(err)
	// Output:
	// ann/1 to ann/2
	// bob/1 to bob/1
	// eve/1 to eve/1
	// <nil>
}
