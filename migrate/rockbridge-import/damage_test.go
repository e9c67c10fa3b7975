package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// Pages that lead back to where they come from are followed by bbolt without end.
func TestPagesThatGoInACircleAreRefused(t *testing.T) {
	src, _, dst := newStore(t, "bbolt", manyRows)
	whole, err := os.ReadFile(src)
	if err != nil {
		t.Fatal(err)
	}
	circles := 0
	for page := 2 * 4096; page < len(whole); page += 4096 {
		if binary.NativeEndian.Uint16(whole[page+8:]) != boltBranch {
			continue
		}
		circles++
		b := bytes.Clone(whole)
		binary.NativeEndian.PutUint64(b[page+boltHead+8:], uint64(page/4096)) // its first child is itself
		if err := os.WriteFile(src, b, 0o600); err != nil {
			t.Fatal(err)
		}
		fail(t, exitError, []string{"--from", "bbolt", src, dst}, "damaged", "belongs to nothing, or to two")
	}
	if circles == 0 {
		t.Error("no page has any below it")
	}
}

// Badger takes the end of a table at its word, in a goroutine of its own.
func TestALibraryThatEndsTheProcessIsAnError(t *testing.T) {
	src, _, dst := newStore(t, "badger", 10)
	tables, err := filepath.Glob(filepath.Join(src, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no table: %v", err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b[len(b)-4:], 1<<30)
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	fail(t, exitError, []string{"--from", "badger", src, dst}, src+": it is damaged", "has ended the process")
}
