package engine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// Before 8.9, RocksDB asks a table file that it ingests for its first and its last key and does not look whether they
// could be read: a file that it could not read at that moment becomes one of nothing but the empty key, whose rows scans
// show and lookups do not. So what became of the files is looked at, and one that has become that is taken out again.

// ingestedTable is what is known of a file before it is ingested.
type ingestedTable struct {
	path        string
	size        int64 // bytes
	emptyRange  bool  // its range may be that of the empty key alone
	first, last []byte
	known       bool // there is a first and a last row that show, and these are their keys
}

func newIngestedTable(path string, size int64, p *ondisk.Properties) ingestedTable {
	const ofEmptyKey = 8 // what RocksDB adds to a key inside
	return ingestedTable{path: path, size: size, emptyRange: p.RangeDeletions > 0 || p.RawKeyBytes == ofEmptyKey*p.Entries}
}

// lies tells whether a live file that may be this one has a range that is not this one's.
func (t *ingestedTable) lies(f *cbridge.LiveFile) bool {
	if len(f.Smallest)+len(f.Largest) == 0 && !t.emptyRange {
		return true
	}
	return t.known && (bytes.Compare(f.Smallest, t.first) > 0 || bytes.Compare(f.Largest, t.last) < 0)
}

// ingestChecked makes the call, and looks at what became of the files where RocksDB does not.
func (c *ColumnFamily) ingestChecked(tables []ingestedTable, o *IngestOptions) error {
	paths := make([]string, len(tables))
	for i, t := range tables {
		paths[i] = t.path
	}
	if linkedSince("8.9") {
		return c.c.Ingest(paths, o.c())
	}
	c.ingesting.Lock() // what is new is then the files' own, or made by flushes and compactions
	defer c.ingesting.Unlock()
	before, err := c.tables()
	if err != nil {
		return err
	}
	if err := c.c.Ingest(paths, o.c()); err != nil {
		return err
	}
	after, err := c.tables()
	if err != nil {
		return err
	}
	for name, f := range after {
		path := whoseRange(&f, tables)
		if _, old := before[name]; old || path == "" {
			continue
		}
		// A flush or a compaction may have made a file of the same size.
		if p, err := ondisk.ReadProperties(filepath.Join(c.db.path, name)); err != nil {
			return describe(dberr.Wrap("", dberr.IO, err), "", path)
		} else if p.External {
			err := c.takeOut(&f, path)
			if len(tables) > 1 {
				err.Msg += "; the other files were ingested"
			}
			return err
		}
	}
	return nil
}

// tables are the live files of the family, by their names.
func (c *ColumnFamily) tables() (map[string]cbridge.LiveFile, error) {
	all, err := c.db.c.LiveFiles()
	if err != nil {
		return nil, err
	}
	ours := map[string]cbridge.LiveFile{}
	for _, f := range all {
		if f.Family == c.name {
			ours[f.Name] = f
		}
	}
	return ours, nil
}

// whoseRange is the path of the table that a new live file is, by its size, if it has the range of no table of that size.
func whoseRange(f *cbridge.LiveFile, tables []ingestedTable) (path string) {
	for i := range tables {
		t := &tables[i]
		switch {
		case uint64(t.size) != f.Size:
		case !t.lies(f):
			return ""
		default:
			path = t.path
		}
	}
	return path
}

// takeOut drops a live file of a wrong range, as long as no other file lies within that range, and gives it its old name
// back if it was moved.
func (c *ColumnFamily) takeOut(f *cbridge.LiveFile, path string) *Error {
	err := dberr.New("", dberr.IO, "RocksDB could not read its first or its last key, and took it for another range")
	err.Path = path
	if e := c.drop(f, path); e != nil {
		err.Msg += "; it is in the database now, where lookups may miss its rows: " + e.Error()
	}
	return err
}

func (c *ColumnFamily) drop(f *cbridge.LiveFile, path string) error {
	now, err := c.tables()
	if err != nil {
		return err
	}
	for name, other := range now {
		if name != f.Name && bytes.Compare(other.Smallest, f.Smallest) >= 0 && bytes.Compare(other.Largest, f.Largest) <= 0 {
			return errors.New("another file is in the same range")
		}
	}
	if err := os.Link(filepath.Join(c.db.path, f.Name), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := c.db.manifestCall(func() error { return c.c.DeleteFiles(f.Smallest, f.Largest) }); err != nil {
		return err
	}
	if now, err = c.tables(); err != nil {
		return err
	}
	if _, still := now[f.Name]; still {
		return errors.New("RocksDB does not drop it")
	}
	return nil
}
