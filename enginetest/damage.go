package enginetest

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// File is a kind of files of a database.
type File int

// The kinds.
const (
	Table    File = iota // rows: 000012.sst
	Log                  // the write-ahead log: 000013.log
	Manifest             // which tables there are: MANIFEST-000014
	Current              // which manifest is in force: CURRENT
	Blob                 // large values, where enable_blob_files is set: 000015.blob
)

// String is the kind's name.
func (k File) String() string {
	names := []string{"table", "log", "manifest", "CURRENT", "blob file"}
	if k < 0 || int(k) >= len(names) {
		return "file of no kind"
	}
	return names[k]
}

// number is what a file of the kind is numbered by; false if the file is of another kind.
func (k File) number(name string) (uint64, bool) {
	var digits string
	var ok bool
	switch k {
	case Table:
		digits, ok = strings.CutSuffix(name, ".sst")
	case Log:
		digits, ok = strings.CutSuffix(name, ".log")
	case Manifest:
		digits, ok = strings.CutPrefix(name, "MANIFEST-")
	case Blob:
		digits, ok = strings.CutSuffix(name, ".blob")
	case Current:
		return 0, name == "CURRENT"
	}
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// Files lists the files of a kind in the folder of a database, the newest last.
func Files(t testing.TB, dir string, k File) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	var names []string
	for _, e := range entries {
		if _, ok := k.number(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, _ := k.number(a)
		y, _ := k.number(b)
		return cmp.Compare(x, y)
	})
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names
}

// newest is the newest file of a kind that has at least so many bytes.
func newest(t testing.TB, dir string, k File, bytes int64) (path string, size int64) {
	t.Helper()
	for _, file := range slices.Backward(Files(t, dir, k)) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatalf("enginetest: %v", err)
		}
		if info.Size() >= bytes {
			return file, info.Size()
		}
	}
	t.Fatalf("enginetest: %s has no %v of %d bytes or more", dir, k, bytes)
	return "", 0
}

// FlipBit changes the lowest bit of one byte in the newest file of a kind that is long enough: the byte at offset at, or, where
// at is negative, counted from the end. The database in dir must be closed; a CrashCopy is. It returns the file's path.
func FlipBit(t testing.TB, dir string, k File, at int64) string {
	t.Helper()
	need := at + 1
	if at < 0 {
		need = -at
	}
	path, size := newest(t, dir, k, need)
	if at < 0 {
		at += size
	}
	if err := flip(path, at); err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	return path
}

func flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		return err
	}
	return f.Close()
}

// CutOff takes n bytes off the end of the newest file of a kind that has as many. Of a Log that is what a power cut does to writes
// that were not synced; of other files a disk that has lost what it had acknowledged. The database in dir must be closed. It
// returns the file's path.
func CutOff(t testing.TB, dir string, k File, n int64) string {
	t.Helper()
	path, size := newest(t, dir, k, n)
	if err := os.Truncate(path, size-n); err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	return path
}

// Remove removes the newest file of a kind. The database in dir must be closed. It returns the path that the file had.
func Remove(t testing.TB, dir string, k File) string {
	t.Helper()
	path, _ := newest(t, dir, k, 0)
	if err := os.Remove(path); err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	return path
}
