package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupsAreMadeAndRestored goes the whole way of two backups.
func TestBackupsAreMadeAndRestored(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	folder, dest := filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "restored")
	if got := succeed(t, "backup", "create", dir, folder); !strings.HasPrefix(got, "backup 1: ") {
		t.Errorf("%q", got)
	}
	succeed(t, "put", dir, "a", "2")
	succeed(t, "backup", "create", dir, folder, "--flush", "--rate", "100000000")
	succeed(t, "put", dir, "a", "3")
	list := strings.Split(strings.TrimSpace(succeed(t, "backup", "list", folder)), "\n")
	if len(list) != 3 || !strings.HasPrefix(list[0], "ID") || !strings.HasPrefix(list[1], "1 ") || !strings.HasSuffix(list[2], "complete") {
		t.Errorf("%q", list)
	}
	if got := succeed(t, "backup", "verify", folder); got != "backup 1 is good\nbackup 2 is good\n" {
		t.Errorf("%q", got)
	}
	if got := succeed(t, "backup", "verify", folder, "2"); got != "backup 2 is good\n" {
		t.Errorf("%q", got)
	}
	succeed(t, "backup", "restore", folder, dest)
	if got := succeed(t, "scan", dest); got != "a\t2\n" {
		t.Errorf("the newest: %q", got)
	}
	succeed(t, "backup", "restore", folder, dest+"1", "--id", "1", "--rate", "100000000")
	if got := succeed(t, "scan", dest+"1"); got != "a\t1\n" {
		t.Errorf("the older: %q", got)
	}
	fail(t, exitError, []string{"backup", "restore", folder, dest}, dest, "not empty")
	succeed(t, "backup", "purge", folder, "--keep", "1")
	fail(t, exitError, []string{"backup", "verify", folder, "1"}, "no backup 1")
	if got := succeed(t, "backup", "verify", folder); got != "backup 2 is good\n" {
		t.Errorf("%q", got)
	}
}

func TestADamagedBackupIsShownAndFound(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	folder := filepath.Join(t.TempDir(), "backups")
	for range 3 {
		succeed(t, "backup", "create", dir, folder)
	}
	if err := os.WriteFile(filepath.Join(folder, "private", "1", "CURRENT"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "private", "2", "CURRENT")); err != nil {
		t.Fatal(err)
	}
	r := runWith(t, "", "backup", "verify", folder)
	if r.code != exitError || r.stdout != "backup 3 is good\n" || !strings.Contains(r.stderr, "CURRENT") {
		t.Errorf("%+v", r)
	}
	if got := succeed(t, "backup", "list", folder); strings.Count(got, "complete") != 2 || !strings.Contains(got, "damaged: ") {
		t.Errorf("%q", got)
	}
	fail(t, exitError, []string{"backup", "restore", folder, filepath.Join(t.TempDir(), "x"), "--id", "1"}, "checksum")
}

func TestBackupRefusesMistakes(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		code int
		args []string
		text string
	}{
		{exitUsage, []string{"backup"}, "a command is missing"},
		{exitUsage, []string{"backup", "purge", missing}, "--keep"},
		{exitUsage, []string{"backup", "verify", missing, "x"}, "x"},
		{exitUsage, []string{"backup", "restore", missing, missing, "--id", "0"}, "0"},
		{exitUsage, []string{"backup", "create", dir}, "arg"},
		{exitError, []string{"backup", "list", missing}, missing},
		{exitError, []string{"backup", "create", missing, missing}, "no database"},
		{exitError, []string{"backup", "create", dir, dir}, "something else"},
		{exitError, []string{"backup", "list", dir}, "something else"},
	} {
		fail(t, c.code, c.args, c.text)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a refused command made a folder")
	}
}
