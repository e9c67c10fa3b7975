package enginetest

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// closedDatabase gives the folder of a database with rows in a table, in the log and in the manifest.
func closedDatabase(t testing.TB) string {
	t.Helper()
	db := Open(t, nil)
	for i := range 200 {
		check(t, db.Put(fmt.Appendf(nil, "%03d", i), make([]byte, 100), nil))
		if i == 100 {
			check(t, db.Flush())
		}
	}
	return CrashCopy(t, db)
}

// readAll opens a database and reads every row.
func readAll(dir string) (rows int64, r engine.Recovery, err error) {
	db, err := engine.Open(dir, nil)
	if err != nil {
		return 0, r, err
	}
	rows, _, _, err = engine.Count(nil, db, nil)
	return rows, db.Recovery(), errors.Join(err, db.Close())
}

func TestDamageIsFound(t *testing.T) {
	cases := []struct {
		name   string
		damage func(dir string) string
		want   error
	}{
		{"a bit of a table", func(dir string) string { return FlipBit(t, dir, Table, 100) }, engine.ErrCorruption},
		{"a bit of a log", func(dir string) string { return FlipBit(t, dir, Log, 5000) }, engine.ErrCorruption},
		{"a bit of a manifest", func(dir string) string { return FlipBit(t, dir, Manifest, 20) }, engine.ErrCorruption},
		{"a bit of CURRENT", func(dir string) string { return FlipBit(t, dir, Current, -1) }, engine.ErrCorruption},
		{"a table cut off", func(dir string) string { return CutOff(t, dir, Table, 10) }, engine.ErrCorruption},
		{"a table less", func(dir string) string { return Remove(t, dir, Table) }, engine.ErrCorruption},
		{"a manifest less", func(dir string) string { return Remove(t, dir, Manifest) }, engine.ErrIO},
	}
	for _, c := range cases {
		dir := closedDatabase(t)
		path := c.damage(dir)
		if rows, _, err := readAll(dir); !errors.Is(err, c.want) {
			t.Errorf("%s (%s): %d rows, %v; want %v", c.name, path, rows, err, c.want)
		}
	}
	if rows, _, err := readAll(closedDatabase(t)); err != nil || rows != 200 {
		t.Errorf("without damage: %d rows, %v", rows, err)
	}
}

func TestALogCutOffLosesTheLastRowsAndTellsOfIt(t *testing.T) {
	dir := closedDatabase(t)
	CutOff(t, dir, Log, 50) // within the last record
	rows, r, err := readAll(dir)
	if err != nil || rows != 199 || r.Break == "" {
		t.Errorf("%d rows, %v, %+v", rows, err, r)
	}
}

func TestDamageWithoutItsFileFailsTheTest(t *testing.T) {
	dir := closedDatabase(t)
	mustFail(t, func(t testing.TB) { FlipBit(t, dir, Blob, 0) }, "blob file")
	mustFail(t, func(t testing.TB) { FlipBit(t, dir, Table, 1<<40) }, "table")
	mustFail(t, func(t testing.TB) { CutOff(t, dir, Log, 1<<40) }, "log")
	mustFail(t, func(t testing.TB) { Remove(t, dir, File(-1)) }, "no kind")
	mustFail(t, func(t testing.TB) { Files(t, dir+"-absent", Log) }, "absent")
	if n := len(Files(t, dir, Current)); n != 1 {
		t.Errorf("%d files CURRENT", n)
	}
}

func TestCallsFailFromTheChosenOneOn(t *testing.T) {
	db := Open(t, nil)
	full := &engine.Error{Op: "put", Code: engine.CodeNoSpace}
	w := FailWrites(db.Writer(nil), 2, full)
	check(t, w.Put([]byte("a"), []byte("1")))
	check(t, w.Delete([]byte("b")))
	for _, err := range []error{w.Put([]byte("b"), nil), w.Delete([]byte("a")), w.Merge(nil, nil)} {
		if !errors.Is(err, engine.ErrNoSpace) {
			t.Errorf("%v", err)
		}
	}
	r := FailReads(db, 3, io.ErrUnexpectedEOF)
	v, err := r.Get([]byte("a"), nil)
	has, errHas := r.Has([]byte("b"), nil)
	it, errIter := r.NewIter(nil)
	if err != nil || string(v) != "1" || errHas != nil || has || errIter != nil {
		t.Errorf("%q, %v; %v, %v; %v", v, err, has, errHas, errIter)
	}
	check(t, it.Close())
	_, err = r.Get([]byte("a"), nil)
	_, errHas = r.Has([]byte("a"), nil)
	_, errIter = r.NewIter(nil)
	_, done := engine.Scan(r, nil)
	for _, err := range []error{err, errHas, errIter} {
		if err != io.ErrUnexpectedEOF {
			t.Error(err)
		}
	}
	check(t, done())
}
