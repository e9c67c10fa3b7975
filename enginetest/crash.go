package enginetest

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// copyTries is how often CrashCopy copies a database that changes meanwhile, before it gives up.
const copyTries = 100

// Crash opens a copy of the database as a kill -9 at this moment would leave it: see CrashCopy for what that shows. db stays
// open, and is closed at the end of the test.
func Crash(t testing.TB, db *engine.DB, o *engine.Options) *engine.DB {
	t.Helper()
	return OpenDir(t, CrashCopy(t, db), o)
}

// CrashCopy copies the folder of an open database, as it is at one moment, and returns the copy's: it is removed at the end of
// the test. This is what the death of the process would leave: every write that was acknowledged without DisableWAL is in it,
// synced or not; those with DisableWAL are only if they were flushed; and Open has to recover it.
//
// It is not what a power cut leaves, which takes what was not synced: CutOff of a Log comes near to that. Nor does it show a
// write that dies half-way: db lives on, and a call that is under way ends.
//
// Files that change while they are copied are copied anew; the test fails if that does not come to an end, so writers should
// pause. The folder must hold all of the database: no wal_dir and no other paths in Options.Extra. A log that is written through
// memory (allow_mmap_writes) is no subject for this.
func CrashCopy(t testing.TB, db *engine.DB) string {
	t.Helper()
	if _, err := db.Options(); err != nil {
		t.Fatalf("enginetest: crash: %v", err)
	}
	from := db.Path()
	for range copyTries {
		to := filepath.Join(t.TempDir(), "db")
		before, err := folderState(from)
		if err == nil {
			err = copyFolder(from, to, before)
		}
		after, errAfter := folderState(from)
		if errAfter != nil {
			t.Fatalf("enginetest: crash: %v", errAfter)
		}
		if err == nil && maps.EqualFunc(before, after, sameState) {
			return to
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatalf("enginetest: crash: %v", err)
		}
	}
	t.Fatalf("enginetest: crash: the database changed during each of %d copies: writers must pause", copyTries)
	return ""
}

// folderState is what tells whether a file of a folder changes: RocksDB appends, renames and removes.
func folderState(dir string) (map[string]fs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	state := map[string]fs.FileInfo{}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), "LOG") { // RocksDB's own report
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		state[e.Name()] = info
	}
	return state, nil
}

func sameState(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func copyFolder(from, to string, files map[string]fs.FileInfo) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for name := range files {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close() // an error of a copy that is not whole does not matter
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
