package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Versions of a row, read as of a timestamp, until the history is raised.
func ExampleColumnFamily_At() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}})
	defer done()

	for at, value := range []string{"red", "green", "blue"} {
		if err := db.PutAt([]byte("colour"), uint64(at), []byte(value), nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.DeleteAt([]byte("colour"), 5, nil); err != nil {
		log.Fatal(err)
	}
	for _, at := range []uint64{1, 4, engine.Newest} {
		value, version, err := db.At(at).GetVersion([]byte("colour"), nil)
		fmt.Println(string(value), version, err)
	}

	if err := errors.Join(db.RaiseHistory(2), db.Compact(context.Background(), nil, nil)); err != nil {
		log.Fatal(err)
	}
	_, err := db.At(1).Get([]byte("colour"), nil)
	fmt.Println(errors.Is(err, engine.ErrNoHistory))
	// Output:
	// green 1 <nil>
	// blue 2 <nil>
	//  0 rockbridge: not found
	// true
}

// All versions of some time, deletions too.
func ExampleAsOf_Versions() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}})
	defer done()

	var b engine.Batch
	b.PutAt([]byte("a"), 10, []byte("first"))
	b.PutAt([]byte("b"), 11, []byte("other"))
	b.PutAt([]byte("a"), 12, []byte("second"))
	b.DeleteAt([]byte("b"), 13)
	if err := db.Write(&b, nil); err != nil {
		log.Fatal(err)
	}
	versions, end := db.At(13).Versions(11, nil)
	for v := range versions {
		fmt.Println(string(v.Key), v.Timestamp, string(v.Value), v.Deleted)
	}
	fmt.Println(end())
	// Output:
	// a 12 second false
	// b 13  true
	// b 11 other false
	// <nil>
}

// After an import that went wrong a database is put back to the time before it.
func ExampleTrimHistory() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}}
	db, err := engine.Open(dir, o)
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(db.PutAt([]byte("price"), 1, []byte("12"), nil), db.PutAt([]byte("price"), 2, []byte("1200"), nil), db.Close())
	if err != nil {
		log.Fatal(err)
	}

	if err := engine.TrimHistory(dir, 1, o); err != nil {
		log.Fatal(err)
	}
	if db, err = engine.Open(dir, o); err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	value, version, err := db.At(engine.Newest).GetVersion([]byte("price"), nil)
	fmt.Println(string(value), version, err)
	// Output: 12 1 <nil>
}

// From where on all versions are there.
func ExampleDB_HistoryLow() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}})
	defer done()
	fmt.Println(db.HistoryLow())
	if err := errors.Join(db.PutAt([]byte("key"), 6, nil, nil), db.RaiseHistory(5)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.HistoryLow())
	// Output:
	// 0 <nil>
	// 5 <nil>
}

// Keys in a batch's records have their timestamps behind them.
func ExampleSplitTimestamp() {
	var b engine.Batch
	b.PutAt([]byte("colour"), 7, []byte("red"))
	for r := range b.Records() {
		key, timestamp, err := engine.SplitTimestamp(r.Key)
		fmt.Println(string(key), timestamp, err)
	}
	// Output: colour 7 <nil>
}
