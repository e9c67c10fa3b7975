package engine_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

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

// What is in force, by RocksDB's names.
func ExampleDB_Options() {
	db, done := opened(&engine.Options{Extra: "max_open_files=100"})
	defer done()
	o, err := db.Options()
	fmt.Println(o["max_open_files"], o["paranoid_checks"], err)
	// Output: 100 true <nil>
}

// A cache for many processors, where the linked RocksDB has it.
func ExampleOptions_blockCache() {
	o := &engine.Options{BlockCacheSize: 64 << 20}
	if engine.Supports(engine.HyperClock) { // RocksDB 8.1
		o.BlockCache = engine.HyperClockCache
	}
	db, done := opened(o)
	defer done()
	size, err := db.PropertyInt(engine.PropBlockCacheCapacity)
	fmt.Println(size>>20, err)
	// Output: 64 <nil>
}

// Large values in files of their own, which compactions of the keys leave alone.
func ExampleTuning_blobsFrom() {
	db, done := opened(&engine.Options{
		FamilyOptions: engine.FamilyOptions{Tuning: engine.Tuning{BlobsFrom: 1 << 10, BlobCompression: engine.ZSTDCompression}},
	})
	defer done()
	if err := errors.Join(db.Put([]byte("picture"), make([]byte, 1<<20), nil), db.Put([]byte("title"), []byte("sea"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.PropertyInt(engine.PropNumBlobFiles))
	value, err := db.Get([]byte("picture"), nil)
	fmt.Println(len(value), err)
	// Output:
	// 1 <nil>
	// 1048576 <nil>
}

// The upper levels, which are rewritten often, cost no processor time; the others are compressed.
func ExampleTuning_compressionPerLevel() {
	var o engine.FamilyOptions
	o.CompressionPerLevel = [7]engine.Compression{engine.NoCompression, engine.NoCompression, engine.LZ4Compression}
	o.BottommostCompression = engine.ZSTDCompression
	db, done := opened(&engine.Options{FamilyOptions: o})
	defer done()
	o.Compression = engine.ZlibCompression
	_, err := db.CreateColumnFamily("both", &o)
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	levels, err := db.ColumnFamilies()[0].Options()
	fmt.Println(strings.HasPrefix(levels["compression_per_level"], "kNoCompression:kNoCompression:kLZ4Compression"), err)
	// Output:
	// true
	// true <nil>
}

// Least writing, for more space.
func ExampleTuning_compaction() {
	var o engine.FamilyOptions
	o.Compaction = engine.UniversalCompaction
	db, done := opened(&engine.Options{FamilyOptions: o})
	defer done()
	style, err := db.ColumnFamilies()[0].Options()
	fmt.Println(style["compaction_style"], err)
	// Output: kCompactionStyleUniversal <nil>
}

// Only the block cache holds blocks, and not the operating system's cache too, where the file system can do so.
func ExampleOptions_directReads() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o := &engine.Options{DirectReads: true, DirectWrites: true, BlockCacheSize: 256 << 20}
	db, err := engine.Open(filepath.Join(dir, "db"), o)
	if err != nil { // as on some that are in memory
		o.DirectReads, o.DirectWrites = false, false
		if db, err = engine.Open(filepath.Join(dir, "db"), o); err != nil {
			log.Fatal(err)
		}
	}
	defer db.Close()
	fmt.Println(db.Put([]byte("key"), nil, nil), db.Flush())
	value, err := db.Get([]byte("key"), nil)
	fmt.Println(len(value), err)
	// Output:
	// <nil> <nil>
	// 0 <nil>
}

// Two ways to more throughput for many writers; the second one makes snapshots weaker, and they exclude each other.
func ExampleOptions_pipelinedWrite() {
	for _, o := range []*engine.Options{{PipelinedWrite: true}, {UnorderedWrite: true}} {
		db, done := opened(o)
		in, err := db.Options()
		fmt.Println(in["enable_pipelined_write"], in["unordered_write"], err)
		done()
	}
	_, err := engine.Open("never made", &engine.Options{PipelinedWrite: true, UnorderedWrite: true})
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	// Output:
	// true false <nil>
	// false true <nil>
	// true
}

// Flushes and compactions leave the disk to reads: up to 100 MiB a second, less where less is to do, and what compactions read
// counts. The latter two are there from RocksDB 8.9 and 9.0 on, or with the tag rb_cxx.
func ExampleOptions_rateLimit() {
	o := &engine.Options{RateLimit: 100 << 20, RateLimitTunes: engine.Supports(engine.TunedRateLimit)}
	if engine.Supports(engine.RateLimitModes) {
		o.RateLimitMode = engine.LimitAll
	}
	db, done := opened(o)
	defer done()
	fmt.Println(db.Put([]byte("key"), nil, nil), db.Flush())
	// Output: <nil> <nil>
}
