package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var backupSeed = flag.Uint64("backup.seed", 0, "seed of the random test of backups; 0: a new one")

func openBackups(t testing.TB, dir string, o *engine.BackupsOptions) *engine.Backups {
	t.Helper()
	b, err := engine.OpenBackups(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close backups: %v", err)
		}
	})
	return b
}

func makeBackup(t testing.TB, b *engine.Backups, db *engine.DB, o *engine.BackupOptions) engine.Backup {
	t.Helper()
	made, err := b.Create(context.Background(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// familyRows is what all families hold.
func familyRows(t *testing.T, db *engine.DB) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, c := range db.ColumnFamilies() {
		all[c.Name()] = rowsOf(t, c)
	}
	return all
}

// expectRestored opens what a backup gives, in a new folder, and compares.
func expectRestored(t *testing.T, b *engine.Backups, id uint32, want map[string]map[string]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := b.Restore(context.Background(), id, dir, nil); err != nil {
		t.Fatalf("restore %d: %v", id, err)
	}
	db := openDir(t, dir, nil)
	defer db.Close()
	got := familyRows(t, db)
	if len(got) != len(want) {
		t.Errorf("backup %d: families %d, want %d", id, len(got), len(want))
	}
	for _, c := range db.ColumnFamilies() {
		expectRows(t, fmt.Sprintf("backup %d, family %s", id, c.Name()), c, want[c.Name()])
	}
	if err := db.Put([]byte("written"), []byte("8 bytes."), nil); err != nil {
		t.Errorf("a write to what was restored: %v", err)
	}
}

// A model remembers what each backup should hold, while rows, families, flushes, compactions, opening anew, purging
// and deleting come in any order.
func TestBackupsAreTheDatabaseOfTheirMoments(t *testing.T) {
	r, _ := seededRand(t, "backup.seed", *backupSeed)
	dir := filepath.Join(t.TempDir(), "db")
	db, _ := openFamilies(t, dir)
	defer func() { db.Close() }()
	folder := filepath.Join(t.TempDir(), "backups")
	want := map[uint32]map[string]map[string]string{}
	steps := 60
	if testing.Short() {
		steps = 25
	}
	for range steps {
		b := openBackups(t, folder, &engine.BackupsOptions{NoSync: true, Threads: r.IntN(4)})
		switch what := r.IntN(12); {
		case what < 4:
			for range r.IntN(200) {
				all := db.ColumnFamilies()
				c := all[r.IntN(len(all))]
				key := fmt.Appendf(nil, "%03d", r.IntN(500))
				if r.IntN(4) == 0 {
					must(c.Delete(key, nil))
				} else {
					must(c.Put(key, uint64le(r.Uint64()), nil))
				}
			}
		case what == 4:
			must(db.Flush())
		case what == 5:
			must(db.Compact(context.Background(), nil, nil))
		case what == 6:
			must(db.Close())
			db = openDir(t, dir, nil)
		case what < 10:
			made := makeBackup(t, b, db, &engine.BackupOptions{Flush: r.IntN(2) == 0})
			if _, twice := want[made.ID]; twice || made.Files < 3 || made.Size == 0 || time.Since(made.Time) > time.Hour {
				t.Fatalf("%+v", made)
			}
			want[made.ID] = familyRows(t, db)
		case what == 10:
			keep := 1 + r.IntN(3)
			must(b.Purge(context.Background(), keep))
			for len(want) > keep {
				delete(want, idsOf(want)[0])
			}
		case what == 11 && len(want) > 0:
			id := idsOf(want)[r.IntN(len(want))]
			must(b.Delete(context.Background(), id))
			delete(want, id)
		}
		all, err := b.List(context.Background())
		if err != nil || len(all) != len(want) {
			t.Fatalf("%d backups, want %d: %v", len(all), len(want), err)
		}
		for i, id := range idsOf(want) {
			if all[i].ID != id || all[i].Damaged != nil {
				t.Fatalf("%+v, want %d", all[i], id)
			}
		}
	}
	b := openBackups(t, folder, nil)
	for id, rows := range want {
		if err := b.Verify(context.Background(), id, nil); err != nil {
			t.Errorf("verify %d: %v", id, err)
		}
		expectRestored(t, b, id, rows)
	}
}

func idsOf[V any](m map[uint32]V) (ids []uint32) {
	for id := uint32(1); len(ids) < len(m); id++ {
		if _, ok := m[id]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// A second backup copies what is new only, and the shared file goes when its last backup does.
func TestBackupsShareTableFiles(t *testing.T) {
	db := openTemp(t, nil)
	folder := t.TempDir()
	b := openBackups(t, folder, nil)
	ctx := context.Background()
	if err := errors.Join(db.Put([]byte("a"), valueOf(1<<20), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	shared := func() int {
		files, _ := filepath.Glob(filepath.Join(folder, "shared_checksum", "*.sst"))
		return len(files)
	}
	var copied int64
	first := makeBackup(t, b, db, &engine.BackupOptions{Progress: func(n int64) { copied = n }})
	if copied < 1<<20 || first.Size < 1<<20 {
		t.Errorf("first: %d bytes of %d copied", copied, first.Size)
	}
	if err := errors.Join(db.Put([]byte("b"), []byte("small"), nil), db.Delete([]byte("a"), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	second := makeBackup(t, b, db, &engine.BackupOptions{Progress: func(n int64) { copied = n }})
	if copied > 100<<10 || second.Size < first.Size || second.Files < first.Files+1 {
		t.Errorf("second: %d bytes copied, %+v", copied, second)
	}
	if shared() != 2 {
		t.Errorf("%d shared files", shared())
	}
	if err := b.Purge(ctx, 1); err != nil || shared() != 2 {
		t.Errorf("after a purge: %d shared files, %v", shared(), err)
	}
	if err := db.Compact(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	makeBackup(t, b, db, nil)
	if err := b.Delete(ctx, 2); err != nil || shared() != 1 {
		t.Errorf("after the last backup of two files: %d shared files, %v", shared(), err)
	}
}

// Every file of a backup is damaged in turn.
func TestADamagedBackupIsFoundByVerifyAndRestore(t *testing.T) {
	db := openTemp(t, nil)
	folder := t.TempDir()
	b := openBackups(t, folder, nil)
	ctx := context.Background()
	if err := errors.Join(db.Put([]byte("a"), valueOf(1000), nil), db.Flush(), db.Put([]byte("b"), nil, nil)); err != nil {
		t.Fatal(err)
	}
	makeBackup(t, b, db, nil)
	var files []string
	for _, pattern := range []string{"private/1/*", "shared_checksum/*"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern))
		files = append(files, found...)
	}
	if len(files) < 5 {
		t.Fatalf("files: %v", files)
	}
	dest := filepath.Join(t.TempDir(), "restored")
	for _, path := range files {
		whole, err := os.ReadFile(path)
		if err != nil || len(whole) == 0 {
			t.Fatal(path, err)
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 1
		for how, content := range map[string][]byte{"flipped": flipped, "cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0), "gone": nil} {
			if os.Remove(path); content != nil {
				os.WriteFile(path, content, 0o600)
			}
			what := fmt.Sprintf("%s %s", filepath.Base(path), how)
			err := b.Verify(ctx, 1, nil)
			expectError(t, "verify: "+what, err, engine.ErrCorruption)
			if how != "gone" && !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Errorf("verify does not name %s: %v", filepath.Base(path), err)
			}
			expectError(t, "restore: "+what, b.Restore(ctx, 1, dest, nil), engine.ErrCorruption)
			if _, err := os.Stat(dest); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: restore left something: %v", what, err)
			}
			all, err := b.List(ctx)
			if err != nil || len(all) != 1 || (all[0].Damaged != nil) != (how == "gone") {
				t.Errorf("%s: %+v, %v", what, all, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Verify(ctx, 0, nil); err != nil {
		t.Error(err)
	}
}

// Every byte of a backup's list is changed in turn, and the list cut everywhere: it is damaged then, or still
// leads to the same files.
func TestADamagedListOfFilesIsNoWayOut(t *testing.T) {
	db := openTemp(t, nil)
	folder := t.TempDir()
	b := openBackups(t, folder, nil)
	ctx := context.Background()
	if err := errors.Join(db.Put([]byte("a"), nil, nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	makeBackup(t, b, db, nil)
	path := filepath.Join(folder, "meta", "1")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dest := filepath.Join(t.TempDir(), "restored")
	try := func(what string, text []byte) {
		os.WriteFile(path, text, 0o600)
		err := b.Verify(ctx, 1, nil)
		if err == nil && !bytes.Equal(text[bytes.IndexByte(whole, '\n'):], whole[bytes.IndexByte(whole, '\n'):]) && !strings.HasPrefix(what, "sequence") {
			t.Errorf("%s: no error", what)
		}
		if err != nil && !errors.Is(err, engine.ErrCorruption) {
			t.Errorf("%s: %v", what, err)
		}
	}
	head := bytes.IndexByte(whole[bytes.IndexByte(whole, '\n')+1:], '\n') + bytes.IndexByte(whole, '\n') + 1
	for i := range whole {
		text := bytes.Clone(whole)
		text[i] ^= 1
		what := fmt.Sprintf("byte %d", i)
		if i <= head {
			what = "sequence " + what
		}
		try(what, text)
		if i > head {
			try(fmt.Sprintf("cut at %d", i), whole[:i])
		}
	}
	for _, evil := range []string{"../../evil", "private/1/../../../evil", "private/2/CURRENT", "/etc/passwd", "CURRENT", "shared_checksum/x", ""} {
		text := bytes.Replace(whole, []byte("private/1/CURRENT "), []byte(evil+" "), 1)
		try(evil, text)
		expectError(t, evil, b.Restore(ctx, 1, dest, nil), engine.ErrCorruption)
	}
	os.WriteFile(path, whole, 0o600)
	if err := b.Restore(ctx, 1, dest, nil); err != nil {
		t.Error(err)
	}
}

func TestBackupsRefuseWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, nil)
	folder := filepath.Join(t.TempDir(), "backups")
	ctx := context.Background()
	for name, c := range map[string]struct {
		dir string
		o   *engine.BackupsOptions
		err error
	}{
		"a database": {db.Path(), nil, engine.ErrInvalidArgument}, "no name": {"", nil, engine.ErrInvalidArgument},
		"a zero byte": {"a\x00", nil, engine.ErrInvalidArgument}, "missing": {folder, &engine.BackupsOptions{ErrorIfMissing: true}, engine.ErrIO},
		"no parent": {filepath.Join(folder, "no", "parent"), nil, engine.ErrIO}, "empty": {t.TempDir(), &engine.BackupsOptions{ErrorIfMissing: true}, engine.ErrInvalidArgument},
		"threads": {folder, &engine.BackupsOptions{Threads: 65}, engine.ErrInvalidArgument}, "rate": {folder, &engine.BackupsOptions{CreateRate: -1}, engine.ErrInvalidArgument},
		"a file": {filepath.Join(db.Path(), "CURRENT"), nil, engine.ErrIO},
	} {
		_, err := engine.OpenBackups(c.dir, c.o)
		expectError(t, name, err, c.err)
	}
	b := openBackups(t, folder, nil)
	full := t.TempDir()
	os.WriteFile(filepath.Join(full, "mine"), nil, 0o600)
	for _, id := range []uint32{0, 1, 1<<32 - 1} {
		expectError(t, "verify nothing", b.Verify(ctx, id, nil), engine.ErrNotFound)
		expectError(t, "restore nothing", b.Restore(ctx, id, filepath.Join(full, "x"), nil), engine.ErrNotFound)
		expectError(t, "delete nothing", b.Delete(ctx, id), engine.ErrNotFound)
	}
	makeBackup(t, b, db, nil)
	before := listing(t, full)
	for _, dir := range []string{full, db.Path(), "", filepath.Join(full, "mine"), folder} {
		expectError(t, "restore to "+dir, b.Restore(ctx, 1, dir, nil), engine.ErrInvalidArgument)
		if dir != "" {
			expectError(t, "logs to "+dir, b.Restore(ctx, 1, filepath.Join(full, "new"), &engine.RestoreOptions{WALDir: dir}), engine.ErrInvalidArgument)
		}
	}
	expectError(t, "no parent", b.Restore(ctx, 1, filepath.Join(full, "no", "parent"), nil), engine.ErrIO)
	if after := listing(t, full); after != before {
		t.Errorf("a refused restore left\n%s", after)
	}
	expectError(t, "purge", b.Purge(ctx, -1), engine.ErrInvalidArgument)
	_, err := b.Create(ctx, db, &engine.BackupOptions{Note: make([]byte, 1<<20+1)})
	expectError(t, "note", err, engine.ErrTooLarge)
	_, err = b.Create(ctx, nil, nil)
	expectError(t, "nil database", err, engine.ErrClosed)
	read := openDir(t, db.Path(), &engine.Options{ReadOnly: true})
	defer read.Close()
	_, err = b.Create(ctx, read, nil)
	expectError(t, "read only", err, engine.ErrReadOnly)
}

func TestANoteIsKeptWithItsBackup(t *testing.T) {
	db := openTemp(t, nil)
	b := openBackups(t, t.TempDir(), nil)
	for _, note := range [][]byte{[]byte("before the migration\x00\n"), {}, valueOf(1 << 20)} {
		made, err := b.Create(context.Background(), db, &engine.BackupOptions{Note: note})
		if !engine.Supports(engine.BackupNote) {
			expectError(t, "note", err, engine.ErrUnsupported)
			if !strings.Contains(err.Error(), engine.BackupNote.Since()) {
				t.Errorf("%v names no version", err)
			}
			continue
		}
		if err != nil || !bytes.Equal(made.Note, note) {
			t.Errorf("%v: a note of %d bytes for one of %d", err, len(made.Note), len(note))
		}
	}
	if made := makeBackup(t, b, db, nil); made.Note != nil {
		t.Errorf("%q", made.Note)
	}
}

func TestLogsAreRestoredToTheirFolder(t *testing.T) {
	dir := t.TempDir()
	o := &engine.Options{Extra: "wal_dir=" + filepath.Join(dir, "logs")}
	db := openDir(t, filepath.Join(dir, "db"), o)
	defer db.Close()
	b := openBackups(t, filepath.Join(dir, "backups"), nil)
	if err := db.Put([]byte("a"), []byte("1"), nil); err != nil {
		t.Fatal(err)
	}
	makeBackup(t, b, db, nil)
	copied, logs := filepath.Join(dir, "copy"), filepath.Join(dir, "copied logs")
	if err := b.Restore(context.Background(), 0, copied, &engine.RestoreOptions{WALDir: logs}); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(logs, "*.log")); len(found) == 0 {
		t.Error("no logs in their folder")
	}
	again := openDir(t, copied, &engine.Options{Extra: "wal_dir=" + logs})
	defer again.Close()
	expectRows(t, "restored", again, map[string]string{"a": "1"})
}

func TestRowsWithoutALogNeedAFlush(t *testing.T) {
	db := openTemp(t, nil)
	b := openBackups(t, t.TempDir(), nil)
	if err := db.Put([]byte("a"), []byte("1"), &engine.WriteOptions{DisableWAL: true}); err != nil {
		t.Fatal(err)
	}
	makeBackup(t, b, db, nil)
	makeBackup(t, b, db, &engine.BackupOptions{Flush: true})
	expectRestored(t, b, 1, map[string]map[string]string{"default": {}})
	expectRestored(t, b, 2, map[string]map[string]string{"default": {"a": "1"}})
}
