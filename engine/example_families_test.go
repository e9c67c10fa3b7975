package engine_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleNewIters() {
	db, done := opened(&engine.Options{Families: map[string]engine.FamilyOptions{"users": {}, "names": {}}})
	defer done()
	users, _ := db.ColumnFamily("users")
	names, _ := db.ColumnFamily("names")
	b := db.NewBatch()
	b.In(users).Put([]byte("7"), []byte("Ada"))
	b.In(names).Put([]byte("Ada"), []byte("7"))
	if err := db.Write(b, nil); err != nil {
		log.Fatal(err)
	}

	its, err := engine.NewIters(users, names) // both see the batch, or neither does
	if err != nil {
		log.Fatal(err)
	}
	for _, it := range its {
		it.First()
		fmt.Printf("%s=%s\n", it.Key(), it.Value())
		if err := it.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 7=Ada
	// Ada=7
}

func ExampleNewItersWith() {
	db, done := opened(&engine.Options{Families: map[string]engine.FamilyOptions{"names": {}}})
	defer done()
	names, _ := db.ColumnFamily("names")
	names.Put([]byte("a/Ada"), nil, nil)
	names.Put([]byte("b/Bob"), nil, nil)

	its, err := engine.NewItersWith(&engine.IterOptions{Prefix: []byte("b/")}, names)
	if err != nil {
		log.Fatal(err)
	}
	defer its[0].Close()
	for key := range its[0].All() {
		fmt.Printf("%s\n", key)
	}
	// Output: b/Bob
}

func ExampleDB_CreateColumnFamilies() {
	db, done := opened(nil)
	defer done()
	families, err := db.CreateColumnFamilies([]string{"2025", "2026"}, &engine.FamilyOptions{WriteBufferSize: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		fmt.Println(f.ID(), f.Name())
	}
	_, err = db.CreateColumnFamilies([]string{"2027", "2026"}, nil) // neither is made
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument), len(db.ColumnFamilies()))
	// Output:
	// 1 2025
	// 2 2026
	// true 3
}

func ExampleColumnFamily_SetOptions() {
	db, done := opened(&engine.Options{Families: map[string]engine.FamilyOptions{"events": {}}})
	defer done()
	events, _ := db.ColumnFamily("events")

	// No compactions while much is loaded.
	err := events.SetOptions(map[string]string{"disable_auto_compactions": "true", "write_buffer_size": "128M"})
	if err != nil {
		log.Fatal(err)
	}
	now, err := events.Options()
	fmt.Println(now["disable_auto_compactions"], now["write_buffer_size"], err)

	// All or none.
	err = events.SetOptions(map[string]string{"disable_auto_compactions": "false", "no_such_thing": "1"})
	now, _ = events.Options()
	fmt.Println(errors.Is(err, engine.ErrInvalidArgument), now["disable_auto_compactions"])
	// Output:
	// true 134217728 <nil>
	// true true
}

func ExampleListColumnFamilies() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, &engine.Options{Families: map[string]engine.FamilyOptions{"users": {}}})
	if err != nil {
		log.Fatal(err)
	}
	db.Close()
	names, err := engine.ListColumnFamilies(dir)
	fmt.Println(names, err)
	// Output: [default users] <nil>
}

func ExampleMemoryBudget() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	memory, err := engine.NewMemoryBudget(64 << 20)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"hot", "cold"} {
		db, err := engine.Open(filepath.Join(dir, name), &engine.Options{Memory: memory})
		if err != nil {
			log.Fatal(err)
		}
		defer db.Close()
		if err := db.Put([]byte("key"), []byte("value"), nil); err != nil {
			log.Fatal(err)
		}
	}
	memory.Close() // the databases go on sharing it
	_, err = engine.Open(filepath.Join(dir, "late"), &engine.Options{Memory: memory})
	fmt.Println(errors.Is(err, engine.ErrClosed))
	// Output: true
}

// A program that gets more or less memory has its budget follow.
func ExampleMemoryBudget_SetCapacity() {
	memory, err := engine.NewMemoryBudget(64 << 20)
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()
	_, done := opened(&engine.Options{Memory: memory})
	defer done()
	err = memory.SetCapacity(128 << 20)
	fmt.Println(memory.Usage().Capacity>>20, err)
	fmt.Println(errors.Is(memory.SetCapacity(1), engine.ErrInvalidArgument))
	// Output:
	// 128 <nil>
	// true
}

// The order of a family's keys is chosen when it is made.
func ExampleFamilyOptions_comparator() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Comparator: engine.ReverseBytewise}})
	defer done()
	for _, day := range []string{"2026-01-01", "2026-01-03", "2026-01-02"} {
		db.Put([]byte(day), nil, nil)
	}
	rows, end := engine.Scan(db, nil) // the newest first
	for day := range rows {
		fmt.Printf("%s\n", day)
	}
	fmt.Println(end())
	// Output:
	// 2026-01-03
	// 2026-01-02
	// 2026-01-01
	// <nil>
}
