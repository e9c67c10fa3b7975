package program

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDiskBytesCountsBlocks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), make([]byte, 100_000), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil { // blocks may be allocated as late as that
		t.Fatal(err)
	}
	n, err := DiskBytes(dir)
	if err != nil || n < 100_000 || n > 200_000 {
		t.Errorf("%d bytes: %v", n, err)
	}
}
