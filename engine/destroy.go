package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Destroy deletes the database in directory dir with all its families and logs, also those in the wal_dir that
// its OPTIONS file names, and the directories if nothing else is in them. Files that are not RocksDB's stay; those
// in other paths, as some of RocksDB's options put them, do too. ErrLocked if it is open for writing, here or in
// another process: nothing is deleted then, though RocksDB may have begun a new LOG. Readers are not noticed, and
// lose their files. ErrInvalidArgument if there is no database. When it fails half-way, or the process is killed,
// it may be called again as long as the file CURRENT or a manifest is there.
func Destroy(dir string) error { return describe(destroy(dir), "destroy", dir) }

func destroy(dir string) error {
	if err := validatePath(dir); err != nil {
		return err
	}
	if err := holdsDatabase(dir); err != nil {
		return err
	}
	disk, err := readOptionsFile(dir)
	if err != nil {
		return err
	}
	wal := ""
	if disk != nil {
		wal = disk.db["wal_dir"]
	}
	if wal != "" && filepath.Clean(wal) == filepath.Clean(dir) {
		wal = ""
	}
	if err := cbridge.Destroy(nil, dir, wal); err != nil {
		return err
	}
	removeKept(dir)
	removeTrash(dir)
	os.RemoveAll(filepath.Join(dir, keptFolder))
	os.Remove(dir) // if nothing else is in it
	if wal != "" { // RocksDB 9.10 leaves the folder; only an empty one goes
		os.Remove(filepath.Join(wal, "archive"))
		os.Remove(wal)
	}
	return nil
}

// holdsDatabase answers ErrInvalidArgument if there is none in the directory: RocksDB would delete what merely is
// called as its files are.
func holdsDatabase(dir string) error {
	_, err := os.Stat(filepath.Join(dir, "CURRENT"))
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return invalid("", "it is no directory of a database: "+err.Error())
	}
	if found, _ := filepath.Glob(filepath.Join(filepath.Clean(dir), "MANIFEST-*")); len(found) > 0 {
		return nil
	}
	return invalid("", "there is no database")
}

// removeTrash removes files that a DiskBudget had wait for their deletion, which RocksDB does not know as its own here.
func removeTrash(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name, trash := strings.CutSuffix(e.Name(), ".trash")
		behind := strings.TrimLeft(name, "0123456789") // the number
		if trash && len(behind) < len(name) && strings.HasPrefix(behind, ".") {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
