package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var familyFilesSeed = flag.Uint64("familyfiles.seed", 0, "seed of the rows of exported families; 0: a new one")

// writeRandomly makes n changes to a family with operator Int64Add, flushes and compacts now and then, and gives what
// the family then has.
func writeRandomly(t *testing.T, r *rand.Rand, c *engine.ColumnFamily, n int, ranges bool) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for range n {
		key := fmt.Sprintf("%03d", r.IntN(200))
		number := r.Int64N(1000)
		switch k := r.IntN(40); {
		case k < 18:
			rows[key] = string(engine.EncodeInt64(number))
			mustDo(t, c.Put([]byte(key), engine.EncodeInt64(number), nil))
		case k < 26:
			before := int64(0)
			if v, there := rows[key]; there {
				before, _ = engine.DecodeInt64([]byte(v))
			}
			rows[key] = string(engine.EncodeInt64(before + number))
			mustDo(t, c.Merge([]byte(key), engine.EncodeInt64(number), nil))
		case k < 36:
			delete(rows, key)
			mustDo(t, c.Delete([]byte(key), nil))
		case k < 37 && ranges:
			end := fmt.Sprintf("%03d", r.IntN(100)+100)
			if key < end {
				maps.DeleteFunc(rows, func(k, _ string) bool { return key <= k && k < end })
				mustDo(t, c.DeleteRange([]byte(key), []byte(end), nil))
			}
		case k < 39:
			mustDo(t, c.Flush())
		default:
			mustDo(t, c.Compact(t.Context(), nil, nil))
		}
	}
	return rows
}

var sums = engine.FamilyOptions{MergeOperator: engine.Int64Add}

// exportedFolder makes a database with a family of a few files, and gives the rows and the folder that they were exported to.
func exportedFolder(t *testing.T) (rows map[string]string, folder string) {
	t.Helper()
	needs(t, engine.FamilyFiles)
	db := openTemp(t, nil)
	c, err := db.CreateColumnFamily("f", nil)
	mustDo(t, err)
	rows = map[string]string{}
	for i := range 60 {
		key := fmt.Sprintf("%02d", i)
		rows[key] = strings.Repeat("value ", 30)
		mustDo(t, c.Put([]byte(key), []byte(rows[key]), nil))
		if i%25 == 24 {
			mustDo(t, c.Flush())
		}
	}
	folder = filepath.Join(t.TempDir(), "files")
	mustDo(t, c.ExportFiles(t.Context(), folder))
	return rows, folder
}

func TestFamilyFilesAreTheFamilyInAnotherDatabase(t *testing.T) {
	needs(t, engine.FamilyFiles)
	r, _ := seededRand(t, "familyfiles.seed", *familyFilesSeed)
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		from := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": sums}})
		c, err := from.ColumnFamily("f")
		mustDo(t, err)
		rows := writeRandomly(t, r, c, 60, false)
		folder := filepath.Join(t.TempDir(), "files")
		mustDo(t, c.ExportFiles(t.Context(), folder))
		writeRandomly(t, r, c, 20, false) // what comes later is not in it
		mustDo(t, from.DropColumnFamily(c))

		dir := filepath.Join(t.TempDir(), "db")
		into := openDir(t, dir, nil)
		for i := range r.IntN(150) { // sequence numbers below, among and above those of the files
			mustDo(t, into.Put(fmt.Appendf(nil, "own %d", i), nil, nil))
		}
		own := rowsOf(t, into)
		for i, o := range []*engine.ImportFilesOptions{{FamilyOptions: sums}, {FamilyOptions: sums, Trusted: true}, {FamilyOptions: sums, Move: true}} {
			name := fmt.Sprintf("g%d", i)
			g, err := into.ImportFiles(t.Context(), name, folder, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			expectRows(t, name, g, rows)
			expectRows(t, name+" beside", into, own)
			mustDo(t, g.Put([]byte("new"), engine.EncodeInt64(1), nil), g.Delete([]byte("050"), nil))
		}
		rows["new"] = string(engine.EncodeInt64(1))
		delete(rows, "050")
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder whose files were moved: %v", err)
		}
		mustDo(t, into.Close())
		into = openDir(t, dir, nil)
		for i := range 3 {
			g, err := into.ColumnFamily(fmt.Sprintf("g%d", i))
			mustDo(t, err)
			expectRows(t, "after an opening", g, rows)
			mustDo(t, g.Compact(t.Context(), nil, nil))
			expectRows(t, "after a compaction", g, rows)
		}
		mustDo(t, into.Close())
	}
}

// Range deletions come along where RocksDB keeps the ends of files, and are refused where it would lose them.
func TestFamilyFilesWithRangeDeletionsAreRightOrRefused(t *testing.T) {
	needs(t, engine.FamilyFiles)
	r, _ := seededRand(t, "familyfiles.seed", *familyFilesSeed)
	from := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": sums}})
	c, err := from.ColumnFamily("f")
	mustDo(t, err)
	writeRandomly(t, r, c, 40, true)
	s := newSnapshot(t, from) // so that compactions keep what it sees
	mustDo(t, c.DeleteRange([]byte("050"), []byte("150"), nil))
	rows := rowsOf(t, c)
	folder := filepath.Join(t.TempDir(), "files")
	mustDo(t, c.ExportFiles(t.Context(), folder))
	s.Close()
	into := openTemp(t, nil)
	g, err := into.ImportFiles(t.Context(), "g", folder, &engine.ImportFilesOptions{FamilyOptions: sums})
	if atLeast(t, engine.Version(), "8.1") && engine.CXX() == nil {
		mustDo(t, err)
		expectRows(t, "imported", g, rows)
		mustDo(t, g.Compact(t.Context(), nil, nil))
		expectRows(t, "compacted", g, rows)
		return
	}
	expectError(t, "ImportFiles", err, engine.ErrUnsupported)
	mustDo(t, c.Compact(t.Context(), nil, nil))
	again := filepath.Join(t.TempDir(), "files")
	mustDo(t, c.ExportFiles(t.Context(), again))
	g, err = into.ImportFiles(t.Context(), "g", again, &engine.ImportFilesOptions{FamilyOptions: sums})
	mustDo(t, err)
	expectRows(t, "after a compaction", g, rows)
}

func TestFamilyFilesOfNoRowsAreAnEmptyFamily(t *testing.T) {
	needs(t, engine.FamilyFiles)
	db := openTemp(t, nil)
	folder := filepath.Join(t.TempDir(), "files")
	c, err := db.ColumnFamily("default")
	mustDo(t, err, c.ExportFiles(nil, folder))
	g, err := db.ImportFiles(nil, "g", folder, nil)
	mustDo(t, err)
	expectRows(t, "empty", g, map[string]string{})
	mustDo(t, g.Put([]byte("k"), []byte("v"), nil))
}

// importFails expects an error, and a database and a folder as they were.
func importFails(t *testing.T, what string, db *engine.DB, folder string, o *engine.ImportFilesOptions, targets ...error) {
	t.Helper()
	tables := func() (all []string) {
		all, _ = filepath.Glob(filepath.Join(db.Path(), "*.sst"))
		return all
	}
	before, there := tables(), listing(t, folder)
	c, err := db.ImportFiles(t.Context(), "new", folder, o)
	if c != nil {
		t.Errorf("%s: a family", what)
	}
	expectError(t, what, err, targets...)
	if _, err := db.ColumnFamily("new"); !errors.Is(err, engine.ErrFamilyNotFound) {
		t.Errorf("%s: the family is there: %v", what, err)
	}
	if after := tables(); !slices.Equal(before, after) {
		t.Errorf("%s: tables %v became %v", what, before, after)
	}
	if now := listing(t, folder); fmt.Sprint(now) != fmt.Sprint(there) {
		t.Errorf("%s: the folder had %v and has %v", what, there, now)
	}
	var e *engine.Error
	if errors.As(err, &e) && (e.Path == "" || e.Family != "new") {
		t.Errorf("%s: path %q, family %q", what, e.Path, e.Family)
	}
}

func TestFamilyFilesThatAreDamagedMakeNoFamily(t *testing.T) {
	rows, folder := exportedFolder(t)
	db := openTemp(t, nil)
	note := filepath.Join(folder, "FAMILY")
	files, err := filepath.Glob(filepath.Join(folder, "*.sst"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	damage := func(what, path string, f func([]byte) []byte) {
		t.Helper()
		whole, err := os.ReadFile(path)
		mustDo(t, err, os.Remove(path))
		if text := f(bytes.Clone(whole)); text != nil {
			mustDo(t, os.WriteFile(path, text, 0o644))
		}
		importFails(t, what, db, folder, nil, engine.ErrCorruption)
		importFails(t, what+", trusted", db, folder, &engine.ImportFilesOptions{Trusted: true, Move: true}, engine.ErrCorruption)
		os.Remove(path)
		mustDo(t, os.WriteFile(path, whole, 0o644))
	}
	missing := func([]byte) []byte { return nil }
	short := func(b []byte) []byte { return b[:len(b)-1] }
	damage("no note", note, missing)
	damage("an empty note", note, func(b []byte) []byte { return b[:0] })
	damage("a note that ends early", note, short)
	damage("a note of another format", note, func(b []byte) []byte { return bytes.Replace(b, []byte("family 1"), []byte("family 2"), 1) })
	damage("a missing table", files[0], missing)
	damage("a short table", files[1], short)
	damage("another table", files[1], func([]byte) []byte {
		b, err := os.ReadFile(files[0])
		mustDo(t, err)
		return b
	})
	for _, path := range []string{note, files[0]} {
		info, err := os.Stat(path)
		mustDo(t, err)
		for at := int64(0); at < info.Size(); at += info.Size()/12 + 1 {
			damage(fmt.Sprintf("byte %d of %s", at, filepath.Base(path)), path, func(b []byte) []byte {
				b[at] ^= 4
				return b
			})
		}
	}
	g, err := db.ImportFiles(t.Context(), "new", folder, nil)
	mustDo(t, err)
	expectRows(t, "whole again", g, rows)
}

// forgeNote changes what a note says, under a right checksum.
func forgeNote(t *testing.T, folder string, change func(files []map[string]any)) {
	t.Helper()
	path := filepath.Join(folder, "FAMILY")
	text, err := os.ReadFile(path)
	mustDo(t, err)
	head, body, _ := bytes.Cut(text, []byte("\n"))
	var x map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	mustDo(t, d.Decode(&x))
	var files []map[string]any
	for _, f := range x["Files"].([]any) {
		files = append(files, f.(map[string]any))
	}
	change(files)
	body, err = json.Marshal(x)
	mustDo(t, err)
	head = fmt.Appendf(head[:len(head)-8], "%08x", crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	mustDo(t, os.WriteFile(path, fmt.Appendf(nil, "%s\n%s\n", head, body), 0o644))
}

// A table that was damaged before it was exported has the checksum of its damage: its rows are read before RocksDB,
// which would end the process at some places, sees it.
func TestFamilyFilesDamagedBeforeTheirExportMakeNoFamily(t *testing.T) {
	_, folder := exportedFolder(t)
	db := openTemp(t, nil)
	forgeNote(t, folder, func(files []map[string]any) {
		path := filepath.Join(folder, files[0]["Name"].(string))
		b, err := os.ReadFile(path)
		mustDo(t, err)
		b[3] ^= 4
		mustDo(t, os.Remove(path), os.WriteFile(path, b, 0o644))
		files[0]["CRC32C"] = crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	})
	importFails(t, "a damaged first block", db, folder, nil, engine.ErrCorruption)
}

func TestFamilyFilesOfSenselessNotesMakeNoFamily(t *testing.T) {
	for what, change := range map[string]func(f map[string]any){
		"a name with folders":  func(f map[string]any) { f["Name"] = "../" + f["Name"].(string) },
		"an absolute name":     func(f map[string]any) { f["Name"] = "/etc/passwd" },
		"a name with a zero":   func(f map[string]any) { f["Name"] = "000012.sst\x00" },
		"a negative level":     func(f map[string]any) { f["Level"] = -1 },
		"a level of a hundred": func(f map[string]any) { f["Level"] = 100 },
		"a size of nothing":    func(f map[string]any) { f["Size"] = 0 },
		"numbers in disorder":  func(f map[string]any) { f["FirstSeq"], f["LastSeq"] = 9, 8 },
		"numbers without end":  func(f map[string]any) { f["LastSeq"] = uint64(1) << 55 },
	} {
		_, folder := exportedFolder(t)
		forgeNote(t, folder, func(files []map[string]any) { change(files[0]) })
		importFails(t, what, openTemp(t, nil), folder, nil, engine.ErrCorruption)
	}
}

func TestFamilyFilesAreRefusedWhereTheyDoNotFit(t *testing.T) {
	_, folder := exportedFolder(t)
	db := openTemp(t, nil)
	c, err := db.CreateColumnFamily("there", nil)
	mustDo(t, err)
	_, err = db.ImportFiles(t.Context(), "there", folder, nil)
	expectError(t, "a family that is there", err, engine.ErrInvalidArgument)
	_, err = db.ImportFiles(t.Context(), "default", folder, nil)
	expectError(t, "the default family", err, engine.ErrInvalidArgument)
	importFails(t, "a comparator", db, folder, &engine.ImportFilesOptions{FamilyOptions: engine.FamilyOptions{Comparator: engine.ReverseBytewise}}, engine.ErrUnsupported)
	importFails(t, "an option", db, folder, &engine.ImportFilesOptions{FamilyOptions: engine.FamilyOptions{Extra: "no_such=1"}}, engine.ErrInvalidArgument)
	for _, dir := range []string{"", "a\x00b"} {
		_, err = db.ImportFiles(t.Context(), "new", dir, nil)
		expectError(t, "a name", err, engine.ErrInvalidArgument)
		expectError(t, "a name", c.ExportFiles(t.Context(), dir), engine.ErrInvalidArgument)
	}
	_, err = db.ImportFiles(t.Context(), "new", filepath.Join(folder, "missing"), nil)
	expectError(t, "a folder that is missing", err, engine.ErrIO, fs.ErrNotExist)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.ImportFiles(ended, "new", folder, nil)
	expectError(t, "a context that has ended", err, context.Canceled)
	expectError(t, "a context that has ended", c.ExportFiles(ended, filepath.Join(t.TempDir(), "x")), context.Canceled)

	expectError(t, "a folder that is there", c.ExportFiles(t.Context(), folder), engine.ErrInvalidArgument)
	expectError(t, "a folder below none", c.ExportFiles(t.Context(), filepath.Join(t.TempDir(), "no", "x")), engine.ErrIO)
	blobs, err := db.CreateColumnFamily("blobs", &engine.FamilyOptions{Tuning: engine.Tuning{BlobsFrom: 10}})
	mustDo(t, err)
	expectError(t, "blobs", blobs.ExportFiles(t.Context(), filepath.Join(t.TempDir(), "x")), engine.ErrUnsupported)
	reverse, err := db.CreateColumnFamily("reverse", &engine.FamilyOptions{Comparator: engine.ReverseBytewise})
	mustDo(t, err)
	expectError(t, "a comparator", reverse.ExportFiles(t.Context(), filepath.Join(t.TempDir(), "x")), engine.ErrUnsupported)

	tx := openTemp(t, &engine.Options{Transactions: engine.Pessimistic})
	_, err = tx.ImportFiles(t.Context(), "new", folder, nil)
	expectError(t, "transactions", err, engine.ErrInvalidArgument)
	reader, err := engine.Open(created(t, nil), &engine.Options{ReadOnly: true})
	mustDo(t, err)
	defer reader.Close()
	_, err = reader.ImportFiles(t.Context(), "new", folder, nil)
	expectError(t, "a reader", err, engine.ErrReadOnly)
}

func TestFamilyFilesWithOperandsNeedTheirOperator(t *testing.T) {
	needs(t, engine.FamilyFiles)
	from := openTemp(t, &engine.Options{FamilyOptions: sums})
	mustDo(t, from.Merge([]byte("k"), engine.EncodeInt64(2), nil), from.Flush(), from.Merge([]byte("k"), engine.EncodeInt64(3), nil))
	c, err := from.ColumnFamily("default")
	mustDo(t, err)
	folder := filepath.Join(t.TempDir(), "files")
	mustDo(t, c.ExportFiles(t.Context(), folder))
	db := openTemp(t, nil)
	importFails(t, "no operator", db, folder, nil, engine.ErrInvalidArgument)
	importFails(t, "another operator", db, folder, &engine.ImportFilesOptions{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Max}}, engine.ErrInvalidArgument)
	g, err := db.ImportFiles(t.Context(), "new", folder, &engine.ImportFilesOptions{FamilyOptions: sums})
	mustDo(t, err)
	expectRows(t, "the right one", g, map[string]string{"k": string(engine.EncodeInt64(5))})
}

// A folder that a process died over is none: the note is the last that comes into it.
func TestFamilyFilesWithoutAnEndAreNone(t *testing.T) {
	_, folder := exportedFolder(t)
	mustDo(t, os.Remove(filepath.Join(folder, "FAMILY")))
	importFails(t, "no note", openTemp(t, nil), folder, nil, engine.ErrCorruption)
}

func TestFamilyFilesSayWhatTheyNeed(t *testing.T) {
	if engine.Supports(engine.FamilyFiles) {
		t.Skip("it is there")
	}
	db := openTemp(t, nil)
	c, err := db.ColumnFamily("default")
	mustDo(t, err)
	_, other := db.ImportFiles(t.Context(), "g", t.TempDir(), nil)
	for _, err := range []error{c.ExportFiles(t.Context(), filepath.Join(t.TempDir(), "x")), other} {
		expectError(t, "without it", err, engine.ErrUnsupported, errors.ErrUnsupported)
		if !strings.Contains(err.Error(), "10.7") || !strings.Contains(err.Error(), "rb_cxx") || !strings.Contains(err.Error(), engine.Version()) {
			t.Error(err)
		}
	}
}
