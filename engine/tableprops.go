package engine

import (
	"errors"
	"fmt"
	"os"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// readTableProperties reads what the table file at path tells of itself. RocksDB ingests a file without a
// look at the comparator and the merge operator that it was made with.
func readTableProperties(path string) (*ondisk.Properties, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, dberr.Wrap("", dberr.IO, err)
	case !info.Mode().IsRegular():
		return nil, invalid("", "not a file")
	}
	p, err := ondisk.ReadProperties(path)
	switch {
	case errors.Is(err, ondisk.ErrDamaged):
		return nil, dberr.Wrap("", dberr.Corruption, fmt.Errorf("not a table file: %w", err))
	case err != nil:
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	return p, nil
}
