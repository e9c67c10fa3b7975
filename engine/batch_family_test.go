package engine_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestABatchOverADroppedFamilyHarmsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, families := openFamilies(t, dir)
	defer db.Close()
	one, two := families[1], families[2]
	b := db.NewBatch()
	b.Put([]byte("k"), []byte("default"))
	b.In(one).Put([]byte("k"), []byte("one"))
	b.In(two).Put([]byte("k"), []byte("two"))
	repr := append([]byte(nil), b.Repr()...)
	if err := db.DropColumnFamily(one); err != nil {
		t.Fatal(err)
	}
	err := db.Write(b, nil)
	expectError(t, "write", err, engine.ErrFamilyDropped)
	var e *engine.Error
	if !errors.As(err, &e) || e.Family != "one" || e.Path != dir || e.Op != "write" {
		t.Errorf("%+v", err)
	}
	parsed, err := engine.ParseBatch(repr)
	if err != nil {
		t.Fatal(err)
	}
	expectError(t, "write from outside", db.Write(parsed, nil), engine.ErrFamilyNotFound)

	// A new family of the same name is another family.
	again, err := db.CreateColumnFamily("one", nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() == one.ID() {
		t.Errorf("number %d was given out twice", one.ID())
	}
	expectError(t, "write again", db.Write(b, nil), engine.ErrFamilyDropped)
	expectError(t, "write from outside again", db.Write(parsed, nil), engine.ErrFamilyNotFound)
	for name, r := range map[string]engine.Reader{"default": db, "one": again, "two": two} {
		expectRows(t, name, r, map[string]string{})
	}

	// The record taken back, the rest goes in.
	good := db.NewBatch()
	good.In(two).Put([]byte("k"), []byte("two"))
	good.SetSavepoint()
	good.In(one).Put([]byte("k"), []byte("one"))
	expectError(t, "with the record", db.Write(good, nil), engine.ErrFamilyDropped)
	if err := good.RollbackToSavepoint(); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(good, nil); err != nil {
		t.Errorf("without the record: %v", err)
	}
	expectRows(t, "two", two, map[string]string{"k": "two"})
	usableAndReopens(t, db, dir)
}

func TestABatchNamingAnUnknownFamilyIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, _ := openFamilies(t, dir)
	// Put in family 3, which does not exist, and in 1, which does.
	repr := []byte{0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 1, 1, 'k', 1, 'v', 5, 3, 1, 'k', 1, 'v'}
	for _, id := range [][]byte{{3}, {0x80, 1}, {0xff, 0xff, 0xff, 0xff, 0x0f}} {
		outside := append(append(append([]byte(nil), repr[:19]...), id...), repr[20:]...)
		b, err := engine.ParseBatch(outside)
		if err != nil {
			t.Fatal(err)
		}
		before := db.LatestSequence()
		if n := cgoCalls(func() {
			expectError(t, "write", db.Write(b, nil), engine.ErrFamilyNotFound)
		}); n != 0 {
			t.Errorf("%d calls into C", n)
		}
		if after := db.LatestSequence(); after != before {
			t.Error("something was written")
		}
	}
	usableAndReopens(t, db, dir)
}

func TestABatchThatMergesNeedsAnOperatorInEachFamily(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"adding": adding}})
	sum, err := db.ColumnFamily("adding")
	if err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	b.In(sum).Put([]byte("k"), uint64le(1))
	if err := b.Merge([]byte("k"), uint64le(1)); err != nil { // which database is not known yet
		t.Fatal(err)
	}
	parsed, err := engine.ParseBatch(b.Repr())
	if err != nil {
		t.Fatal(err)
	}
	appended := db.NewBatch()
	if err := appended.Append(b); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*engine.Batch{"built": b, "parsed": parsed, "appended": appended} {
		expectError(t, name, db.Write(b, nil), engine.ErrInvalidArgument)
	}
	expectRows(t, "adding", sum, map[string]string{})

	b.Reset()
	b.SetSavepoint()
	b.Merge([]byte("k"), uint64le(1))
	b.RollbackToSavepoint()
	b.In(sum).Merge([]byte("k"), uint64le(1))
	if err := db.Write(b, nil); err != nil {
		t.Errorf("the merge was taken back: %v", err)
	}
	expectRows(t, "adding", sum, map[string]string{"k": string(uint64le(1))})
	usableAndReopens(t, db, dir)
}

func TestABatchBelongsToTheDatabaseOfItsFamilies(t *testing.T) {
	k, v := []byte("k"), []byte("v")
	mine, yours := openTemp(t, nil), openTemp(t, nil)
	b := mine.NewBatch()
	b.Put(k, v)
	if err := yours.Write(b, nil); err != nil {
		t.Errorf("without a family it suits any database: %v", err)
	}
	def := mine.ColumnFamilies()[0]
	b.In(def).Put(k, v)
	expectError(t, "another's batch", yours.Write(b, nil), engine.ErrInvalidArgument)
	if err := mine.Write(b, nil); err != nil {
		t.Error(err)
	}
	b.Reset()
	b.In(def) // aimed at, but nothing put
	b.Put(k, v)
	if err := yours.Write(b, nil); err != nil {
		t.Errorf("no record names a family: %v", err)
	}
	b.Reset()
	b.SetSavepoint()
	b.In(def).Put(k, v)
	b.RollbackToSavepoint()
	b.In(yours.ColumnFamilies()[0]).Put(k, v)
	if err := yours.Write(b, nil); err != nil {
		t.Errorf("the record that tied it was taken back: %v", err)
	}
	expectError(t, "tied anew", mine.Write(b, nil), engine.ErrInvalidArgument)

	tied := mine.NewBatch()
	tied.In(def).Put(k, v)
	free := mine.NewBatch()
	free.Put(k, v)
	if err := free.Append(tied); err != nil {
		t.Fatal(err)
	}
	expectError(t, "tied by Append", yours.Write(free, nil), engine.ErrInvalidArgument)
	expectError(t, "nil", mine.Write(nil, nil), engine.ErrInvalidArgument)
}
