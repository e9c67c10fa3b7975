package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var ingestSeed = flag.Uint64("ingest.seed", 0, "seed of the ingestions with options; 0: a new one")

// Whatever the options, the rows are the same, and the files are what the options say.
func TestIngestionsWithAnyOptionsGiveTheSameRows(t *testing.T) {
	r, _ := seededRand(t, "ingest.seed", *ingestSeed)
	db := openTemp(t, nil)
	rows := map[string]string{}
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		o := &engine.IngestOptions{Move: r.IntN(3) == 0, Trusted: r.IntN(2) == 0}
		if engine.Supports(engine.IngestLinks) {
			o.Link, o.NoFillCache, o.Threads = !o.Move && r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(4)
		}
		o.NoCopy = engine.Supports(engine.IngestNoCopy) && (o.Move || o.Link) && r.IntN(2) == 0
		var paths []string
		files := map[string][]byte{}
		for range 1 + r.IntN(3) {
			value := fmt.Sprint(round, " ", r.Uint64())
			keys := map[string]bool{}
			for range 1 + r.IntN(20) {
				keys[fmt.Sprintf("%02d", r.IntN(60))] = true
			}
			path := madeSST(t, nil, puts(value, slices.Sorted(maps.Keys(keys))...)).Path
			for k := range keys {
				rows[k] = value
			}
			whole, err := os.ReadFile(path)
			mustDo(t, err)
			paths, files[path] = append(paths, path), whole
		}
		mustDo(t, db.Ingest(t.Context(), paths, o))
		expectRows(t, fmt.Sprintf("round %d, %+v", round, *o), db, rows)
		if r.IntN(3) == 0 {
			mustDo(t, db.Compact(t.Context(), nil, nil))
		}
		for path, whole := range files {
			now, err := os.ReadFile(path)
			if o.Move && !errors.Is(err, fs.ErrNotExist) || !o.Move && (err != nil || !bytes.Equal(now, whole)) {
				t.Errorf("round %d, %+v: %s afterwards: %v", round, *o, path, err)
			}
		}
	}
	expectRows(t, "in the end", db, rows)
	mustDo(t, db.Health(), db.VerifyChecksums(t.Context()))
}

func TestLinkedFilesAreOfTheDatabaseAndOfTheCaller(t *testing.T) {
	needs(t, engine.IngestLinks)
	db := openTemp(t, nil)
	path := madeSST(t, nil, puts("1", "a", "b")).Path
	linked := func() bool {
		ours, err := os.Stat(path)
		mustDo(t, err)
		for _, f := range tablesOf(t, db, "default") {
			theirs, err := os.Stat(filepath.Join(db.Path(), f.Name))
			mustDo(t, err)
			if os.SameFile(ours, theirs) {
				return true
			}
		}
		return false
	}
	mustDo(t, db.Ingest(t.Context(), []string{path}, &engine.IngestOptions{Link: true, NoCopy: true}))
	if !linked() {
		t.Error("the file was copied")
	}
	mustDo(t, db.Put([]byte("b"), []byte("2"), nil), db.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	if linked() {
		t.Error("the file is the database's after a compaction")
	}
	mustDo(t, db.Ingest(t.Context(), []string{path}, nil)) // it is whole, and can be taken again
	expectRows(t, "afterwards", db, map[string]string{"a": "1", "b": "1"})
}

// Where links are not to be had, NoCopy is an error, and nothing happened.
func TestNoCopyIsAnErrorOverFileSystems(t *testing.T) {
	needs(t, engine.IngestNoCopy)
	far, err := os.MkdirTemp("/dev/shm", "rockbridge-")
	if err != nil {
		t.Skip("no other file system: ", err)
	}
	t.Cleanup(func() { mustDo(t, os.RemoveAll(far)) })
	db := openTemp(t, nil)
	if err := os.Link(filepath.Join(db.Path(), "CURRENT"), filepath.Join(far, "x")); err == nil {
		t.Skip("it is the same file system")
	}
	var paths []string
	for i, place := range []string{t.TempDir(), far} { // the first one is linked before the second one fails
		path := filepath.Join(place, fmt.Sprint(i))
		whole, err := os.ReadFile(madeSST(t, nil, puts("new", fmt.Sprint(i))).Path)
		mustDo(t, err, os.WriteFile(path, whole, 0o600))
		paths = append(paths, path)
	}
	mustDo(t, db.Put([]byte("0"), []byte("old"), nil), db.Flush())
	before := folderOf(t, db.Path())
	for name, o := range map[string]engine.IngestOptions{"move": {Move: true}, "link": {Link: true}} {
		if o.Link && !engine.Supports(engine.IngestLinks) {
			continue
		}
		o.NoCopy = true
		expectError(t, name, db.Ingest(t.Context(), paths, &o), engine.ErrIO, syscall.EXDEV)
		expectRows(t, name, db, map[string]string{"0": "old"})
		if after := folderOf(t, db.Path()); after != before {
			t.Errorf("%s: files before and after:\n%s\n%s", name, before, after)
		}
		o.NoCopy = false
		for _, path := range paths { // which a move takes away
			whole, err := os.ReadFile(path)
			mustDo(t, err, os.WriteFile(path+".copy", whole, 0o600))
		}
		o.Trusted = true
		mustDo(t, db.Ingest(t.Context(), []string{paths[1] + ".copy"}, &o), db.DeleteRange([]byte("1"), []byte("2"), nil), db.Health())
		before = folderOf(t, db.Path())
	}
}

// folderOf lists the table files of a folder.
func folderOf(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	mustDo(t, err)
	return strings.Join(names, " ")
}

func TestIngestRefusesOptionsThatMakeNoSense(t *testing.T) {
	db := openTemp(t, nil)
	path := madeSST(t, nil, puts("1", "a")).Path
	ingest := func(o engine.IngestOptions) error {
		return db.Ingest(context.Background(), []string{path}, &o)
	}
	for what, o := range map[string]engine.IngestOptions{
		"a move and a link":      {Move: true, Link: true},
		"no copy of copies":      {NoCopy: true},
		"a negative of threads":  {Threads: -1},
		"too many threads":       {Threads: 65},
		"threads beyond 32 bits": {Threads: 1 << 33},
	} {
		expectError(t, what, ingest(o), engine.ErrInvalidArgument)
	}
	for what, x := range map[string]struct {
		f engine.Feature
		o engine.IngestOptions
	}{
		"link":    {engine.IngestLinks, engine.IngestOptions{Link: true}},
		"no fill": {engine.IngestLinks, engine.IngestOptions{NoFillCache: true}},
		"threads": {engine.IngestLinks, engine.IngestOptions{Threads: 2}},
		"no copy": {engine.IngestNoCopy, engine.IngestOptions{Move: true, NoCopy: true}},
	} {
		if !engine.Supports(x.f) {
			expectError(t, what, ingest(x.o), engine.ErrUnsupported)
		}
	}
	expectRows(t, "afterwards", db, nil)
}
