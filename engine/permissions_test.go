package engine_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// withUmask runs f under a umask, which is that of the whole process.
func withUmask(mask int, f func()) {
	defer syscall.Umask(syscall.Umask(mask))
	f()
}

// RocksDB makes files and folders as any program does, and the umask takes from that; what a bulk load keeps beside the
// database while it works is for its owner only.
func TestFilesHaveThePermissionsThatTheUmaskLeaves(t *testing.T) {
	for mask, want := range map[int]struct{ file, folder fs.FileMode }{
		0o022: {0o644, 0o755}, 0o077: {0o600, 0o700}, 0o027: {0o640, 0o750}, 0: {0o644, 0o755},
	} {
		withUmask(mask, func() {
			base := t.TempDir()
			writeEveryKindOfFile(t, base)
			seen := map[string]int{}
			mustDo(t, filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
				if err != nil || path == base {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				allowed, got := want.file, info.Mode().Perm()
				if d.IsDir() {
					allowed = want.folder
				}
				if got&^allowed != 0 || got&0o600 != 0o600 {
					t.Errorf("umask %03o: %s has %03o, want %03o at most", mask, strings.TrimPrefix(path, base), got, allowed)
				}
				seen[strings.TrimLeft(d.Name(), "0123456789-")]++
				return nil
			}))
			for _, kind := range []string{"CURRENT", "LOCK", "IDENTITY", ".sst", ".log"} {
				if seen[kind] == 0 {
					t.Errorf("umask %03o: no %s among %v", mask, kind, slices.Sorted(maps.Keys(seen)))
				}
			}
		})
	}
}

// writeEveryKindOfFile makes a database, tables, a checkpoint, a backup and a restored database, and looks at what a bulk
// load has beside it meanwhile.
func writeEveryKindOfFile(t *testing.T, base string) {
	t.Helper()
	dir := filepath.Join(base, "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	mustDo(t, db.Put([]byte("k"), []byte("v"), engine.Sync), db.Flush(), db.Put([]byte("l"), []byte("v"), engine.Sync))
	var looked atomic.Int32
	_, err := engine.BulkLoad(t.Context(), db.ColumnFamilies()[1], func(yield func(k, v []byte) bool) {
		if yield([]byte("a"), []byte("v")) {
			looked.Add(expectPrivateFolders(t, base))
		}
	}, nil)
	w, errw := engine.NewSSTWriter(filepath.Join(base, "000001.sst"), nil)
	mustDo(t, err, errw, w.Put([]byte("m"), []byte("v")))
	_, err = w.Finish()
	b, errb := engine.OpenBackups(filepath.Join(base, "backups"), nil)
	mustDo(t, err, errb, db.Checkpoint(t.Context(), filepath.Join(base, "copy")))
	made, err := b.Create(t.Context(), db, nil)
	mustDo(t, err, b.Restore(t.Context(), made.ID, filepath.Join(base, "restored"), nil), b.Close(), db.Close())
	if looked.Load() == 0 {
		t.Error("no folder of the bulk load was seen")
	}
}

// expectPrivateFolders counts the folders of bulk loads in base, which others must not enter.
func expectPrivateFolders(t *testing.T, base string) (n int32) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(base, "rockbridge-load-*"))
	mustDo(t, err)
	for _, f := range folders {
		info, err := os.Stat(f)
		mustDo(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has %03o", filepath.Base(f), info.Mode().Perm())
		}
		n++
	}
	return n
}
