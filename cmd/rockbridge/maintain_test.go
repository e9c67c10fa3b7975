package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompactGivesSpaceBack deletes all rows of a database and wants its table
// files gone after a compaction.
func TestCompactGivesSpaceBack(t *testing.T) {
	var rows strings.Builder
	for i := range 2000 {
		rows.WriteString("key" + decimal(i) + "\t" + strings.Repeat("v", 100) + "\n")
	}
	dir := newDatabase(t, rows.String())
	succeed(t, "compact", dir)
	if tableBytes(t, dir) == 0 {
		t.Fatal("no table file after the first compaction")
	}
	for i := range 2000 {
		if i%100 == 0 { // a few by the command, the others by a load that replaces them
			succeed(t, "delete", dir, "key"+decimal(i))
		}
	}
	succeedWith(t, strings.ReplaceAll(rows.String(), strings.Repeat("v", 100), ""), "load", dir, "--format", "tsv")
	succeed(t, "compact", dir, "--family", "default")
	if got := tableBytes(t, dir); got > 100<<10 {
		t.Errorf("%d bytes of table files for 2,000 empty values", got)
	}
	if got := succeed(t, "count", dir, "--sizes"); !strings.HasPrefix(got, "2000\t") || !strings.HasSuffix(got, "\t0\n") {
		t.Errorf("after all: %q", got)
	}
}

func tableBytes(t *testing.T, dir string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// TestCompactTakesEveryFamilyOrOne looks at the files of level 0, which a
// compaction moves down.
func TestCompactTakesEveryFamilyOrOne(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	succeedWith(t, "a\t1\n", "load", dir, "--format", "tsv", "--family", "other")
	succeed(t, "put", dir, "b", "2") // opens the database again: what was in memory goes to files
	levels := func() (files []string) {
		var stats databaseStats
		if err := json.Unmarshal([]byte(succeed(t, "stats", dir, "--json")), &stats); err != nil {
			t.Fatal(err)
		}
		for _, family := range stats.Families {
			files = append(files, family.Name+":"+family.FilesLevel0)
		}
		return files
	}
	if got := levels(); slices.Contains(got, "default:0") || slices.Contains(got, "other:0") {
		t.Fatalf("before: %v", got)
	}
	succeed(t, "compact", dir, "--family", "other")
	if got := levels(); slices.Contains(got, "default:0") || !slices.Contains(got, "other:0") {
		t.Errorf("after a compaction of the other family: %v", got)
	}
	succeed(t, "compact", dir)
	if got := levels(); !slices.Contains(got, "default:0") || !slices.Contains(got, "other:0") {
		t.Errorf("after a compaction of all: %v", got)
	}
}

func TestCompactOfARange(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\n")
	succeed(t, "compact", dir, "--from", "a", "--to", "b")
	if got := succeed(t, "scan", dir); got != "a\t1\nb\t2\n" {
		t.Errorf("rows after the compaction: %q", got)
	}
}

// TestCheckpointIsADatabaseOfItsOwn changes the original afterwards.
func TestCheckpointIsADatabaseOfItsOwn(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	succeedWith(t, "x\t1\n", "load", dir, "--format", "tsv", "--family", "other")
	dest := filepath.Join(t.TempDir(), "copy")
	succeed(t, "checkpoint", dir, dest)
	succeed(t, "put", dir, "a", "2")
	succeed(t, "put", dest, "b", "of the copy")
	if got := succeed(t, "scan", dest); got != "a\t1\nb\tof the copy\n" {
		t.Errorf("the copy: %q", got)
	}
	if got := succeed(t, "scan", dest, "--family", "other"); got != "x\t1\n" {
		t.Errorf("the other family of the copy: %q", got)
	}
	if got := succeed(t, "scan", dir); got != "a\t2\n" {
		t.Errorf("the original: %q", got)
	}
	fail(t, exitError, []string{"checkpoint", dir, dest}, dest)
}
