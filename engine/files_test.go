package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// smallFiles has many table files below level 0, and nothing changes them by itself.
const smallFiles = "disable_auto_compactions=true;compression=kNoCompression"

// openSmallFiles has 400 rows in many files. Keys are even numbers.
func openSmallFiles(t *testing.T) *engine.DB {
	t.Helper()
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: smallFiles}})
	for i := range 20 {
		for j := range 20 {
			must(db.Put(fmt.Appendf(nil, "%04d", 2*(20*i+j)), valueOf(300), nil))
		}
		must(db.Flush())
		must(db.Compact(context.Background(), fmt.Appendf(nil, "%04d", 40*i), fmt.Appendf(nil, "%04d", 40*i+40)))
	}
	if files, err := db.LiveFiles(); err != nil || len(files) < 10 || files[0].Level == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return db
}

// Random ranges: the files that lie within go, and rows with them, and nothing else does.
func TestDeleteFilesInRangeDropsWhatLiesWithin(t *testing.T) {
	r, _ := seededRand(t, "updates.seed", *updatesSeed)
	for range 6 {
		db := openSmallFiles(t)
		for range 4 {
			files, err := db.LiveFiles()
			must(err)
			if len(files) == 0 {
				break
			}
			start, end := fmt.Appendf(nil, "%04d", r.IntN(800)), fmt.Appendf(nil, "%04d", r.IntN(800))
			switch r.IntN(6) {
			case 0:
				end = bytes.Clone(files[r.IntN(len(files))].Largest) // a file that ends there stays
			case 1:
				end = append(bytes.Clone(files[r.IntN(len(files))].Largest), 0) // and this one goes
			case 2:
				start = nil
			case 3:
				end = nil
			}
			if end != nil && bytes.Compare(start, end) > 0 {
				start, end = end, start
			}
			before, dropped := rowsOf(t, db), map[string]bool{}
			if err := db.DeleteFilesInRange(start, end); err != nil {
				t.Fatalf("[%s, %s): %v", start, end, err)
			}
			for _, f := range files {
				dropped[f.Name] = bytes.Compare(f.Smallest, start) >= 0 && (end == nil || bytes.Compare(f.Largest, end) < 0)
				if dropped[f.Name] {
					for key := range before {
						if key >= string(f.Smallest) && key <= string(f.Largest) {
							delete(before, key)
						}
					}
				}
			}
			expectRows(t, fmt.Sprintf("[%s, %s)", start, end), db, before)
			left, err := db.LiveFiles()
			must(err)
			for _, f := range left {
				if dropped[f.Name] {
					t.Errorf("[%s, %s): %s is still there", start, end, f.Name)
				}
			}
		}
	}
}

func TestDeleteFilesInRangeLeavesOtherFamiliesAndRefuses(t *testing.T) {
	db := openSmallFiles(t)
	c, err := db.CreateColumnFamily("other", &engine.FamilyOptions{Extra: smallFiles})
	must(err)
	must(errors.Join(c.Put([]byte("a"), nil, nil), c.Flush(), c.Compact(nil, nil, nil)))
	before := rowsOf(t, db)
	must(c.DeleteFilesInRange(nil, []byte("a")))
	expectRows(t, "other, up to its last key", c, map[string]string{"a": ""})
	must(c.DeleteFilesInRange(nil, nil))
	expectRows(t, "other", c, map[string]string{})
	must(errors.Join(c.Put([]byte("b\x00"), nil, nil), c.Flush(), c.Compact(nil, nil, nil), c.DeleteFilesInRange(nil, []byte("b\x00"))))
	expectRows(t, "other, with a zero", c, map[string]string{"b\x00": ""})
	expectRows(t, "default", db, before)
	for _, empty := range [][]byte{{}, []byte("0010")} {
		must(db.DeleteFilesInRange([]byte("0010")[:len(empty)], empty))
	}
	must(db.DeleteFilesInRange([]byte("a\xff"), []byte("b")))
	must(db.DeleteFilesInRange(append([]byte("a"), bytes.Repeat([]byte{0xFF}, 300)...), []byte("b")))
	expectRows(t, "empty ranges", db, before)
	expectError(t, "backwards", db.DeleteFilesInRange([]byte("b"), []byte("a")), engine.ErrInvalidArgument)
	big := make([]byte, engine.MaxKeySize+1)
	expectError(t, "start", db.DeleteFilesInRange(big, nil), engine.ErrTooLarge)
	expectError(t, "end", db.DeleteFilesInRange(nil, big), engine.ErrTooLarge)
	read := openDir(t, db.Path(), &engine.Options{ReadOnly: true})
	defer read.Close()
	expectError(t, "read only", read.DeleteFilesInRange(nil, nil), engine.ErrReadOnly)
}

func TestVerifyChecksumsFindsDamageOnDiskThatTheCacheHides(t *testing.T) {
	none := engine.FamilyOptions{Compression: engine.NoCompression, Extra: "disable_auto_compactions=true"}
	db := openTemp(t, &engine.Options{FamilyOptions: none, Families: map[string]engine.FamilyOptions{"other": none}})
	other, err := db.ColumnFamily("other")
	must(err)
	for i := range 1000 {
		must(other.Put(fmt.Appendf(nil, "%04d", i), []byte("a value that is looked for"), nil))
		must(db.Put(fmt.Appendf(nil, "%04d", i), nil, nil))
	}
	must(db.Flush())
	ctx := context.Background()
	if err := db.VerifyChecksums(ctx); err != nil {
		t.Fatal(err)
	}
	before := rowsOf(t, other) // now all is in the cache
	usage, err := db.Property("rocksdb.block-cache-usage")
	must(err)
	files, err := db.LiveFiles()
	must(err)
	for _, f := range files {
		if f.Family != "other" {
			continue
		}
		path := filepath.Join(db.Path(), f.Name)
		b, err := os.ReadFile(path)
		must(err)
		b[bytes.LastIndex(b, []byte("looked for"))] ^= 1
		must(os.WriteFile(path, b, 0o600))
	}
	expectRows(t, "from the cache", other, before)
	for range 2 {
		err := db.VerifyChecksums(ctx)
		expectError(t, "damaged", err, engine.ErrCorruption)
		var e *engine.Error
		if !errors.As(err, &e) || e.Family != "other" || e.Path != db.Path() {
			t.Errorf("%+v", e)
		}
	}
	if now, _ := db.Property("rocksdb.block-cache-usage"); now != usage {
		t.Errorf("the cache holds %s bytes, before %s", now, usage)
	}
	ended, end := context.WithCancel(ctx)
	end()
	expectError(t, "ended", db.VerifyChecksums(ended), context.Canceled)
}

func TestDestroyTakesTheDatabaseAndNothingElse(t *testing.T) {
	parent := t.TempDir()
	dir, logs := filepath.Join(parent, "db"), filepath.Join(parent, "logs")
	fill := func(o *engine.Options) *engine.DB {
		db := openDir(t, dir, o)
		_, err := db.CreateColumnFamily("other", nil)
		must(errors.Join(err, db.Put([]byte("a"), nil, nil), db.Flush(), db.Put([]byte("b"), nil, nil)))
		return db
	}
	db := fill(nil)
	before := listing(t, dir)
	expectError(t, "open", engine.Destroy(dir), engine.ErrLocked)
	for _, line := range strings.Split(before, "\n") {
		if after := listing(t, dir); !strings.Contains(after, line) && !strings.HasPrefix(line, "LOG") {
			t.Errorf("what is open has lost %s:\n%s", line, after)
		}
	}
	must(errors.Join(db.Put([]byte("c"), nil, nil), db.Flush(), db.Close()))
	if err := engine.Destroy(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there:\n%s", listing(t, dir))
	}

	must(fill(&engine.Options{Extra: "wal_dir=" + logs + ";" + keepLogs}).Close())
	must(os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("mine"), 0o600))
	must(os.Remove(filepath.Join(dir, "CURRENT"))) // as a destroy that was killed leaves it
	must(engine.Destroy(dir))
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || entries[0].Name() != "mine.txt" {
		t.Errorf("left:\n%s", listing(t, dir))
	}
	if _, err := os.Stat(logs); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the logs are still there:\n%s", listing(t, logs))
	}
	must(os.WriteFile(filepath.Join(dir, "000012.log"), []byte("somebody else's"), 0o600))
	before = listing(t, parent)
	for _, path := range []string{dir, parent, "", "a\x00", filepath.Join(parent, "missing"), filepath.Join(dir, "mine.txt")} {
		expectError(t, path, engine.Destroy(path), engine.ErrInvalidArgument)
	}
	if after := listing(t, parent); after != before {
		t.Errorf("a refused destroy left\n%s\nof\n%s", after, before)
	}
}
