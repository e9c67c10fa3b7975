package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleDB_NewSnapshot() {
	db, done := opened(nil)
	defer done()
	key := []byte("key")
	db.Put(key, []byte("old"), nil)
	s, err := db.NewSnapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	db.Put(key, []byte("new"), nil)

	then, _ := s.Get(key, nil)
	now, _ := db.Get(key, nil)
	fmt.Printf("%s, %s\n", then, now)
	// Output: old, new
}

func ExampleDB_View() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("a"), []byte("1"), nil)
	db.Put([]byte("b"), []byte("2"), nil)

	// Both reads see the same state, whatever is written meanwhile.
	err := db.View(context.Background(), func(s *engine.Snapshot) error {
		a, err := s.Get([]byte("a"), nil)
		if err != nil {
			return err
		}
		b, err := s.Get([]byte("b"), nil)
		fmt.Printf("%s %s\n", a, b)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 2
	// <nil>
}

func ExampleScan() {
	db, done := opened(nil)
	defer done()
	for _, city := range []string{"Oslo", "Paris", "Rome"} {
		db.Put([]byte(city), []byte("a city"), nil)
	}
	rows, finish := engine.Scan(db, &engine.IterOptions{LowerBound: []byte("P")})
	for key, value := range rows { // both may be kept
		fmt.Printf("%s: %s\n", key, value)
	}
	if err := finish(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Paris: a city
	// Rome: a city
}

func ExampleScan_prefix() {
	db, done := opened(nil)
	defer done()
	for _, key := range []string{"user:1", "user:2", "users", "order:1"} {
		db.Put([]byte(key), nil, nil)
	}
	rows, finish := engine.Scan(db, &engine.IterOptions{Prefix: []byte("user:"), KeysOnly: true, Limit: 10})
	for key := range rows {
		fmt.Printf("%s\n", key)
	}
	fmt.Println(finish())
	// Output:
	// user:1
	// user:2
	// <nil>
}

func ExampleDB_NewIter() {
	db, done := opened(nil)
	defer done()
	for i := range 10 {
		db.Put(fmt.Appendf(nil, "%d", i), nil, nil)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for ok := it.SeekLE([]byte("5!")); ok && it.CompareKey([]byte("3")) >= 0; ok = it.Prev() {
		fmt.Printf("%s ", it.Key())
	}
	fmt.Println(it.Error())
	// Output: 5 4 3 <nil>
}

func ExampleCount() {
	db, done := opened(nil)
	defer done()
	for i := range 100 {
		db.Put(fmt.Appendf(nil, "%03d", i), make([]byte, 10), nil)
	}
	// Counted in C: no row comes to Go.
	rows, keyBytes, valueBytes, err := engine.Count(context.Background(), db, &engine.IterOptions{UpperBound: []byte("050")})
	fmt.Println(rows, keyBytes, valueBytes, err)
	// Output: 50 150 500 <nil>
}

func ExampleDB_GetAppend() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("a"), []byte("first"), nil)
	db.Put([]byte("b"), []byte("second"), nil)

	buf := make([]byte, 0, 1024) // with room, reads allocate nothing
	for _, key := range []string{"a", "b", "c"} {
		var err error
		buf, err = db.GetAppend(buf[:0], []byte(key), nil)
		fmt.Printf("%q %v\n", buf, err)
	}
	// Output:
	// "first" <nil>
	// "second" <nil>
	// "" rockbridge: not found
}

func ExampleDB_GetPinned() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("page"), make([]byte, 1<<20), nil)

	// The megabyte is looked at where it lies; it must not be kept.
	zeros := 0
	err := db.GetPinned([]byte("page"), nil, func(value []byte) error {
		for _, b := range value {
			if b == 0 {
				zeros++
			}
		}
		return nil
	})
	fmt.Println(zeros, err)
	// Output: 1048576 <nil>
}

// What memory alone tells of keys: false is certain.
func ExampleColumnFamily_MayHave() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{BloomBitsPerKey: 10}})
	defer done()
	db.Put([]byte("a"), []byte("1"), nil)
	db.Flush()
	users, _ := db.ColumnFamily("default")
	for _, key := range []string{"a", "z"} {
		may, err := users.MayHave([]byte(key))
		fmt.Println(key, may, err)
	}
	// Output:
	// a true <nil>
	// z false <nil>
}

// Every row written has a number. That of a snapshot needs RocksDB 9.0.
func ExampleDB_LatestSequence() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("a"), nil, nil)
	s, err := db.NewSnapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	db.Put([]byte("b"), nil, nil)

	shown, err := s.Sequence()
	if errors.Is(err, engine.ErrUnsupported) {
		shown, err = 1, nil
	}
	fmt.Println(db.LatestSequence(), shown, err)
	// Output: 2 1 <nil>
}

// A caller that must not wait for the disk asks memory first.
func ExampleReadOptions_cacheOnly() {
	db, done := opened(nil)
	defer done()
	if err := errors.Join(db.Put([]byte("key"), []byte("value"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	quick := &engine.ReadOptions{CacheOnly: true}
	_, err := db.Get([]byte("key"), quick)
	fmt.Println("would read a file:", errors.Is(err, engine.ErrWouldBlock))

	db.Get([]byte("key"), nil) // elsewhere, where it may take its time
	value, err := db.Get([]byte("key"), quick)
	fmt.Println(string(value), err)
	// Output:
	// would read a file: true
	// value <nil>
}

// A long scan over much that is not in memory: each kind of read-ahead that the linked RocksDB has.
func ExampleIterOptions_readAhead() {
	db, done := opened(nil)
	defer done()
	if err := errors.Join(db.Put([]byte("key"), nil, nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	for _, o := range []engine.IterOptions{
		{ReadAhead: 2 << 20, NoFillCache: true},
		{ReadAhead: 2 << 20, AsyncIO: true}, // RocksDB 7.10, with liburing
		{AdaptiveReadAhead: true},           // RocksDB 11.6
	} {
		rows, _, _, err := engine.Count(context.Background(), db, &o)
		if errors.Is(err, engine.ErrUnsupported) {
			rows, _, _, err = engine.Count(context.Background(), db, nil)
		}
		fmt.Println(rows, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
	// 1 <nil>
}
