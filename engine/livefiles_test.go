package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var liveFilesSeed = flag.Uint64("livefiles.seed", 0, "seed of the files that flushes write; 0: a new one")

// written is what one flush wrote: the model of a file.
type written struct {
	family             string
	smallest, largest  string
	entries, deletions uint64
}

// flushRandomly writes n files in families of db and gives what is in each. Without compactions each
// flush is a file of level 0.
func flushRandomly(t *testing.T, db *engine.DB, n int) (all []written) {
	t.Helper()
	r, _ := seededRand(t, "livefiles.seed", *liveFilesSeed)
	families := db.ColumnFamilies()
	for range n {
		c := families[r.IntN(len(families))]
		w := written{family: c.Name()}
		var keys []string
		for _, k := range r.Perm(60)[:1+r.IntN(20)] { // each key once: nothing is dropped at the flush
			key := fmt.Sprintf("%02d%s", k, strings.Repeat("\x00\xff", r.IntN(5)))
			keys = append(keys, key)
			w.entries++
			if r.IntN(3) == 0 {
				w.deletions++
				mustDo(t, c.Delete([]byte(key), nil))
			} else {
				mustDo(t, c.Put([]byte(key), []byte("value"), nil))
			}
		}
		w.smallest, w.largest = slices.Min(keys), slices.Max(keys)
		mustDo(t, c.Flush())
		all = append(all, w)
	}
	return all
}

func asWritten(files []engine.LiveFile) (all []written) {
	for _, f := range files {
		all = append(all, written{f.Family, string(f.Smallest), string(f.Largest), f.Entries, f.Deletions})
	}
	return all
}

// inOrder sorts as LiveFiles does: by family as it was created, the newest file first.
func inOrder(all []written, families ...string) (sorted []written) {
	for _, name := range families {
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].family == name {
				sorted = append(sorted, all[i])
			}
		}
	}
	return sorted
}

const manualCompactions = "disable_auto_compactions=true"

func liveFiles(t *testing.T, db *engine.DB) []engine.LiveFile {
	t.Helper()
	files, err := db.LiveFiles()
	mustDo(t, err)
	return files
}

func TestLiveFilesAreThoseThatFlushesWrote(t *testing.T) {
	f := engine.FamilyOptions{Extra: manualCompactions}
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: f, Families: map[string]engine.FamilyOptions{"f": f, "g": f}}
	db := openDir(t, dir, o)
	if got := liveFiles(t, db); got == nil || len(got) != 0 {
		t.Errorf("a new database has files: %v", got)
	}
	want := inOrder(flushRandomly(t, db, 40), "default", "f", "g")
	check := func(state string, db *engine.DB) {
		t.Helper()
		files := liveFiles(t, db)
		if got := asWritten(files); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", state, got, want)
		}
		for _, f := range files {
			info, err := os.Stat(filepath.Join(dir, f.Name))
			if err != nil || info.Size() != f.Size || f.Level != 0 || f.Name != filepath.Base(f.Name) {
				t.Errorf("%s: %+v: %v", state, f, err)
			}
		}
	}
	check("as written", db)
	beside := openDir(t, dir, &engine.Options{ReadOnly: true})
	check("read beside the writer", beside)
	mustDo(t, beside.Close(), db.Close())
	db = openDir(t, dir, o)
	check("opened again", db)
	mustDo(t, db.Close())
}

// TestLiveFilesOfLevelsBelow compacts, after which the files have distinct ranges and no tombstones.
func TestLiveFilesOfLevelsBelow(t *testing.T) {
	db := openTemp(t, &engine.Options{Extra: "target_file_size_base=4096;compression=kNoCompression"})
	value := bytes.Repeat([]byte("v"), 1000)
	for i := range 40 {
		mustDo(t, db.Put(fmt.Appendf(nil, "%03d", i), value, nil))
	}
	mustDo(t, db.Flush(), db.Put([]byte("000"), value, nil), db.Put([]byte("039"), value, nil)) // a file alone would only be moved
	mustDo(t, db.Delete([]byte("007"), nil), db.Flush(), db.Compact(context.Background(), nil, nil))
	files := liveFiles(t, db)
	var entries uint64
	for i, f := range files {
		entries += f.Entries
		if f.Level == 0 || f.Deletions != 0 || i > 0 && bytes.Compare(files[i-1].Largest, f.Smallest) >= 0 {
			t.Errorf("file %d: %+v", i, f)
		}
	}
	if len(files) < 5 || entries != 39 {
		t.Errorf("%d files, %d entries", len(files), entries)
	}
}

// TestLiveFilesWithFewFilesOpen shows the limit that LiveFile tells of: it is RocksDB's.
func TestLiveFilesWithFewFilesOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Extra: manualCompactions})
	flushRandomly(t, db, 30)
	mustDo(t, db.Close())
	db = openDir(t, dir, &engine.Options{ReadOnly: true, Extra: "max_open_files=100;" + manualCompactions})
	known := 0
	for _, f := range liveFiles(t, db) {
		if f.Entries > 0 {
			known++
		}
	}
	if known != 20 {
		t.Errorf("the entries of %d of 30 files are known", known)
	}
	mustDo(t, db.Close())
}

// TestLiveFilesAreTheCallers changes what it was given.
func TestLiveFilesAreTheCallers(t *testing.T) {
	db := openTemp(t, nil)
	mustDo(t, db.Put(nil, nil, nil), db.Flush())
	first := liveFiles(t, db)[0]
	if first.Smallest == nil || first.Largest == nil || len(first.Smallest) != 0 {
		t.Errorf("the empty key: %#v to %#v", first.Smallest, first.Largest)
	}
	mustDo(t, db.Put([]byte("key"), nil, nil), db.Flush())
	copy(liveFiles(t, db)[0].Smallest, "***")
	if f := liveFiles(t, db)[0]; string(f.Smallest) != "key" {
		t.Errorf("the key became %q", f.Smallest)
	}
}
