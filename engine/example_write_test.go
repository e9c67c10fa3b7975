package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleDB_Write() {
	db, done := opened(nil)
	defer done()

	b := db.NewBatch()
	b.Put([]byte("from"), []byte("90"))
	b.Put([]byte("to"), []byte("110"))
	b.Delete([]byte("pending"))
	fmt.Println(b.Count(), "records in", b.Size(), "bytes")

	// All of them or none, synced to disk, in one call into C.
	if err := db.Write(b, engine.Sync); err != nil {
		log.Fatal(err)
	}
	value, _ := db.Get([]byte("to"), nil)
	fmt.Printf("%s\n", value)
	// Output:
	// 3 records in 38 bytes
	// 110
}

func ExampleBatch_In() {
	db, done := opened(&engine.Options{Families: map[string]engine.FamilyOptions{"users": {}, "names": {}}})
	defer done()
	users, _ := db.ColumnFamily("users")
	names, _ := db.ColumnFamily("names")

	b := db.NewBatch() // a row and its index, written together
	b.In(users).Put([]byte("7"), []byte("Ada"))
	b.In(names).Put([]byte("Ada"), []byte("7"))
	if err := db.Write(b, nil); err != nil {
		log.Fatal(err)
	}
	id, err := names.Get([]byte("Ada"), nil)
	fmt.Printf("%s %v\n", id, err)
	// Output: 7 <nil>
}

func ExampleBatch_SetSavepoint() {
	var b engine.Batch // the zero value is ready
	b.Put([]byte("kept"), nil)
	b.SetSavepoint()
	b.Put([]byte("taken back"), nil)
	b.DeleteRange([]byte("a"), []byte("z"))
	if err := b.RollbackToSavepoint(); err != nil {
		log.Fatal(err)
	}
	for r := range b.Records() {
		fmt.Printf("%v %s\n", r.Kind, r.Key)
	}
	// Output: Put kept
}

func ExampleBatch_Append() {
	var first, second engine.Batch
	first.Put([]byte("a"), nil)
	second.Put([]byte("b"), nil)
	if err := first.Append(&second); err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Count(), second.Count())
	// Output: 2 1
}

func ExampleParseBatch() {
	var b engine.Batch
	b.Put([]byte("key"), []byte("value"))
	b.Delete([]byte("old"))
	b.LogData([]byte("for the log only"))
	sent := b.Repr() // RocksDB's own format: to a replica, for example

	received, err := engine.ParseBatch(sent)
	if err != nil {
		log.Fatal(err)
	}
	for r := range received.Records() {
		fmt.Printf("%v %q %q\n", r.Kind, r.Key, r.Value)
	}
	_, err = engine.ParseBatch(sent[:len(sent)-1])
	fmt.Println("damaged:", errors.Is(err, engine.ErrCorruption))
	// Output:
	// Put "key" "value"
	// Delete "old" ""
	// LogData "" "for the log only"
	// damaged: true
}

func ExampleDB_Merge() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}})
	defer done()
	hits := []byte("hits")
	for n := range uint64(4) { // no read before the write
		if err := db.Merge(hits, binary.LittleEndian.AppendUint64(nil, n), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, _ := db.Get(hits, nil)
	fmt.Println(binary.LittleEndian.Uint64(value))
	// Output: 6
}

func ExampleDB_DeleteRange() {
	db, done := opened(nil)
	defer done()
	for _, key := range []string{"a", "b", "c", "d"} {
		db.Put([]byte(key), nil, nil)
	}
	if err := db.DeleteRange([]byte("b"), []byte("d"), nil); err != nil { // b and c
		log.Fatal(err)
	}
	rows, _, _, _ := engine.Count(context.Background(), db, nil)
	fmt.Println(rows)
	fmt.Println(errors.Is(db.DeleteRange([]byte("b"), nil, nil), engine.ErrInvalidArgument))
	// Output:
	// 2
	// true
}

func ExampleWriter() {
	db, done := opened(nil)
	defer done()
	fill := func(w engine.Writer) error {
		return errors.Join(w.Put([]byte("a"), []byte("1")), w.Put([]byte("b"), []byte("2")), w.Delete([]byte("a")))
	}
	b := db.NewBatch()
	fmt.Println(fill(b), fill(db.Writer(engine.Sync))) // staged; or each call committed
	fmt.Println(db.Write(b, nil))
	has, _ := db.Has([]byte("b"), nil)
	fmt.Println(has)
	// Output:
	// <nil> <nil>
	// <nil>
	// true
}

// A job is put once and taken once.
func ExampleDB_SingleDelete() {
	db, done := opened(nil)
	defer done()
	job := []byte("job/1")
	fmt.Println(db.Put(job, []byte("to do"), nil), db.SingleDelete(job, nil))
	has, err := db.Has(job, nil)
	fmt.Println(has, err)
	// Output:
	// <nil> <nil>
	// false <nil>
}

// Many writes, and one sync for all of them.
func ExampleDB_SyncWAL() {
	db, done := opened(nil)
	defer done()
	for i := range 100 {
		if err := db.Put(fmt.Appendf(nil, "row/%d", i), nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("survive a power cut:", db.SyncWAL() == nil)
	// Output: survive a power cut: true
}

// With a log that is flushed by hand, commits wait in the process until they are handed over together.
func ExampleDB_FlushWAL() {
	db, done := opened(&engine.Options{Extra: "manual_wal_flush=true"})
	defer done()
	for i := range 100 {
		if err := db.Put(fmt.Appendf(nil, "row/%d", i), nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("survive the end of the process:", db.FlushWAL() == nil)
	// Output: survive the end of the process: true
}

// A cleaner steps back before those who wait for an answer, and does not wait in a write stall.
func ExampleWriteOptions() {
	db, done := opened(nil)
	defer done()
	polite := &engine.WriteOptions{LowPriority: true, NoSlowdown: true}
	err := db.Delete([]byte("old"), polite)
	if errors.Is(err, engine.ErrWouldBlock) {
		err = nil // another time
	}
	fmt.Println(err)
	// Output: <nil>
}
