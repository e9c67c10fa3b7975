package engine_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestSavepointsNestAsInTheModel(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	ids := []uint32{0, 1, 2}
	var records []engine.Record // what the batch holds
	var saves []int             // how many it held at each savepoint
	model := modelDB{}
	b, other := db.NewBatch(), db.NewBatch()
	rollbacks, deepest := 0, 0
	for range 20_000 {
		view := []*engine.Batch{b, b.In(families[1]), b.In(families[2])}[r.IntN(3)]
		switch n := r.IntN(100); {
		case n < 55:
			rec := randomRecord(r, ids)
			if err := add(b, families, rec); err != nil {
				t.Fatal(err)
			}
			records = append(records, rec)
		case n < 70:
			if err := view.SetSavepoint(); err != nil {
				t.Fatal(err)
			}
			saves = append(saves, len(records))
			deepest = max(deepest, len(saves))
		case n < 85:
			if len(saves) == 0 {
				continue
			}
			if err := view.RollbackToSavepoint(); err != nil {
				t.Fatal(err)
			}
			records, saves = records[:saves[len(saves)-1]], saves[:len(saves)-1]
			rollbacks++
		case n < 90: // appended, and may be rolled back as a whole
			other.Reset()
			rec := randomRecord(r, ids)
			if err := add(other, families, rec); err != nil {
				t.Fatal(err)
			}
			if err := view.Append(other); err != nil {
				t.Fatal(err)
			}
			records = append(records, rec)
		case n < 92:
			view.Reset()
			records, saves = nil, nil
		default:
			if err := db.Write(view, nil); err != nil {
				t.Fatal(err)
			}
			for _, rec := range records {
				model.apply(rec)
			}
		}
		expectRecords(t, "the batch", b, records)
	}
	for _, id := range ids {
		expectModel(t, "in the end", readerOf(db, families, id), model.family(id))
	}
	if rollbacks < 1000 || deepest < 5 {
		t.Errorf("%d rollbacks, %d deep: the test went wrong", rollbacks, deepest)
	}
}

func TestASavepointOnAnEmptyBatchTakesAllBack(t *testing.T) {
	var b engine.Batch
	if err := b.SetSavepoint(); err != nil {
		t.Fatal(err)
	}
	if err := b.SetSavepoint(); err != nil {
		t.Fatal(err)
	}
	b.Put([]byte("k"), nil)
	b.LogData([]byte("log"))
	for range 2 {
		if err := b.RollbackToSavepoint(); err != nil {
			t.Fatal(err)
		}
		expectRecords(t, "after a rollback", &b, nil)
	}
	if !bytes.Equal(b.Repr(), make([]byte, 12)) {
		t.Errorf("%x", b.Repr())
	}
}

func TestARollbackNeedsASavepoint(t *testing.T) {
	db := openTemp(t, nil)
	b := db.NewBatch()
	b.Put([]byte("k"), nil)
	b.SetSavepoint()
	if err := b.RollbackToSavepoint(); err != nil {
		t.Fatal(err)
	}
	err := b.RollbackToSavepoint()
	expectError(t, "the second", err, engine.ErrInvalidArgument)
	var e *engine.Error
	if !errors.As(err, &e) || e.Op != "rollback to savepoint" {
		t.Errorf("%+v", err)
	}
	expectError(t, "Write", db.Write(b, nil), engine.ErrInvalidArgument)
	b.Reset()
	b.SetSavepoint()
	b.Reset()
	expectError(t, "Reset forgets savepoints", b.RollbackToSavepoint(), engine.ErrInvalidArgument)
}

func TestARollbackDoesNotForgiveARefusedRecord(t *testing.T) {
	db := openTemp(t, nil)
	b := db.NewBatch()
	b.SetSavepoint()
	expectError(t, "refused", b.DeleteRange([]byte("a"), nil), engine.ErrInvalidArgument)
	if err := b.RollbackToSavepoint(); err != nil {
		t.Fatal(err)
	}
	b.Put([]byte("k"), nil)
	expectError(t, "Write", db.Write(b, nil), engine.ErrInvalidArgument)
	expectRows(t, "afterwards", db, map[string]string{})
}

func TestAppendAddsTheOthersRecords(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	ids := []uint32{0, 1, 2}
	build := func() (*engine.Batch, []engine.Record) {
		b, want := new(engine.Batch), []engine.Record(nil)
		for range r.IntN(6) {
			rec := randomRecord(r, ids)
			if err := add(b, families, rec); err != nil {
				t.Fatal(err)
			}
			want = append(want, rec)
		}
		return b, want
	}
	for range 300 {
		a, wantA := build()
		b, wantB := build()
		to, from := a, b
		if r.IntN(2) == 0 { // views stand for the whole
			to, from = a.In(families[1]), b.In(families[2])
		}
		if err := to.Append(from); err != nil {
			t.Fatal(err)
		}
		expectRecords(t, "the other", b, wantB)
		wantA = append(wantA, wantB...)
		expectRecords(t, "appended", a, wantA)
		if err := a.Append(a.In(families[1])); err != nil { // to itself
			t.Fatal(err)
		}
		wantA = append(slices.Clone(wantA), wantA...)
		expectRecords(t, "doubled", a, wantA)
		if err := db.Write(a, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAppendedRecordNeedsTheOtherNoMore(t *testing.T) {
	var a, b engine.Batch
	b.Put([]byte("key"), []byte("value"))
	if err := a.Append(&b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	b.Put([]byte("xxx"), []byte("xxxxx"))
	expectRecords(t, "appended", &a, []engine.Record{{Kind: engine.KindPut, Key: []byte("key"), Value: []byte("value")}})
}
