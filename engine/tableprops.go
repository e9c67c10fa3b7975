package engine

import (
	"errors"
	"fmt"
	"os"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// readTableProperties reads what the table file at path tells of itself. RocksDB ingests a file without a
// look at the comparator and the merge operator that it was made with. size is the file's, in bytes.
func readTableProperties(path string) (p *ondisk.Properties, size int64, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, dberr.Wrap("", dberr.IO, err)
	case !info.Mode().IsRegular():
		return nil, 0, invalid("", "not a file")
	}
	p, err = ondisk.ReadProperties(path)
	switch {
	case errors.Is(err, ondisk.ErrDamaged):
		return nil, 0, dberr.Wrap("", dberr.Corruption, fmt.Errorf("not a table file: %w", err))
	case err != nil:
		return nil, 0, dberr.Wrap("", dberr.IO, err)
	}
	return p, info.Size(), nil
}
