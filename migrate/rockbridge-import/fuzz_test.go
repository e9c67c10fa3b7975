package main

import (
	"archive/zip"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/enginetest"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

var newStores = flag.Bool("stores.new", false, "make the stores in testdata/stores anew")

// store gives the files of the small store of a kind, by name.
func store(t testing.TB, kind string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join("testdata", "stores", kind+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestTheSmallStores has every kind's library make a store of 20 rows, if it is asked to.
func TestTheSmallStores(t *testing.T) {
	if !*newStores {
		t.Skip("-stores.new makes them")
	}
	for _, kind := range []string{"pebble", "bbolt", "badger", "leveldb"} {
		src := filepath.Join(t.TempDir(), "store")
		if out, err := start(t, maker, kind, src, "7", "20").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var packed bytes.Buffer
		archive := zip.NewWriter(&packed)
		err := filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(filepath.Dir(src), path)
			if err != nil {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			w, err := archive.Create(filepath.ToSlash(name))
			if err != nil {
				return err
			}
			_, err = w.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "stores", kind+".zip"), packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// editSize is how many bytes say what is done to a store: what, to which file, where (3 bytes), how much (2), and with what.
const editSize = 8

// edit does to the files what the bytes say.
func edit(files map[string][]byte, edits []byte) {
	for e := range slices.Chunk(edits[:min(len(edits), 8*editSize)], editSize) {
		names := slices.Sorted(maps.Keys(files))
		if len(e) < editSize || len(names) == 0 {
			return
		}
		name, other := names[int(e[1])%len(names)], names[int(e[7])%len(names)]
		b := slices.Clone(files[name])
		at := (int(e[2]) | int(e[3])<<8 | int(e[4])<<16) % (len(b) + 1)
		end := min(at+(int(e[5])|int(e[6])<<8)+1, len(b))
		switch e[0] % 8 {
		case 0:
			if at < len(b) {
				b[at] ^= 1 << (e[7] % 8)
			}
		case 1: // bytes that are all the same
			for i := at; i < end; i++ {
				b[i] = e[7]
			}
		case 2: // the end is missing
			b = b[:at]
		case 3: // a part is missing
			b = slices.Delete(b, at, end)
		case 4: // a part is there twice
			b = slices.Insert(b, at, b[at:end]...)
		case 5: // a part of another file, or of this one
			from := files[other]
			copy(b[at:end], from[min(at/2, len(from)):])
		case 6:
			b = append(b, files[other][:min(end-at, len(files[other]))]...)
		case 7:
			delete(files, name)
			continue
		}
		files[name] = b
	}
}

// fuzzImport imports the store of a kind that edits have changed: the program ends by itself, with an error or with the rows that
// the store's own library reads, and no more than that is left.
func fuzzImport(f *testing.F, kind string) {
	files := store(f, kind)
	f.Add([]byte{})
	for i := range len(files) {
		f.Add([]byte{0, byte(i), 99, 1, 0, 0, 0, 3})
	}
	f.Fuzz(func(t *testing.T, edits []byte) {
		t.Parallel()
		changed := maps.Clone(files)
		edit(changed, edits)
		dir := t.TempDir()
		src, dst := filepath.Join(dir, "store"), filepath.Join(dir, "new")
		for name, b := range changed {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, _, stderr := run1(t, "--from", kind, "--verify", src, dst)
		switch {
		case code == exitError && strings.Contains(stderr, "rockbridge-import: ") && len(edits) >= editSize:
			nothing(t, dst)
			return
		case code != exitOK:
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if ours, theirs := imported(t, dst), shownBy(t, kind, src); ours != theirs {
			t.Errorf("imported are\n%sbut the library shows\n%s", ours, theirs)
		}
	})
}

// imported lists the rows of a database.
func imported(t *testing.T, dst string) string {
	t.Helper()
	var lines []string
	for _, c := range enginetest.OpenDir(t, dst, nil).ColumnFamilies() {
		rows, done := engine.Scan(c, nil)
		for key, value := range rows {
			lines = append(lines, fmt.Sprintf("%x %x %x\n", c.Name(), key, value))
		}
		if err := done(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// shownBy lists the rows of a store as its library shows them.
func shownBy(t *testing.T, kind, src string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := runner.Command(ctx, maker, "read", kind, src)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("what was imported, its library does not read: %v: %s", err, &stderr)
	}
	lines := slices.Sorted(strings.Lines(string(out)))
	return strings.Join(lines, "")
}

func FuzzImportOfPebble(f *testing.F)  { fuzzImport(f, "pebble") }
func FuzzImportOfBolt(f *testing.F)    { fuzzImport(f, "bbolt") }
func FuzzImportOfBadger(f *testing.F)  { fuzzImport(f, "badger") }
func FuzzImportOfLevelDB(f *testing.F) { fuzzImport(f, "leveldb") }
