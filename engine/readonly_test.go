package engine_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// files are the names and contents in a directory, but for RocksDB's own LOG.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	mustDo(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "LOG") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		mustDo(t, err)
		all[e.Name()] = string(data)
	}
	return all
}

// refusesChanges tries every call that changes something on a read-only database with families
// "default" and "f".
func refusesChanges(t *testing.T, d *engine.DB) {
	t.Helper()
	f, err := d.ColumnFamily("f")
	mustDo(t, err)
	k, v := []byte("a"), []byte("8 bytes.")
	b := d.NewBatch()
	mustDo(t, b.In(f).Put(k, v), b.Delete(k))
	_, created := d.CreateColumnFamily("new", nil)
	ctx := context.Background()
	copied := filepath.Join(t.TempDir(), "copy")
	for call, err := range map[string]error{
		"Put": d.Put(k, v, nil), "synced Put": d.Put(k, v, engine.Sync), "family's Put": f.Put(k, v, nil), "Delete": d.Delete(k, nil),
		"SingleDelete": f.SingleDelete(k, nil), "DeleteRange": f.DeleteRange(k, []byte("z"), nil), "Merge": f.Merge(k, v, nil),
		"Writer": f.Writer(nil).Put(k, v), "Write": d.Write(b, nil), "empty Write": d.Write(d.NewBatch(), nil),
		"Flush": d.Flush(), "family's Flush": f.Flush(), "Compact": d.Compact(ctx, nil, nil), "family's Compact": f.Compact(ctx, k, nil),
		"Checkpoint": d.Checkpoint(ctx, copied), "SyncWAL": d.SyncWAL(), "FlushWAL": d.FlushWAL(), "create": created, "drop": d.DropColumnFamily(f),
	} {
		expectError(t, call, err, engine.ErrReadOnly)
	}
	if _, err := os.Stat(copied); err == nil {
		t.Error("Checkpoint left a directory behind")
	}
	if v, err := d.Get([]byte("b"), nil); err != nil || string(v) != "2" {
		t.Errorf("a row that is not flushed: %q, %v", v, err)
	}
}

func TestAReadOnlyDatabaseRefusesChangesAndLeavesTheFilesAlone(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	mustDo(t, db.Put([]byte("a"), []byte("1"), nil), db.Flush(), db.Put([]byte("b"), []byte("2"), nil))
	before := files(t, db.Path())
	for range 2 { // the writer lives on beside them
		r := openDir(t, db.Path(), &engine.Options{ReadOnly: true})
		refusesChanges(t, r)
		mustDo(t, r.Close())
	}
	if after := files(t, db.Path()); !maps.Equal(before, after) {
		t.Errorf("the files changed: %v, were %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	_, err := engine.Open(db.Path(), &engine.Options{ReadOnly: true, Families: map[string]engine.FamilyOptions{"g": {}}})
	expectError(t, "a family that is not there", err, engine.ErrFamilyNotFound)
}
