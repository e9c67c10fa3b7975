package engine

import "strings"

// LiveFile is a table file that the newest state of a database consists of.
type LiveFile struct {
	Family string // name of its column family
	Name   string // base name, such as "000012.sst"
	Level  int
	Size   int64 // bytes

	// Entries counts the records in the file, old versions and deletions included; Deletions those of
	// them that delete: tombstones, of keys and of ranges. After Open with max_open_files other than
	// -1 RocksDB looks into the first 20 files only: both are 0 for the others.
	Entries, Deletions uint64

	Smallest, Largest []byte // keys, both in the file's range; the caller's, never nil
}

// LiveFiles lists the table files of all families at one moment, ordered by family, level and, within a
// level, as RocksDB searches them: newest first in level 0, by key below. It does no I/O, and works on a
// read-only database too. What is still in memtables and the write-ahead log, and files of blobs, are
// not among them. It is safe for concurrent use.
func (d *DB) LiveFiles() ([]LiveFile, error) {
	if err := d.enter(nil, opProperty); err != nil {
		return nil, d.describe(err, "live files")
	}
	defer d.guard.leave(opProperty)
	all, err := d.c.LiveFiles()
	if err != nil {
		return nil, d.describe(err, "live files")
	}
	files := make([]LiveFile, len(all))
	for i, f := range all {
		files[i] = LiveFile{
			Family: f.Family, Name: strings.TrimPrefix(f.Name, "/"), Level: f.Level, Size: int64(f.Size),
			Entries: f.Entries, Deletions: f.Deletions, Smallest: f.Smallest, Largest: f.Largest,
		}
	}
	return files, nil
}
