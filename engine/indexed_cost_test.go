package engine_test

import (
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// However many records were added, the read that follows takes them along in its one call.
func TestRecordsOfAnIndexedBatchGoWithTheNextRead(t *testing.T) {
	db := openTemp(t, addingAndPlain())
	b := newIndexed(t, db)
	plain, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	key, value := []byte("key"), make([]byte, 100<<10)
	expectCalls := func(what string, want int64, f func()) {
		t.Helper()
		if n := cgoCalls(f); n != want {
			t.Errorf("%s: %d calls, want %d", what, n, want)
		}
	}
	add := func() {
		for i := range 1000 {
			b.Put(fmt.Appendf(nil, "%d", i), []byte("v"))
			b.In(plain).Put(fmt.Appendf(nil, "%d", i), []byte("v"))
		}
		b.Put(key, value)
		b.SetSavepoint()
		b.Merge([]byte("sum"), uint64le(1))
		b.RollbackToSavepoint()
	}
	if err := db.Put(key, value, nil); err != nil {
		t.Fatal(err)
	}
	expectCalls("GetPinned before any record, and its release", 2, func() {
		b.GetPinned(key, nil, func([]byte) error { return nil })
	})
	expectCalls("2000 records", 0, add)
	expectCalls("the first read, and the index", 2, func() { b.Get([]byte("1"), nil) })
	expectCalls("2000 more records", 0, add)
	expectCalls("Get", 1, func() { b.Get([]byte("2"), nil) })
	expectCalls("Get of a large value of the batch", 1, func() { b.Get(key, nil) })
	b.Put(key, value)
	expectCalls("GetAppend", 1, func() { b.GetAppend(nil, key, nil) })
	b.Delete(key)
	expectCalls("Has", 1, func() { b.Has(key, nil) })
	b.Merge(key, uint64le(1))
	expectCalls("Get of a sum", 1, func() { b.Get(key, nil) })
	b.Put(key, value)
	var rows int64
	expectCalls("a count", 3, func() { rows, _, _, err = engine.Count(t.Context(), b.In(plain), nil) }) // make, count, free
	if rows != 1000 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	b.Put(key, value)
	expectCalls("Commit", 1, func() { err = b.Commit(nil) })
	if err != nil {
		t.Error(err)
	}
	expectCalls("Reset", 1, b.Reset)
	expectCalls("Reset without an index", 0, b.Reset)
	expectCalls("Get of the database alone, and the release of a large value", 2, func() { b.Get(key, nil) })
}

func TestRecordsAndReadsOfAnIndexedBatchAllocateNothing(t *testing.T) {
	if instrumented() {
		t.Skip("what is compiled in allocates itself")
	}
	db := openTemp(t, addingAndPlain())
	b := newIndexed(t, db)
	plain, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	key, value, dst := []byte("key"), make([]byte, 10), make([]byte, 0, 64)
	for range 2000 { // room for the records below
		b.Put(key, value)
		b.In(plain).Put(key, value)
	}
	b.Reset()
	allocs(t, "Put", 0, func() { b.Put(key, value) })
	allocs(t, "In and Put", 0, func() { b.In(plain).Put(key, value) })
	allocs(t, "Delete", 0, func() { b.Delete(key) })
	allocs(t, "Merge", 0, func() { b.Merge(key, uint64le(1)) })
	allocs(t, "GetAppend", 0, func() {
		b.Put(key, value)
		b.GetAppend(dst, key, nil)
	})
	allocs(t, "Get", 1, func() { b.Get(key, nil) })
	allocs(t, "Has", 0, func() { b.Has(key, nil) })
}
