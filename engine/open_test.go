package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// listing names the files under dir with their sizes, one a line; "" if there is no dir.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if info, err := e.Info(); err == nil && !e.IsDir() {
			fmt.Fprintln(&out, rel, info.Size())
		} else {
			fmt.Fprintln(&out, rel)
		}
		return nil
	})
	return out.String()
}

// dataListing is listing without RocksDB's log of what it does, which a second opener may begin anew.
func dataListing(t *testing.T, dir string) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(listing(t, dir)) {
		if !strings.HasPrefix(line, "LOG") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// created makes a database with a row and closes it.
func created(t *testing.T, o *engine.Options) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openFails checks that Open of dir fails and changes nothing there.
func openFails(t *testing.T, what, dir string, o *engine.Options, targets ...error) *engine.Error {
	t.Helper()
	before := listing(t, dir)
	db, err := engine.Open(dir, o)
	if db != nil {
		t.Errorf("%s: it opened", what)
		db.Close()
	}
	expectError(t, what, err, targets...)
	if after := listing(t, dir); after != before {
		t.Errorf("%s: the directory changed from\n%s\nto\n%s", what, before, after)
	}
	var e *engine.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", what, err)
	}
	if e.Op != "open" || e.Path == "" && dir != "" {
		t.Errorf("%s: op %q, path %q", what, e.Op, e.Path)
	}
	return e
}

func TestOpenCreatesOnlyWhatItMay(t *testing.T) {
	parent := t.TempDir()
	missing := filepath.Join(parent, "missing")
	openFails(t, "ErrorIfMissing", missing, &engine.Options{ErrorIfMissing: true}, engine.ErrInvalidArgument, fs.ErrNotExist)
	openFails(t, "ReadOnly", missing, &engine.Options{ReadOnly: true}, engine.ErrIO)
	openFails(t, "ReadOnly and ErrorIfMissing", missing, &engine.Options{ReadOnly: true, ErrorIfMissing: true}, engine.ErrInvalidArgument)
	empty := filepath.Join(parent, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	openFails(t, "ErrorIfMissing, empty directory", empty, &engine.Options{ErrorIfMissing: true}, engine.ErrInvalidArgument)
	openFails(t, "ReadOnly, empty directory", empty, &engine.Options{ReadOnly: true}, engine.ErrIO)
	if err := openDir(t, empty, &engine.Options{ErrorIfExists: true}).Close(); err != nil {
		t.Error(err)
	}
	dir := created(t, nil)
	openFails(t, "ErrorIfExists", dir, &engine.Options{ErrorIfExists: true}, engine.ErrInvalidArgument)
	for _, o := range []*engine.Options{nil, {}, {ErrorIfMissing: true}, {ReadOnly: true}, {ReadOnly: true, ErrorIfMissing: true}} {
		db := openDir(t, dir, o)
		expectRows(t, fmt.Sprintf("%+v", o), db, map[string]string{"k": "v"})
		if db.Path() != dir {
			t.Errorf("path %s", db.Path())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenNeedsADirectoryToBeIn(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	openFails(t, "missing parents", filepath.Join(parent, "a", "b"), nil, engine.ErrIO)
	openFails(t, "a file", file, nil, engine.ErrIO)
	openFails(t, "below a file", filepath.Join(file, "db"), nil, engine.ErrIO)
	openFails(t, "no name", "", nil, engine.ErrInvalidArgument)
	openFails(t, "a zero byte", filepath.Join(parent, "a\x00b"), nil, engine.ErrInvalidArgument)
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	t.Chdir(parent)
	db := openDir(t, "relative", nil)
	defer db.Close()
	if _, err := os.Stat(filepath.Join(parent, "relative", "CURRENT")); err != nil {
		t.Error(err)
	}
}

func TestAFailedOpenLeavesForeignFilesAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"notes", "LOG.mine", "000001.sst"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openFails(t, "bad option", dir, &engine.Options{Extra: "no_such_option=1"}, engine.ErrInvalidArgument)
	// This one fails late: RocksDB has begun to write by then.
	openFails(t, "no directory for the WAL", dir, &engine.Options{Extra: "wal_dir=/no/such/directory"}, engine.ErrIO)
}

// What stands where the directory would be is not what the failed Open made: it stays.
func TestAFailedOpenLeavesWhatIsNoDirectory(t *testing.T) {
	base := t.TempDir()
	file, dangling, closed := filepath.Join(base, "file"), filepath.Join(base, "dangling"), filepath.Join(base, "closed")
	mustDo(t, os.WriteFile(file, []byte("precious"), 0o600), os.Symlink("nowhere", dangling), os.Mkdir(closed, 0))
	for _, path := range []string{file, dangling} {
		_, err := engine.Open(path, nil)
		expectError(t, path, err, engine.ErrIO)
	}
	_, err := engine.Open(closed, &engine.Options{Extra: "no_such_option=1"}) // which root may read
	expectError(t, "closed", err)
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "precious" {
		t.Errorf("the file: %q, %v", text, err)
	}
	for _, path := range []string{dangling, closed} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	for _, c := range []struct {
		files  string
		damage func(path string) error
		target error
	}{
		{"CURRENT", func(p string) error { return os.WriteFile(p, []byte("garbage"), 0o600) }, engine.ErrCorruption},
		{"CURRENT", func(p string) error { return os.WriteFile(p, nil, 0o600) }, engine.ErrCorruption},
		{"CURRENT", func(p string) error { return os.WriteFile(p, []byte("MANIFEST-999999\n"), 0o600) }, engine.ErrIO},
		{"MANIFEST-*", func(p string) error { return os.WriteFile(p, []byte("garbage"), 0o600) }, engine.ErrCorruption},
		{"MANIFEST-*", func(p string) error { return os.Truncate(p, 0) }, engine.ErrCorruption},
		{"MANIFEST-*", os.Remove, engine.ErrIO},
		{"*.sst", os.Remove, engine.ErrCorruption},
		{"*.sst", func(p string) error { return os.Truncate(p, 40) }, engine.ErrCorruption},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		db := openDir(t, dir, nil)
		if err := errors.Join(db.Put([]byte("k"), []byte("v"), nil), db.Flush(), db.Close()); err != nil {
			t.Fatal(err)
		}
		paths, err := filepath.Glob(filepath.Join(dir, c.files))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", c.files, paths, err)
		}
		for _, p := range paths {
			if err := c.damage(p); err != nil {
				t.Fatal(err)
			}
		}
		before := dataListing(t, dir)
		db, err = engine.Open(dir, nil)
		if db != nil {
			t.Errorf("%s: it opened", c.files)
			db.Close()
			continue
		}
		expectError(t, c.files, err, c.target)
		if after := dataListing(t, dir); after != before {
			t.Errorf("%s: the directory changed from\n%s\nto\n%s", c.files, before, after)
		}
	}
}

// lockDir names a database that the child of TestASecondOpenerIsRefused tries to open.
const lockDir = "ROCKBRIDGE_TEST_LOCK_DIR"

func TestASecondOpenerIsRefused(t *testing.T) {
	if dir := os.Getenv(lockDir); dir != "" {
		_, err := engine.Open(dir, nil)
		if !errors.Is(err, engine.ErrLocked) || !errors.Is(err, engine.ErrIO) {
			t.Errorf("another process: %v", err)
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	defer db.Close()
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		// None of these may cost the owner its lock, as closing any descriptor of the LOCK file would.
		if err := db.Checkpoint(context.Background(), filepath.Join(t.TempDir(), "copy")); err != nil {
			t.Fatal(err)
		}
		listing(t, dir)
		before := dataListing(t, dir)
		for range 5 {
			_, err := engine.Open(dir, nil)
			expectError(t, "the same process", err, engine.ErrLocked, engine.ErrIO)
		}
		child := runner.Command(t.Context(), self, "-test.run=^TestASecondOpenerIsRefused$", "-test.count=1")
		child.Env = append(os.Environ(), lockDir+"="+dir)
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("round %d: %v\n%s", round, err, out)
		}
		if after := dataListing(t, dir); after != before {
			t.Errorf("the directory changed from\n%s\nto\n%s", before, after)
		}
		ro := openDir(t, dir, &engine.Options{ReadOnly: true})
		expectRows(t, "read only beside the owner", ro, map[string]string{"k": "v"})
		if err := ro.Close(); err != nil {
			t.Error(err)
		}
	}
	expectRows(t, "the owner", db, map[string]string{"k": "v"})
	usableAndReopens(t, db, dir)
}
