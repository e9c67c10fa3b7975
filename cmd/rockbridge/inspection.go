package main

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// inspection is what inspect shows of a database.
type inspection struct {
	Dir      string        `json:"dir"`
	RocksDB  string        `json:"rocksdb"` // the one that reads
	Writer   string        `json:"written_by"`
	Manifest string        `json:"manifest"`
	Sequence uint64        `json:"sequence"`
	Families []*familyView `json:"families"`
	Files    []*fileView   `json:"files,omitempty"`
	Hidden   int           `json:"files_not_shown,omitempty"`
}

// familyView is a family. Rows and Data are RocksDB's estimates.
type familyView struct {
	Name      string       `json:"name"`
	Rows      uint64       `json:"estimated_rows"`
	Data      int64        `json:"live_data_bytes"`
	Memtable  uint64       `json:"memtable_entries"`
	BlobFiles int          `json:"blob_files,omitempty"`
	BlobBytes int64        `json:"blob_bytes,omitempty"`
	Levels    []*levelView `json:"levels"`
}

// levelView sums up the files of a level. Files whose properties could not be read count as empty.
type levelView struct {
	Level int `json:"level"`
	Files int `json:"files"`
	counts
	keyRange
}

// counts are of one file or several.
type counts struct {
	Bytes           int64   `json:"bytes"`
	Entries         uint64  `json:"entries"`
	Tombstones      uint64  `json:"tombstones"`       // those of ranges are among them
	RangeTombstones uint64  `json:"range_tombstones"` // each may delete any number of keys
	Density         float64 `json:"tombstone_density"`
}

func (c *counts) add(d counts) {
	c.Bytes += d.Bytes
	c.Entries += d.Entries
	c.Tombstones += d.Tombstones
	c.RangeTombstones += d.RangeTombstones
	c.density()
}

func (c *counts) density() {
	if c.Entries > 0 {
		c.Density = float64(c.Tombstones) / float64(c.Entries)
	}
}

// keyRange has both its ends, as text or, if that is not UTF-8, in hexadecimal.
type keyRange struct {
	Smallest    *string `json:"smallest,omitempty"`
	SmallestHex *string `json:"smallest_hex,omitempty"`
	Largest     *string `json:"largest,omitempty"`
	LargestHex  *string `json:"largest_hex,omitempty"`

	smallest, largest []byte
}

func newKeyRange(smallest, largest []byte) keyRange {
	r := keyRange{smallest: smallest, largest: largest}
	r.Smallest, r.SmallestHex = jsonKey(smallest)
	r.Largest, r.LargestHex = jsonKey(largest)
	return r
}

func jsonKey(key []byte) (text, hexadecimal *string) {
	if utf8.Valid(key) {
		s := string(key)
		return &s, nil
	}
	s := inHex(key)
	return nil, &s
}

// fileView is a table file.
type fileView struct {
	Name   string `json:"name"`
	Family string `json:"family"`
	Level  int    `json:"level"`
	counts
	FirstSeq    uint64 `json:"first_sequence"`
	LastSeq     uint64 `json:"last_sequence"`
	Compression string `json:"compression"`
	Problem     string `json:"problem,omitempty"` // why its properties could not be read
	keyRange
}

// inspect looks into the open database; only names a family, or is empty for all.
func inspect(db *engine.DB, only string) (*inspection, error) {
	view := &inspection{Dir: db.Path(), RocksDB: engine.Version(), Writer: "unknown", Sequence: db.LatestSequence()}
	files, err := db.LiveFiles()
	if err != nil {
		return nil, err
	}
	// The manifest tells more. It may be a later state, if another process writes: then a file may be
	// missing in it.
	manifest, err := ondisk.ReadManifest(db.Path())
	if err != nil {
		return nil, err
	}
	view.Manifest = manifest.Name
	if writer := writerVersion(db.Path()); writer != "" {
		view.Writer = writer
	}
	for _, family := range db.ColumnFamilies() {
		if only != "" && family.Name() != only {
			continue
		}
		f, err := newFamilyView(family, manifest)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if file.Family == f.Name {
				v := newFileView(db.Path(), file, manifest)
				view.Files = append(view.Files, v)
				f.add(v)
			}
		}
		view.Families = append(view.Families, f)
	}
	return view, nil
}

func newFamilyView(family *engine.ColumnFamily, m *ondisk.Manifest) (*familyView, error) {
	f := &familyView{Name: family.Name(), Levels: []*levelView{}}
	for name, into := range map[string]func(uint64){
		"rocksdb.estimate-num-keys":            func(n uint64) { f.Rows = n },
		"rocksdb.estimate-live-data-size":      func(n uint64) { f.Data = int64(n) },
		"rocksdb.num-entries-active-mem-table": func(n uint64) { f.Memtable += n },
		"rocksdb.num-entries-imm-mem-tables":   func(n uint64) { f.Memtable += n },
	} {
		n, err := numberProperty(family, name)
		if err != nil {
			return nil, err
		}
		into(n)
	}
	for _, of := range m.Families {
		if of.Name == f.Name {
			f.BlobFiles = len(of.Blobs)
			for _, b := range of.Blobs {
				f.BlobBytes += int64(b.Bytes)
			}
		}
	}
	return f, nil
}

func numberProperty(family *engine.ColumnFamily, name string) (uint64, error) {
	text, err := family.Property(name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(text, 10, 64)
}

func newFileView(dir string, file engine.LiveFile, m *ondisk.Manifest) *fileView {
	v := &fileView{
		Name: file.Name, Family: file.Family, Level: file.Level, Compression: "?",
		counts:   counts{Bytes: file.Size, Entries: file.Entries, Tombstones: file.Deletions},
		keyRange: newKeyRange(file.Smallest, file.Largest),
	}
	for _, family := range m.Families {
		if of, ok := family.Files[fileNumber(file.Name)]; ok {
			v.FirstSeq, v.LastSeq = of.FirstSeq, of.LastSeq
		}
	}
	// RocksDB tells the entries of some files only, and never the compression.
	p, err := ondisk.ReadProperties(filepath.Join(dir, file.Name))
	if err != nil {
		v.Problem = err.Error()
	} else {
		v.Entries, v.Tombstones, v.RangeTombstones = p.Entries, p.Deletions, p.RangeDeletions
		v.Compression = p.Compression
	}
	v.density()
	return v
}

// fileNumber is n of "n.sst" and its like; 0 if it is no such name.
func fileNumber(name string) uint64 {
	digits, _, _ := strings.Cut(name, ".")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// add takes a file into the sums of its level.
func (f *familyView) add(v *fileView) {
	var level *levelView
	if n := len(f.Levels); n > 0 && f.Levels[n-1].Level == v.Level { // files come level by level
		level = f.Levels[n-1]
	} else {
		level = &levelView{Level: v.Level, keyRange: v.keyRange}
		f.Levels = append(f.Levels, level)
	}
	level.Files++
	level.add(v.counts)
	smallest, largest := level.smallest, level.largest
	if bytes.Compare(v.smallest, smallest) < 0 {
		smallest = v.smallest
	}
	if bytes.Compare(v.largest, largest) > 0 {
		largest = v.largest
	}
	level.keyRange = newKeyRange(smallest, largest)
}
