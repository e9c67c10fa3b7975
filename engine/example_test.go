package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// opened opens a database in a new directory; done closes and removes it.
func opened(o *engine.Options) (db *engine.DB, done func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	if db, err = engine.Open(filepath.Join(dir, "data"), o); err != nil {
		log.Fatal(err)
	}
	return db, func() {
		if err := db.Close(); err != nil {
			log.Fatal(err)
		}
		os.RemoveAll(dir)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if err := db.Put([]byte("greeting"), []byte("hello"), engine.Sync); err != nil {
		log.Fatal(err)
	}
	value, err := db.Get([]byte("greeting"), nil)
	fmt.Printf("%s %v\n", value, err)

	_, err = db.Get([]byte("absent"), nil)
	fmt.Println(err == engine.ErrNotFound)
	// Output:
	// hello <nil>
	// true
}

func ExampleOpen() {
	db, done := opened(&engine.Options{
		FamilyOptions:  engine.FamilyOptions{Compression: engine.ZSTDCompression, BloomBitsPerKey: 10},
		BlockCacheSize: 512 << 20,
		Extra:          "max_background_jobs=4;max_open_files=1000", // any RocksDB option by its name
	})
	defer done()
	fmt.Println(db.Property("rocksdb.block-cache-capacity"))

	_, err := engine.Open(db.Path(), nil)
	fmt.Println("second opener refused:", errors.Is(err, engine.ErrLocked))

	_, err = engine.Open(db.Path()+"-new", &engine.Options{Extra: "max_open_flies=1000"})
	fmt.Println("misspelt option refused:", errors.Is(err, engine.ErrInvalidArgument))
	// Output:
	// 536870912 <nil>
	// second opener refused: true
	// misspelt option refused: true
}

func ExampleOptions_families() {
	db, done := opened(&engine.Options{
		Families: map[string]engine.FamilyOptions{
			"users":    {BloomBitsPerKey: 10},
			"counters": {MergeOperator: engine.Uint64Add},
		},
	})
	defer done()
	for _, c := range db.ColumnFamilies() {
		fmt.Println(c.Name())
	}
	users, err := db.ColumnFamily("users")
	if err != nil {
		log.Fatal(err)
	}
	users.Put([]byte("7"), []byte("Ada"), nil)
	has, _ := db.Has([]byte("7"), nil)
	fmt.Println("in the default family:", has)
	_, err = db.ColumnFamily("orders")
	fmt.Println(errors.Is(err, engine.ErrFamilyNotFound))
	// Output:
	// default
	// counters
	// users
	// in the default family: false
	// true
}

func ExampleDB_Checkpoint() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("key"), []byte("then"), nil)
	backup := db.Path() + "-backup"
	if err := db.Checkpoint(context.Background(), backup); err != nil {
		log.Fatal(err)
	}
	db.Put([]byte("key"), []byte("now"), nil)

	old, err := engine.Open(backup, &engine.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer old.Close()
	value, err := old.Get([]byte("key"), nil)
	fmt.Printf("%s %v\n", value, err)
	// Output: then <nil>
}

func ExampleDB_CreateColumnFamily() {
	db, done := opened(nil)
	defer done()
	c, err := db.CreateColumnFamily("sessions", &engine.FamilyOptions{WriteBufferSize: 8 << 20})
	if err != nil {
		log.Fatal(err)
	}
	c.Put([]byte("id"), []byte("data"), nil)
	if err := db.DropColumnFamily(c); err != nil { // frees its files, however large
		log.Fatal(err)
	}
	_, err = c.Get([]byte("id"), nil)
	fmt.Println(errors.Is(err, engine.ErrFamilyDropped))
	// Output: true
}

func ExampleError() {
	db, done := opened(nil)
	defer done()
	err := db.Put([]byte("key"), nil, &engine.WriteOptions{Sync: true, DisableWAL: true})

	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	var e *engine.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Code, string(e.Key))
	}
	db.Close()
	_, err = db.Get([]byte("key"), nil)
	fmt.Println(err == engine.ErrClosed, errors.Is(err, os.ErrClosed))
	// Output:
	// true
	// put invalid argument key
	// true true
}

func ExampleDB_Property() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("key"), nil, nil)
	fmt.Println(db.Property("rocksdb.num-entries-active-mem-table"))
	_, err := db.Property("rocksdb.no-such-property")
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument))
	// Output:
	// 1 <nil>
	// true
}

// An exported stream names the database that its rows are of.
func ExampleDB_Identity() {
	db, done := opened(nil)
	defer done()
	id, err := db.Identity()
	if err != nil {
		log.Fatal(err)
	}
	var stream bytes.Buffer
	if _, err := engine.Export(context.Background(), db, nil, &stream, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(stream.Bytes(), []byte(id)))
	// Output: true
}

func ExampleSupports() {
	for _, f := range engine.Features() {
		if f.Since() == "" {
			fmt.Println(f, "with the build tag", f.Tag())
			continue
		}
		fmt.Println(f, "since RocksDB", f.Since())
	}
	db, done := opened(nil)
	defer done()
	err := db.WaitForCompact(context.Background())
	fmt.Println(engine.Supports(engine.WaitForCompact) == (err == nil))
	fmt.Println(err == nil || errors.Is(err, errors.ErrUnsupported))
	// Output:
	// flush families since RocksDB 8.1
	// wait for compact since RocksDB 8.7
	// snapshot sequence since RocksDB 9.0
	// shared memtables since RocksDB 8.9
	// set DB options since RocksDB 11.5
	// async I/O since RocksDB 7.10
	// ingest bottommost since RocksDB 8.1
	// backup stop since RocksDB 11.5
	// backup note since RocksDB 11.6
	// statistics levels since RocksDB 8.6
	// hyper clock since RocksDB 8.1
	// tuned rate limit since RocksDB 8.9
	// event listeners since RocksDB 10.3
	// resume with the build tag rb_cxx
	// compact status with the build tag rb_cxx
	// family files since RocksDB 10.7
	// compact files since RocksDB 11.6
	// pause background since RocksDB 11.6
	// disk budgets since RocksDB 10.6
	// compact parts since RocksDB 9.11
	// compact blobs since RocksDB 11.6
	// ingest links since RocksDB 11.6
	// ingest no copy since RocksDB 11.6
	// size flags since RocksDB 9.5
	// size margin since RocksDB 11.6
	// size blobs since RocksDB 11.6
	// identity call since RocksDB 9.4
	// adaptive read-ahead since RocksDB 11.6
	// all files since RocksDB 11.6
	// wide columns with the build tag rb_cxx
	// remote compaction since RocksDB 10.11
	// traces since RocksDB 11.6
	// deletions min size since RocksDB 10.6
	// table filter since RocksDB 11.6
	// table newest since RocksDB 11.6
	// rate limit modes since RocksDB 9.0
	// I/O context with the build tag rb_cxx
	// true
	// true
}
