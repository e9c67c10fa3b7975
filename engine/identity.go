package engine

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Identity is the name that RocksDB drew for the database when it was made: letters, digits and dashes. It stays for all its
// life, and no other database that was made has the same; copies may, those of Checkpoint and of backups among them.
// Export's streams have it in their header.
//
// Before RocksDB 9.4 it is read from the file IDENTITY: ErrIO if that is not there or cannot be read, ErrUnsupported for a
// database in memory, which has none. It works on a read-only database, and is safe for concurrent use.
func (d *DB) Identity() (string, error) {
	if err := d.enter(nil, opStatistics); err != nil {
		return "", d.describe(err, "identity")
	}
	defer d.guard.leave(opStatistics)
	var id string
	var err error
	switch {
	case Supports(IdentityCall):
		id, err = d.c.Identity()
	case d.files != nil:
		err = unsupported("", IdentityCall)
	default:
		if id, err = identityOnDisk(d.path); err != nil {
			err = dberr.Wrap("", dberr.IO, err)
		}
	}
	return id, d.describe(err, "identity")
}

// identityOnDisk reads it from the file that RocksDB keeps it in.
func identityOnDisk(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "IDENTITY"))
	return strings.TrimSpace(string(b)), err
}
