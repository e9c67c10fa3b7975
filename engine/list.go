package engine

import (
	"os"
	"path/filepath"
)

// ListColumnFamilies lists the names of the families of the database in directory dir, "default"
// first, then in the order of their creation. The database is not opened, by others it may be: then
// the list is what was so at some moment, or, at the moment when RocksDB replaces its manifest, an
// ErrIO. ErrIO too, and fs.ErrNotExist, if there is no database; ErrCorruption if it cannot be read.
func ListColumnFamilies(dir string) ([]string, error) {
	const op = "list column families"
	if err := validatePath(dir); err != nil {
		return nil, describe(err, op, dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "CURRENT")); err != nil {
		return nil, fileError(op, dir, err)
	}
	names, err := familiesOnDisk(dir)
	if err != nil {
		return nil, describe(err, op, dir)
	}
	return names, nil
}
