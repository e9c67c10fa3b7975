package engine_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A changed bit in the head of a section of tables makes it one of tables that RocksDB does not know. It makes none then, and asks
// what is not there: seen in a soak as two changed bits that ended the process.
func TestNoChangedHeadOfTheOptionsOfTablesEndsTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	mustDo(t, db.Close())
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	mustDo(t, err)
	path := files[len(files)-1]
	sound, err := os.ReadFile(path)
	mustDo(t, err)
	head := []byte(`[TableOptions/BlockBasedTable "other"]`)
	at := bytes.Index(sound, head)
	if at < 0 {
		t.Fatalf("no %s in\n%s", head, sound)
	}
	refused := 0
	for i := range head {
		for bit := range 8 {
			if testing.Short() && (i+bit)%4 != 0 {
				continue
			}
			changed := bytes.Clone(sound)
			changed[at+i] ^= 1 << bit
			mustDo(t, os.WriteFile(path, changed, 0o644))
			db, err := engine.Open(dir, &engine.Options{ReadOnly: true, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				refused++
				continue
			}
			mustDo(t, db.Close())
		}
	}
	mustDo(t, os.WriteFile(path, sound, 0o644))
	db, err = engine.Open(dir, nil)
	mustDo(t, err)
	mustDo(t, db.Close())
	if refused == 0 {
		t.Error("every changed head was taken")
	}
	t.Logf("%d changed heads were refused", refused)
}
