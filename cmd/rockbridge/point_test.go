package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPutGetDelete(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	succeed(t, "put", dir, "--create", "greeting", "hello")
	if got := succeed(t, "get", dir, "greeting"); got != "hello\n" {
		t.Errorf("get: %q", got)
	}
	succeed(t, "put", dir, "greeting", "again")
	if got := succeed(t, "get", dir, "greeting", "--no-newline"); got != "again" {
		t.Errorf("get without newline: %q", got)
	}
	succeed(t, "delete", dir, "greeting")
	if r := runWith(t, "", "get", dir, "greeting"); r != (result{code: exitError}) {
		t.Errorf("get of a deleted key: %+v, want a quiet exit code 1", r)
	}
	succeed(t, "delete", dir, "greeting")
}

func TestGetOfAnAbsentKeyIsQuiet(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	if r := runWith(t, "", "get", dir, "b"); r != (result{code: exitError}) {
		t.Errorf("%+v, want exit code 1 and no output", r)
	}
}

func TestPointCommandsTakeHexadecimal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	succeed(t, "put", dir, "--create", "--hex", "00ff", "c0FFee")
	if got := succeed(t, "get", dir, "--hex", "00ff", "-n"); got != "\xc0\xff\xee" {
		t.Errorf("get: %q", got)
	}
	if got := succeed(t, "get", dir, "--hex", "00ff", "--output", "hex"); got != "c0ffee\n" {
		t.Errorf("get in hexadecimal: %q", got)
	}
	if got := succeed(t, "get", dir, "--hex", "00ff", "--output", "json"); got != `{"value_hex":"c0ffee"}`+"\n" {
		t.Errorf("get as JSON: %q", got)
	}
	succeed(t, "delete", dir, "--hex", "00ff")
	if got := succeed(t, "count", dir); got != "0\n" {
		t.Errorf("after the deletion: %q rows", got)
	}
}

func TestEmptyKeysAndValuesAreRows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	succeed(t, "put", dir, "--create", "", "empty key")
	succeed(t, "put", dir, "empty value", "")
	if got := succeed(t, "get", dir, ""); got != "empty key\n" {
		t.Errorf("get: %q", got)
	}
	if got := succeed(t, "get", dir, "empty value"); got != "\n" {
		t.Errorf("get: %q", got)
	}
}

func TestPutWorksInAFamily(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	fail(t, exitError, []string{"put", dir, "a", "2", "--family", "x"}, `no column family "x"`)
	succeed(t, "put", dir, "a", "2", "--family", "x", "--create")
	succeed(t, "put", dir, "b", "2", "--family", "x")
	succeed(t, "delete", dir, "a", "--family", "x")
	if got := succeed(t, "scan", dir, "--family", "x"); got != "b\t2\n" {
		t.Errorf("family x: %q", got)
	}
	if got := succeed(t, "scan", dir); got != "a\t1\n" {
		t.Errorf("default family: %q", got)
	}
}

// TestAMissingDatabaseIsAnErrorAndIsNotMade holds for each command that is not
// there to make one.
func TestAMissingDatabaseIsAnErrorAndIsNotMade(t *testing.T) {
	for _, args := range [][]string{
		{"get", "", "k"},
		{"put", "", "k", "v"},
		{"delete", "", "k"},
		{"scan", ""},
		{"count", ""},
		{"stats", ""},
		{"compact", ""},
		{"checkpoint", "", filepath.Join(t.TempDir(), "copy")},
	} {
		dir := filepath.Join(t.TempDir(), "missing")
		args[1] = dir
		fail(t, exitError, args, dir+": there is no database")
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%q left something in the directory: %v", args, err)
		}
	}
}
