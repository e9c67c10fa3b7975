package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestBuildingABatchMakesNoCallIntoC(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	b := db.NewBatch()
	key, value := []byte("key"), make([]byte, 100)
	n := cgoCalls(func() {
		for i := range 10_000 {
			v := b
			if i%3 == 0 {
				v = b.In(families[1])
			}
			key[0] = byte(i)
			v.Put(key, value)
			v.Delete(key)
			v.SingleDelete(key)
			v.Merge(key, value)
			v.DeleteRange(key, []byte("\xff\xff"))
			b.LogData(value)
		}
		b.SetSavepoint()
		b.Put(key, value)
		b.RollbackToSavepoint()
		p, err := engine.ParseBatch(b.Repr())
		if err != nil {
			t.Fatal(err)
		}
		b.Append(p)
		for range b.Records() {
		}
		b.Size()
	})
	if n != 0 {
		t.Errorf("%d calls", n)
	}
	if b.Count() != 100_000 {
		t.Errorf("%d records", b.Count())
	}
	if n := cgoCalls(func() {
		if err := db.Write(b, nil); err != nil {
			t.Error(err)
		}
	}); n != 1 {
		t.Errorf("Write of 100,000 records: %d calls", n)
	}
}

func TestARecordWithRoomAllocatesNothing(t *testing.T) {
	if instrumented() {
		t.Skip("what is compiled in allocates itself")
	}
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	one, two := families[1], families[2]
	key, value := []byte("key"), make([]byte, 100)
	for name, b := range map[string]*engine.Batch{"zero": new(engine.Batch), "made": db.NewBatch()} {
		for range 1000 { // room, and the views
			b.Put(value, value)
		}
		b.In(one)
		b.In(two)
		b.SetSavepoint()
		b.Reset()
		for what, f := range map[string]func(){
			"Put":             func() { b.Put(key, value) },
			"Delete":          func() { b.Delete(key) },
			"SingleDelete":    func() { b.SingleDelete(key) },
			"Merge":           func() { b.Merge(key, value) },
			"DeleteRange":     func() { b.DeleteRange(key, key) },
			"LogData":         func() { b.LogData(value) },
			"In and Put":      func() { b.In(one).Put(key, value) },
			"other In, Put":   func() { b.In(two).Put(key, value); b.In(one).Put(key, value) },
			"Count and Size":  func() { b.Count(); b.Size(); b.Repr() },
			"Reset":           func() { b.Reset(); b.In(one).Put(key, value); b.Put(key, value) },
			"savepoint":       func() { b.SetSavepoint() },
			"an empty record": func() { b.Put(nil, nil) },
		} {
			b.Reset()
			allocs(t, name+": "+what, 0, f)
		}
	}
}

func TestResetKeepsMemoryUpToOneMiB(t *testing.T) {
	if instrumented() {
		t.Skip("what is compiled in allocates itself")
	}
	fill := func(b *engine.Batch, n int) {
		for b.Size() < n {
			b.Put([]byte("key"), make([]byte, 1000))
		}
	}
	var b engine.Batch
	fill(&b, 500<<10)
	allocs(t, "refilled after Reset", 0, func() {
		b.Reset()
		fill(&b, 500<<10)
	})
	fill(&b, 3<<20)
	before := &b.Repr()[0]
	b.Reset()
	b.Put([]byte("key"), nil)
	if &b.Repr()[0] == before {
		t.Error("3 MiB were kept")
	}
}
