package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestACheckpointIsTheDatabaseOfItsMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, families := openFamilies(t, dir)
	defer db.Close()
	b := db.NewBatch()
	for i := range 1000 {
		b.Put(fmt.Appendf(nil, "%04d", i), valueOf(i))
		b.In(families[2]).Merge([]byte("sum"), uint64le(uint64(i)))
	}
	if err := errors.Join(db.Write(b, nil), db.Flush(), db.Put([]byte("in the log"), []byte("only"), nil)); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	for _, c := range db.ColumnFamilies() {
		want[c.Name()] = rowsOf(t, c)
	}
	copied := filepath.Join(filepath.Dir(dir), "copy")
	if err := db.Checkpoint(context.Background(), copied); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Put([]byte("later"), nil, nil), db.DeleteRange(nil, []byte("9"), nil), db.Compact(nil, nil, nil)); err != nil {
		t.Fatal(err)
	}
	again := openDir(t, copied, nil)
	defer again.Close()
	for _, c := range again.ColumnFamilies() {
		expectRows(t, c.Name(), c, want[c.Name()])
		delete(want, c.Name())
	}
	if len(want) > 0 {
		t.Errorf("families are missing: %v", want)
	}
	if two, err := again.ColumnFamily("two"); err != nil || two.Merge([]byte("sum"), uint64le(1), nil) != nil {
		t.Errorf("the copy lost the operator: %v", err)
	}
	if err := again.Put([]byte("mine"), nil, nil); err != nil {
		t.Error(err)
	}
	if has, err := db.Has([]byte("mine"), nil); has || err != nil {
		t.Errorf("a write to the copy reached the original: %v, %v", has, err)
	}
}

func TestACheckpointNeedsANewDirectory(t *testing.T) {
	db := openTemp(t, nil)
	parent := t.TempDir()
	full := filepath.Join(parent, "full")
	if err := errors.Join(os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "mine"), []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	before := listing(t, parent)
	for _, c := range []struct {
		dir    string
		target error
	}{
		{full, engine.ErrInvalidArgument},
		{filepath.Join(full, "mine"), engine.ErrInvalidArgument},
		{db.Path(), engine.ErrInvalidArgument},
		{filepath.Join(parent, "no", "parent"), engine.ErrIO},
		{"", engine.ErrInvalidArgument},
		{"a\x00b", engine.ErrInvalidArgument},
	} {
		err := db.Checkpoint(context.Background(), c.dir)
		expectError(t, fmt.Sprintf("%q", c.dir), err, c.target)
		var e *engine.Error
		if errors.As(err, &e) && e.Op != "checkpoint" {
			t.Errorf("%+v", e)
		}
	}
	if after := listing(t, parent); after != before {
		t.Errorf("the directory changed from\n%s\nto\n%s", before, after)
	}
}
