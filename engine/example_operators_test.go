package engine_test

import (
	"fmt"
	"log"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleEncodeInt64() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add}})
	defer done()

	// Counters without reading them first, from any goroutine.
	for _, n := range []int64{10, -3, 5} {
		if err := db.Merge([]byte("stock"), engine.EncodeInt64(n), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, err := db.Get([]byte("stock"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.DecodeInt64(value))
	fmt.Println(db.Merge([]byte("stock"), []byte("ten"), nil) != nil)
	// Output:
	// 12 <nil>
	// true
}

func ExampleAppendDelimited() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("\n")}})
	defer done()

	for _, line := range []string{"started", "listening", "stopped"} {
		if err := db.Merge([]byte("log"), []byte(line), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, err := db.Get([]byte("log"), nil)
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// started
	// listening
	// stopped <nil>
}

func ExampleBoundedList() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.BoundedList(2)}})
	defer done()

	for _, page := range []string{"/", "/shop", "/cart"} {
		if err := db.Merge([]byte("visitor 7"), engine.EncodeList([]byte(page)), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, err := db.Get([]byte("visitor 7"), nil)
	if err != nil {
		log.Fatal(err)
	}
	pages, err := engine.DecodeList(value)
	fmt.Printf("%s %v\n", pages, err)
	// Output: [/shop /cart] <nil>
}

func ExampleEncodeSet() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.SetUnion}})
	defer done()

	for _, tags := range [][][]byte{{[]byte("red")}, {[]byte("new"), []byte("big")}, {[]byte("red")}} {
		if err := db.Merge([]byte("item"), engine.EncodeSet(tags...), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, err := db.Get([]byte("item"), nil)
	if err != nil {
		log.Fatal(err)
	}
	tags, err := engine.DecodeSet(value)
	fmt.Printf("%s %v\n", tags, err)
	// Output: [big new red] <nil>
}

func ExampleWithTTL() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{CompactionFilter: engine.TTLFilter}})
	defer done()

	now := time.Now()
	db.Put([]byte("old"), engine.WithTTL([]byte("session 1"), now.Add(-time.Minute)), nil)
	db.Put([]byte("new"), engine.WithTTL([]byte("session 2"), now.Add(time.Hour)), nil)

	// Until a compaction comes by it is the reader who looks at the time.
	stored, err := db.Get([]byte("old"), nil)
	fmt.Println(engine.Expired(stored, now), err)

	if err := db.Compact(nil, nil, nil); err != nil {
		log.Fatal(err)
	}
	_, err = db.Get([]byte("old"), nil)
	fmt.Println(err == engine.ErrNotFound)
	stored, _ = db.Get([]byte("new"), nil)
	value, _, err := engine.SplitTTL(stored)
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// true <nil>
	// true
	// session 2 <nil>
}

func ExamplePrefixDrop() {
	drop := engine.PrefixDrop([]byte("v1/"), []byte("tmp/"))
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{CompactionFilter: drop}})
	defer done()

	for _, key := range []string{"tmp/1", "v1/a", "v2/a"} {
		if err := db.Put([]byte(key), nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		log.Fatal(err)
	}
	rows, finish := engine.Scan(db, nil)
	for key := range rows {
		fmt.Printf("%s\n", key)
	}
	fmt.Println(finish())
	// Output:
	// v2/a
	// <nil>
}
