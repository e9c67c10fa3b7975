package engine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func identityOf(t *testing.T, db *engine.DB) string {
	t.Helper()
	id, err := db.Identity()
	mustDo(t, err)
	return id
}

func TestAnIdentityIsADatabasesOwnAndStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	other := identityOf(t, openTemp(t, nil))
	db := openDir(t, dir, nil)
	id := identityOf(t, db)
	if id == other || len(id) < 10 {
		t.Errorf("%q and %q", id, other)
	}
	mustDo(t, db.Close())
	for _, readOnly := range []bool{false, true} {
		db := openDir(t, dir, &engine.Options{ReadOnly: readOnly})
		if again := identityOf(t, db); again != id {
			t.Errorf("opened again, read only %v: %q, was %q", readOnly, again, id)
		}
		var stream bytes.Buffer
		_, err := engine.Export(t.Context(), db, nil, &stream, nil)
		mustDo(t, err)
		if !bytes.Contains(stream.Bytes(), []byte(id)) {
			t.Error("Export's stream has another one")
		}
		mustDo(t, db.Close())
		if _, err := db.Identity(); err != engine.ErrClosed {
			t.Errorf("closed: %v", err)
		}
	}
}

func TestAnIdentityThatIsNotThereIsAnError(t *testing.T) {
	db := openTemp(t, nil)
	id := identityOf(t, db)
	mustDo(t, os.Remove(filepath.Join(db.Path(), "IDENTITY")))
	files, err := engine.NewMemoryFiles()
	mustDo(t, err)
	t.Cleanup(func() { mustDo(t, files.Close()) })
	memory := openTemp(t, &engine.Options{InMemory: files})
	if engine.Supports(engine.IdentityCall) { // RocksDB knows it without the file
		if again := identityOf(t, db); again != id {
			t.Errorf("without the file: %q, was %q", again, id)
		}
		if id := identityOf(t, memory); len(id) < 10 {
			t.Errorf("in memory: %q", id)
		}
		return
	}
	_, err = db.Identity()
	expectError(t, "without the file", err, engine.ErrIO, os.ErrNotExist)
	_, err = memory.Identity()
	expectError(t, "in memory", err, engine.ErrUnsupported)
}
