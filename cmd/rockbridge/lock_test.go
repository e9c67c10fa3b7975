package main

import (
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// TestALockedDatabaseCanBeReadOnly holds a database open in this process while
// the program, another process, works on it.
func TestALockedDatabaseCanBeReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.Put([]byte("a"), []byte("1"), engine.Sync); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"put", dir, "a", "2"},
		{"delete", dir, "a"},
		{"compact", dir},
		{"checkpoint", dir, filepath.Join(t.TempDir(), "copy")},
		{"load", dir, writeFile(t, "a.tsv", "a\t2\n")},
	} {
		fail(t, exitError, args, dir, "lock")
	}
	if got := succeed(t, "get", dir, "a"); got != "1\n" {
		t.Errorf("get: %q", got)
	}
	if got := succeed(t, "scan", dir); got != "a\t1\n" {
		t.Errorf("scan: %q", got)
	}
	if got := succeed(t, "count", dir); got != "1\n" {
		t.Errorf("count: %q", got)
	}
	succeed(t, "stats", dir)
	succeed(t, "inspect", dir)
}
