package engine_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// mustEndWell imports a file, which may be anything: an error has a code that files can cause, and what was
// written is what the position says.
func mustEndWell(t *testing.T, db *engine.DB, file []byte) {
	t.Helper()
	o := &engine.ImportOptions{MaxRow: 1 << 20}
	checked, checkErr := engine.CheckExport(nil, bytes.NewReader(file), o)
	at, err := db.Import(nil, bytes.NewReader(file), o)
	if (err == nil) != (checkErr == nil) || err == nil != at.Whole || at.Offset != checked.Offset || at.Rows != checked.Rows {
		t.Fatalf("import: %+v, %v; checked: %+v, %v", at, err, checked, checkErr)
	}
	if err != nil && !errors.Is(err, engine.ErrCorruption) && !errors.Is(err, engine.ErrTooLarge) {
		t.Fatal(err)
	}
	rows, keys, values, err := engine.Count(nil, db, nil)
	if err != nil || rows != at.Rows || keys+values != at.Bytes {
		t.Fatalf("%d rows of %d and %d bytes are there, %v; imported: %+v", rows, keys, values, err, at)
	}
	if err := db.DeleteRange(nil, bytes.Repeat([]byte{0xff}, 100), nil); err != nil {
		t.Fatal(err)
	}
	if rows > 0 && bytes.Compare(at.LastKey, bytes.Repeat([]byte{0xff}, 100)) >= 0 {
		if err := db.DeleteRange(bytes.Repeat([]byte{0xff}, 100), append(at.LastKey, 0), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzImport gives files of any bytes to the decoder.
func FuzzImport(f *testing.F) {
	db := openTemp(f, nil)
	row := blockBytes("k", "v")
	f.Add(forged().section(row).section(trailerBytes(1, 2, "k", "k")).out)
	f.Add(forged().section(row).out)
	source := openTemp(f, nil)
	for i := range byte(40) {
		if err := source.Put([]byte{i}, valueOf(int(i)), nil); err != nil {
			f.Fatal(err)
		}
	}
	file, _ := exported(f, source, nil, nil)
	f.Add(file)
	f.Fuzz(func(t *testing.T, file []byte) { mustEndWell(t, db, file) })
}

// FuzzImportSections gives sections with the right checksums, so that what they hold is looked at. Each begins
// with its length in two bytes.
func FuzzImportSections(f *testing.F) {
	db := openTemp(f, nil)
	pack := func(sections ...[]byte) []byte {
		var b []byte
		for _, s := range sections {
			b = append(append(b, byte(len(s)), byte(len(s)>>8)), s...)
		}
		return b
	}
	row := blockBytes("k", "v", "l", "")
	f.Add(pack(row, trailerBytes(2, 3, "k", "l")))
	f.Add(pack(row, otherBytes, blockBytes("m", "1"), trailerBytes(3, 5, "k", "m")))
	f.Add(pack(blockBytes("b", "", "a", ""), trailerBytes(0, 0, "", "")))
	f.Fuzz(func(t *testing.T, packed []byte) {
		file := forged()
		for len(packed) >= 2 {
			n := min(int(packed[0])|int(packed[1])<<8, len(packed)-2)
			file.section(packed[2 : 2+n])
			packed = packed[2+n:]
		}
		mustEndWell(t, db, file.out)
	})
}

// otherBytes is the section that says: other state.
var otherBytes = []byte("S12345678")
