package engine_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var allFilesSeed = flag.Uint64("allfiles.seed", 0, "seed of the lists of all files; 0: a new one")

// allFilesOf lists files by their names, after a look whether each is there as it is told.
func allFilesOf(t *testing.T, db *engine.DB) map[string]engine.StoredFile {
	t.Helper()
	files, err := db.AllFiles(t.Context())
	mustDo(t, err)
	all := map[string]engine.StoredFile{}
	for _, f := range files {
		info, err := os.Stat(filepath.Join(f.Folder, f.Name))
		mustDo(t, err)
		whole := f.Kind == engine.TableFile || f.Kind == engine.BlobFile || f.Kind == engine.CurrentFile
		if whole && info.Size() != f.Size || info.Size() < f.Size || f.Kind == "" {
			t.Errorf("%+v has %d bytes", f, info.Size())
		}
		all[f.Name] = f
	}
	if len(all) != len(files) {
		t.Errorf("some come twice: %v", files)
	}
	return all
}

// The folder's list is the model: what is in it belongs to the state, as nothing is compacted, and copied it is the
// database.
func TestAllFilesAreTheDatabase(t *testing.T) {
	needs(t, engine.AllFiles)
	r, _ := seededRand(t, "allfiles.seed", *allFilesSeed)
	blobs := engine.FamilyOptions{Extra: byHandOnly + ";enable_blob_files=true;min_blob_size=100"}
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}, Families: map[string]engine.FamilyOptions{"blobs": blobs}}
	db := openTemp(t, o)
	c, err := db.ColumnFamily("blobs")
	mustDo(t, err)
	for round := range 6 {
		for range r.IntN(20) {
			key := fmt.Appendf(nil, "%02d", r.IntN(50))
			mustDo(t, db.Put(key, fmt.Append(nil, round), nil), c.Put(key, bytes.Repeat(key, 1+r.IntN(200)), nil))
		}
		switch r.IntN(3) {
		case 0:
			mustDo(t, db.Flush())
		case 1:
			mustDo(t, c.Flush())
		}
		all := allFilesOf(t, db)
		entries, err := os.ReadDir(db.Path())
		mustDo(t, err)
		var logs []string
		for _, e := range entries {
			_, listed := all[e.Name()]
			switch ext := filepath.Ext(e.Name()); {
			case ext == ".log":
				if info, err := e.Info(); err == nil && info.Size() > 0 { // one that is empty is nobody's loss
					logs = append(logs, e.Name())
				}
			case (ext == ".sst" || ext == ".blob" || e.Name() == "CURRENT") && !listed:
				t.Errorf("round %d: %s is in the folder only", round, e.Name())
			}
		}
		if len(logs) > 0 && all[slices.Max(logs)].Kind != engine.LogFile {
			t.Errorf("round %d: %s is not in the list %v", round, slices.Max(logs), all)
		}
		to := filepath.Join(t.TempDir(), "copy")
		mustDo(t, os.Mkdir(to, 0o700))
		for _, f := range all {
			whole, err := os.ReadFile(filepath.Join(f.Folder, f.Name))
			mustDo(t, err, os.WriteFile(filepath.Join(to, f.Name), whole[:f.Size], 0o600))
		}
		copied := openDir(t, to, o)
		theirs, err := copied.ColumnFamily("blobs")
		mustDo(t, err)
		if got, want := shownRows(t, copied)+shownRows(t, theirs), shownRows(t, db)+shownRows(t, c); got != want {
			t.Errorf("round %d: the copy has other rows", round)
		}
		mustDo(t, copied.Close())
	}
}

func TestAllFilesTellsWhatTheyAre(t *testing.T) {
	if !engine.Supports(engine.AllFiles) {
		files, err := openTemp(t, nil).AllFiles(nil)
		expectError(t, "all files", err, engine.ErrUnsupported)
		if files != nil {
			t.Error(files)
		}
		return
	}
	logs := t.TempDir()
	db := openTemp(t, &engine.Options{Extra: "wal_dir=" + logs, FamilyOptions: engine.FamilyOptions{Extra: "enable_blob_files=true"}})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Flush(), db.Put([]byte("k"), []byte("w"), nil))
	kinds := map[engine.FileKind]bool{}
	for _, f := range allFilesOf(t, db) {
		kinds[f.Kind] = true
		if place := db.Path(); (f.Folder == logs) != (f.Kind == engine.LogFile) || f.Folder != logs && f.Folder != place {
			t.Errorf("%+v", f)
		}
		if number := fmt.Sprintf("%06d", f.Number); f.Kind != engine.CurrentFile && !strings.Contains(f.Name, number) {
			t.Errorf("number %s: %+v", number, f)
		}
	}
	for _, k := range []engine.FileKind{engine.TableFile, engine.BlobFile, engine.LogFile, engine.ManifestFile, engine.CurrentFile, engine.OptionsFile} {
		if !kinds[k] {
			t.Errorf("there is no %s", k)
		}
	}
}

func TestAllFilesFlushesWithTransactionsOnly(t *testing.T) {
	needs(t, engine.AllFiles)
	for mode, flushes := range map[engine.TxMode]bool{engine.NoTx: false, engine.Optimistic: false, engine.Pessimistic: true} {
		db := openTemp(t, &engine.Options{Transactions: mode})
		mustDo(t, db.Put([]byte("k"), []byte("v"), nil))
		allFilesOf(t, db)
		if tables := tablesOf(t, db, "default"); len(tables) > 0 != flushes {
			t.Errorf("mode %v: %d tables afterwards", mode, len(tables))
		}
		if p, err := db.PauseBackground(t.Context()); err == nil {
			_, err := db.AllFiles(nil)
			if flushes {
				expectError(t, "in a pause", err, engine.ErrBusy)
			} else if err != nil {
				t.Error(err)
			}
			mustDo(t, p.Continue())
		}
	}
}
