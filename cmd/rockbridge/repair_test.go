package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRepairOpensWhatCouldNotBeOpened takes the file away that says which manifest is in use, and damages a
// table after that.
func TestRepairOpensWhatCouldNotBeOpened(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\n")
	if err := os.Remove(filepath.Join(dir, "CURRENT")); err != nil {
		t.Fatal(err)
	}
	fail(t, exitError, []string{"count", dir}, "no database")
	if got := succeed(t, "repair", dir); !strings.HasSuffix(got, " tables, 0 lost\n") {
		t.Errorf("%q", got)
	}
	if got := succeed(t, "scan", dir); got != "a\t1\nb\t2\n" {
		t.Errorf("%q", got)
	}
	succeed(t, "compact", dir)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("%q, %v", tables, err)
	}
	if err := os.WriteFile(tables[0], []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := succeed(t, "repair", dir)
	if want := "lost: " + filepath.Join(dir, "lost", filepath.Base(tables[0])) + "\n"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " tables, 1 lost\n") {
		t.Errorf("%q, want %q first", got, want)
	}
	if got := succeed(t, "scan", dir); got != "" {
		t.Errorf("%q", got)
	}
	fail(t, exitError, []string{"repair", t.TempDir()}, "no files of a database")
	fail(t, exitError, []string{"repair", filepath.Join(dir, "none")}, "none")
}
