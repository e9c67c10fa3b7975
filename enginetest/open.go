package enginetest

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Open opens a new database in a folder that is removed at the end of the test. The database is closed before that; the
// test fails if handles were left open, and in the debug build (-tags rbdebug) is told where they were made. A test may
// close the database itself, and then looks at the error itself. Nil options mean the defaults.
func Open(t testing.TB, o *engine.Options) *engine.DB {
	t.Helper()
	return OpenDir(t, filepath.Join(t.TempDir(), "db"), o)
}

// OpenInMemory opens a new database whose files are in memory, and otherwise is as Open: quicker where a test writes many files
// and needs none on disk. See engine.MemoryFiles for what such a database has not; nor can Crash copy it.
func OpenInMemory(t testing.TB, o *engine.Options) *engine.DB {
	t.Helper()
	files, err := engine.NewMemoryFiles()
	if err != nil {
		t.Fatalf("enginetest: open: %v", err)
	}
	t.Cleanup(func() { files.Close() }) // after the database
	return OpenDir(t, "db", inMemory(o, files))
}

// inMemory are the options with other files.
func inMemory(o *engine.Options, files *engine.MemoryFiles) *engine.Options {
	in := engine.Options{}
	if o != nil {
		in = *o
	}
	in.InMemory = files
	return &in
}

// OpenDir opens the database in a folder of the test's own choice, which is not removed, and otherwise is as Open.
func OpenDir(t testing.TB, dir string, o *engine.Options) *engine.DB {
	t.Helper()
	db, err := engine.Open(dir, o)
	if err != nil {
		t.Fatalf("enginetest: open: %v", err)
	}
	t.Cleanup(func() {
		t.Helper()
		closeDB(t, db)
	})
	return db
}

// Reopen closes a database, as Open does at the end, and opens it again, with any options. One in memory stays there. What was
// made from db answers ErrClosed.
func Reopen(t testing.TB, db *engine.DB, o *engine.Options) *engine.DB {
	t.Helper()
	dir, files := db.Path(), db.InMemory()
	closeDB(t, db)
	if files != nil {
		o = inMemory(o, files)
	}
	return OpenDir(t, dir, o)
}

// closeDB closes a database and fails the test over what Close answers.
func closeDB(t testing.TB, db *engine.DB) {
	t.Helper()
	err := db.Close()
	var leak *engine.LeakError
	switch {
	case err == nil:
	case errors.As(err, &leak) && leak.Stacks == nil:
		t.Errorf("enginetest: %v (go test -tags rbdebug tells where they were made)", err)
	default:
		t.Errorf("enginetest: close: %v", err)
	}
}
