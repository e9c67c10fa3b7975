package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// ok ends the test at the first error.
func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// newFiles makes a database of two families with files whose contents are known, and leaves it open.
func newFiles(t *testing.T) *engine.DB {
	t.Helper()
	plain := engine.FamilyOptions{Extra: "disable_auto_compactions=true;level_compaction_dynamic_level_bytes=false", Compression: engine.NoCompression}
	lz4 := engine.FamilyOptions{Extra: "disable_auto_compactions=true", Compression: engine.LZ4Compression}
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{
		FamilyOptions: plain, Families: map[string]engine.FamilyOptions{"f": lz4},
	})
	ok(t, err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f, err := db.ColumnFamily("f")
	ok(t, err)
	ok(t, db.Put([]byte("a\xff"), []byte("1"), nil), db.Put([]byte("b"), []byte("2"), nil), db.Flush())
	ok(t, db.Compact(t.Context(), nil, nil))
	ok(t, db.Delete([]byte("b"), nil), db.Put([]byte("c"), nil, nil), db.Flush())
	ok(t, db.DeleteRange([]byte("x"), []byte("z"), nil), db.Put([]byte("y"), nil, nil), db.Delete([]byte("zz"), nil), db.Flush())
	for i := range 100 {
		ok(t, f.Put(fmt.Appendf(nil, "k%d", i), []byte(strings.Repeat("value ", 20)), nil))
	}
	ok(t, f.Flush(), f.Put([]byte("in memory"), nil, nil))
	return db
}

func inspected(t *testing.T, dir string, flags ...string) *inspection {
	t.Helper()
	view := &inspection{}
	out := succeed(t, append([]string{"inspect", dir, "--json"}, flags...)...)
	ok(t, json.Unmarshal([]byte(out), view))
	return view
}

func TestInspectTellsWhatIsInTheFiles(t *testing.T) {
	db := newFiles(t)
	view := inspected(t, db.Path())
	type row struct {
		family      string
		level       int
		counts      [3]uint64
		first, last uint64
		compression string
	}
	var got []row
	for _, f := range view.Files {
		got = append(got, row{f.Family, f.Level, [3]uint64{f.Entries, f.Tombstones, f.RangeTombstones}, f.FirstSeq, f.LastSeq, f.Compression})
	}
	want := []row{
		{"default", 0, [3]uint64{3, 2, 1}, 5, 7, "NoCompression"},
		{"default", 0, [3]uint64{2, 1, 0}, 3, 4, "NoCompression"},
		{"default", 1, [3]uint64{2, 0, 0}, 1, 2, "NoCompression"},
		{"f", 0, [3]uint64{100, 0, 0}, 8, 107, "LZ4"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if d := view.Files[0].Density; d < 0.66 || d > 0.67 {
		t.Errorf("density %v of 2 in 3", d)
	}
	if view.Sequence != 108 || view.Manifest == "" || view.RocksDB != engine.Version() || view.Writer != engine.Version() {
		t.Errorf("%+v", view)
	}
	levels := view.Families[0].Levels
	if len(levels) != 2 || levels[0].Files != 2 || levels[0].Entries != 5 || levels[0].Tombstones != 3 ||
		*levels[0].Smallest != "b" || *levels[0].Largest != "zz" || *levels[1].SmallestHex != "61ff" {
		t.Errorf("levels %+v, %+v", levels[0], levels[1])
	}
	if f := view.Families[1]; f.Memtable != 1 || f.Rows != 101 {
		t.Errorf("%+v", f)
	}
}

func TestInspectFiltersAndSorts(t *testing.T) {
	dir := newFiles(t).Path()
	if view := inspected(t, dir, "--family", "f"); len(view.Files) != 1 || len(view.Families) != 1 || view.Files[0].Family != "f" {
		t.Errorf("--family f: %+v", view)
	}
	if view := inspected(t, dir, "--level", "1"); len(view.Files) != 1 || view.Files[0].Level != 1 {
		t.Errorf("--level 1: %+v", view.Files)
	}
	if view := inspected(t, dir, "--limit", "3"); len(view.Files) != 3 || view.Hidden != 1 {
		t.Errorf("--limit 3: %+v", view)
	}
	if view := inspected(t, dir, "--summary"); len(view.Files) != 0 || len(view.Families) != 2 {
		t.Errorf("--summary: %+v", view)
	}
	for order, of := range map[string]func(f *fileView) uint64{
		"size":       func(f *fileView) uint64 { return uint64(f.Bytes) },
		"entries":    func(f *fileView) uint64 { return f.Entries },
		"tombstones": func(f *fileView) uint64 { return f.Tombstones },
		"name":       func(f *fileView) uint64 { return 1000 - fileNumber(f.Name) },
	} {
		files := inspected(t, dir, "--sort", order).Files
		if len(files) != 4 || !slices.IsSortedFunc(files, func(a, b *fileView) int { return cmp.Compare(of(b), of(a)) }) {
			t.Errorf("--sort %s: %+v", order, files)
		}
	}
}

func TestInspectPrintsTables(t *testing.T) {
	db := newFiles(t)
	out := succeed(t, "inspect", db.Path())
	for _, pattern := range []string{
		`(?m)^database +` + regexp.QuoteMeta(db.Path()) + `$`,
		`(?m)^sequence +108$`,
		`(?m)^f +101 +\S+ \w+ +1 +0 +0 B$`,
		`(?m)^default +0 +2 +.* 5 +3 +1 +60.0% +b +zz$`,
		`(?m)^default +1 +1 +.* a\\xff +b$`,
		`(?m)^all +4 .* 107 +3 +1 +2.8%`,
		`(?m)^\d{6}\.sst +f +0 .* 8-107 +LZ4 +k0 +k99$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(out) {
			t.Errorf("no %s in:\n%s", pattern, out)
		}
	}
	if out := succeed(t, "inspect", db.Path(), "--keys", "hex", "--limit", "1"); !strings.Contains(out, "61ff") || !strings.Contains(out, "\n3 more\n") {
		t.Errorf("in hex:\n%s", out)
	}
}

func TestInspectOfAnEmptyDatabase(t *testing.T) {
	dir := newDatabase(t, "")
	view := inspected(t, dir)
	if len(view.Files) != 0 || len(view.Families) != 1 || len(view.Families[0].Levels) != 0 {
		t.Errorf("%+v", view)
	}
	succeed(t, "inspect", dir)
	fail(t, exitError, []string{"inspect", t.TempDir()}, "there is no database")
	fail(t, exitError, []string{"inspect", dir, "--family", "none"}, `no column family "none"`)
}

// TestAFileThatIsGoneIsShownAllTheSame has a compaction take a file away between the list and the look
// into it.
func TestAFileThatIsGoneIsShownAllTheSame(t *testing.T) {
	db := newFiles(t)
	m, err := ondisk.ReadManifest(db.Path())
	ok(t, err)
	v := newFileView(db.Path(), engine.LiveFile{Name: "999999.sst", Entries: 4, Deletions: 1}, m)
	if v.Problem == "" || v.Compression != "?" || v.Density != 0.25 {
		t.Errorf("%+v", v)
	}
	view := &inspection{Files: []*fileView{v}}
	var out strings.Builder
	ok(t, view.print(&out, "text"))
	if !strings.Contains(out.String(), "999999.sst: its properties cannot be read: ") {
		t.Error(out.String())
	}
}

func TestKeysAreEscapedAndShortened(t *testing.T) {
	for _, c := range []struct{ key, text, hex string }{
		{"", `""`, `""`},
		{"a b", "a b", "612062"},
		{"a\x00\xffé\n\\", `a\x00\xffé\x0a\\`, "6100ffc3a90a5c"},
		{strings.Repeat("x", 28), strings.Repeat("x", 28), strings.Repeat("78", 13) + "…"},
		{strings.Repeat("x", 29), strings.Repeat("x", 27) + "…", strings.Repeat("78", 13) + "…"},
		{strings.Repeat("é", 29), strings.Repeat("é", 27) + "…", strings.Repeat("c3a9", 6) + "c3…"},
		{strings.Repeat("x", 26) + "\x00", strings.Repeat("x", 26) + "…", strings.Repeat("78", 13) + "…"},
		{strings.Repeat("x", 24) + "\x00", strings.Repeat("x", 24) + `\x00`, strings.Repeat("78", 13) + "…"},
	} {
		if got := keyText([]byte(c.key), "text"); got != c.text {
			t.Errorf("%q as text: %s, want %s", c.key, got, c.text)
		}
		if got := keyText([]byte(c.key), "hex"); got != c.hex {
			t.Errorf("%q in hex: %s, want %s", c.key, got, c.hex)
		}
	}
}

func TestBytesForAPerson(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 1 << 62: "4096.0 PiB",
	} {
		if got := byteText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
