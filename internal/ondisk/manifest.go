package ondisk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is a table file that a manifest names.
type File struct {
	Number, Path      uint64 // Path 0 is the database's own folder
	Level             int
	Size              int64
	Smallest, Largest []byte // keys, without what RocksDB adds to them
	FirstSeq, LastSeq uint64 // sequence numbers of its records
	Method, Checksum  string // of the whole file: how it is made, and its bytes; empty if there is none
	oldestBlob        uint64 // number of the oldest file of blobs that it refers to; 0: it has none
}

// Family is a column family as a manifest describes it.
type Family struct {
	ID         uint32
	Name       string
	Comparator string
	History    []byte          // the timestamp that its history begins at, as RocksDB has it; nil: it has all
	Log        uint64          // write-ahead logs of lower numbers hold nothing of it any more
	Files      map[uint64]File // by number
	Blobs      map[uint64]Blob // files of blobs, by number
}

// Blob is a file of blobs that a manifest names. Its size is at least Bytes, since a head and a foot come
// on top.
type Blob struct {
	Number, Values, Bytes uint64
	Method, Checksum      string // as those of a File
}

// Manifest is the state that a manifest describes.
type Manifest struct {
	Name     string // base name of its file
	Families []*Family
	NextFile uint64
	Sequence uint64 // of the newest write in a file
	Log      uint64 // write-ahead logs of lower numbers are not needed
	Torn     bool   // its last record is not whole: a writer is at it, or was killed
}

// ReadManifest reads the manifest that CURRENT names in folder dir. fs.ErrNotExist if one of the two is not
// there, ErrDamaged if it makes no sense.
func ReadManifest(dir string) (*Manifest, error) {
	path, err := ManifestPath(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := parseManifest(f)
	if err != nil {
		return nil, err
	}
	m.Name = filepath.Base(path)
	return m, nil
}

// ManifestPath is where the manifest is that CURRENT names in folder dir. fs.ErrNotExist if that is not there,
// ErrDamaged if it names none.
func ManifestPath(dir string) (string, error) {
	current, err := os.ReadFile(filepath.Join(dir, "CURRENT"))
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(string(current), "\n")
	if !strings.HasPrefix(name, "MANIFEST-") || strings.ContainsAny(name, "/\n") {
		return "", damaged("CURRENT names no manifest, but %q", name)
	}
	return filepath.Join(dir, name), nil
}

func parseManifest(r io.Reader) (*Manifest, error) {
	s := &states{families: map[uint32]*Family{0: newFamily(0, "default")}}
	records := NewRecords(r)
	for n := 0; ; n++ {
		record, err := records.Next()
		switch {
		case err == io.EOF && n == 0:
			return nil, damaged("the manifest is empty")
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return s.manifest(err != io.EOF), nil
		case err != nil:
			return nil, err
		}
		if err := s.take(record); err != nil {
			return nil, err
		}
	}
}

func newFamily(id uint32, name string) *Family {
	return &Family{ID: id, Name: name, Files: map[uint64]File{}, Blobs: map[uint64]Blob{}}
}

// states is the state after some records.
type states struct {
	families map[uint32]*Family
	result   Manifest
	group    [][]byte // records that count all or none, so far
}

// take takes in a record. Those of a group wait for its last one.
func (s *states) take(record []byte) error {
	e, err := parseEdit(record)
	if err != nil {
		return err
	}
	if !e.grouped {
		return s.apply(e)
	}
	s.group = append(s.group, record)
	if e.following > 0 {
		return nil
	}
	for _, record := range s.group {
		e, err := parseEdit(record)
		if err == nil {
			err = s.apply(e)
		}
		if err != nil {
			return err
		}
	}
	s.group = nil
	return nil
}

func (s *states) apply(e *edit) error {
	if e.added {
		s.families[e.family] = newFamily(e.family, e.name)
	}
	f, ok := s.families[e.family]
	if !ok {
		return damaged("a change of family %d, which there is not", e.family)
	}
	if e.comparator != "" {
		f.Comparator = e.comparator
	}
	if e.history != nil {
		f.History = bytes.Clone(e.history)
	}
	f.Log = max(f.Log, e.log)
	s.result.NextFile = max(s.result.NextFile, e.nextFile)
	s.result.Sequence = max(s.result.Sequence, e.sequence)
	s.result.Log = max(s.result.Log, e.keepLog)
	for _, number := range e.deleted {
		if _, ok := f.Files[number]; !ok {
			return damaged("file %d is deleted, but was not there", number)
		}
		delete(f.Files, number)
	}
	for _, file := range e.files {
		f.Files[file.Number] = file
	}
	for _, b := range e.blobs {
		f.Blobs[b.Number] = b
	}
	for _, garbage := range e.garbage {
		b, ok := f.Blobs[garbage.Number]
		if b.Values -= garbage.Values; ok && b.Values == 0 {
			delete(f.Blobs, b.Number)
		} else if ok {
			f.Blobs[b.Number] = b
		}
	}
	if e.dropped {
		delete(s.families, e.family)
	}
	return nil
}

func (s *states) manifest(torn bool) *Manifest {
	m := s.result
	m.Torn = torn
	for _, f := range s.families {
		m.Families = append(m.Families, f)
	}
	slices.SortFunc(m.Families, func(a, b *Family) int { return cmp.Compare(a.ID, b.ID) })
	for _, f := range m.Families {
		f.forgetBlobs()
	}
	oldest := m.Log
	for i, f := range m.Families {
		if i == 0 || f.Log < oldest {
			oldest = f.Log
		}
	}
	m.Log = max(m.Log, oldest)
	return &m
}

// forgetBlobs drops the files of blobs that no table refers to: RocksDB deletes those older than the oldest
// one in use without a record of it.
func (f *Family) forgetBlobs() {
	oldest := uint64(0)
	for _, file := range f.Files {
		if file.oldestBlob != 0 && (oldest == 0 || file.oldestBlob < oldest) {
			oldest = file.oldestBlob
		}
	}
	for number := range f.Blobs {
		if oldest == 0 || number < oldest {
			delete(f.Blobs, number)
		}
	}
}

// userKey is the key within one of RocksDB's own, which ends with a sequence number and a kind.
func userKey(internal []byte) ([]byte, bool) {
	if len(internal) < 8 {
		return nil, false
	}
	return bytes.Clone(internal[:len(internal)-8]), true
}

// keySequence is the sequence number in one of RocksDB's own keys.
func keySequence(internal []byte) uint64 {
	return binary.LittleEndian.Uint64(internal[len(internal)-8:]) >> 8
}
