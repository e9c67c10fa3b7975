package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
)

// notesName is the file in which a load notes what it has finished, so that another one can go on with
// it: lines of a checksum and a loadNote.
const notesName = "NOTES"

// loadNote is one line. Paths are base names.
type loadNote struct {
	Family    string   `json:",omitempty"` // the first line
	Table     *SSTInfo `json:",omitempty"`
	Run       *run     `json:",omitempty"`
	Of        []string `json:",omitempty"` // the runs that Run takes the place of
	Rows      uint64   `json:",omitempty"` // of the input, that are in files now
	Ingesting bool     `json:",omitempty"`
}

// loadNotes appends to the file.
type loadNotes struct {
	file *os.File
	sync bool // each line reaches the disk before what follows
}

// newNotes begins the notes of a load.
func newNotes(folder, family string, sync bool) (*loadNotes, error) {
	path := filepath.Join(folder, notesName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fileFailure(path, err)
	}
	n := &loadNotes{file: f, sync: sync}
	if err := n.write(loadNote{Family: family}); err != nil {
		f.Close()
		return nil, err
	}
	return n, nil
}

func (n *loadNotes) write(x loadNote) error {
	text, err := json.Marshal(x)
	if err == nil && n.sync { // the name of the file that it is about
		err = syncDir(filepath.Dir(n.file.Name()))
	}
	if err == nil {
		_, err = fmt.Fprintf(n.file, "%08x %s\n", crc32.Checksum(text, castagnoli), text)
	}
	if err == nil && n.sync {
		err = n.file.Sync()
	}
	return fileFailure(n.file.Name(), err)
}

func (n *loadNotes) table(info SSTInfo, rows uint64) error {
	info.Path = filepath.Base(info.Path)
	return n.write(loadNote{Table: &info, Rows: rows})
}

func (n *loadNotes) run(r run, rows uint64) error {
	r.Path = filepath.Base(r.Path)
	return n.write(loadNote{Run: &r, Rows: rows})
}

// merged notes a run that takes the place of others, and removes those.
func (n *loadNotes) merged(of []run, r run) error {
	r.Path = filepath.Base(r.Path)
	x := loadNote{Run: &r}
	for _, one := range of {
		x.Of = append(x.Of, filepath.Base(one.Path))
	}
	if err := n.write(x); err != nil {
		return err
	}
	for _, one := range of {
		if err := os.Remove(one.Path); err != nil {
			return fileFailure(one.Path, err)
		}
	}
	return nil
}

// ingesting notes that from here on nobody can tell what the database has.
func (n *loadNotes) ingesting() error { return n.write(loadNote{Ingesting: true}) }

func (n *loadNotes) close() {
	if n != nil {
		n.file.Close()
	}
}

// loadRemains is what a load has left.
type loadRemains struct {
	tables []SSTInfo
	runs   []run
	rows   uint64
	length int64 // of the notes that are whole
}

// errNotes is why a folder cannot be gone on with.
var errNotes = errors.New("the notes of the load are of no use")

// readNotes reads the notes in a folder. A line that is not whole, and what follows it, is as if it had
// not been written.
func readNotes(folder, family string) (r loadRemains, err error) {
	text, err := os.ReadFile(filepath.Join(folder, notesName))
	if err != nil {
		return r, err
	}
	for first := true; ; first = false {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		sum, body, cut := bytes.Cut(line, []byte{' '})
		var x loadNote
		if !whole || !cut || fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) != string(sum) || json.Unmarshal(body, &x) != nil {
			if first {
				return r, errNotes
			}
			return r, nil
		}
		if first && x.Family != family || x.Ingesting || !r.take(x, folder) {
			return r, errNotes
		}
		r.length += int64(len(line)) + 1
		text = rest
	}
}

// take replays a line.
func (r *loadRemains) take(x loadNote, folder string) bool {
	switch {
	case x.Table != nil:
		x.Table.Path = filepath.Join(folder, x.Table.Path)
		r.tables = append(r.tables, *x.Table)
	case x.Run != nil && len(x.Of) > 0:
		at := slices.IndexFunc(r.runs, func(one run) bool { return filepath.Base(one.Path) == x.Of[0] })
		if at < 0 || at+len(x.Of) > len(r.runs) {
			return false
		}
		x.Run.Path = filepath.Join(folder, x.Run.Path)
		r.runs = slices.Replace(r.runs, at, at+len(x.Of), *x.Run)
	case x.Run != nil:
		x.Run.Path = filepath.Join(folder, x.Run.Path)
		r.runs = append(r.runs, *x.Run)
	}
	r.rows = max(r.rows, x.Rows)
	return true
}

// tidy removes what no note names, and tells whether everything that one names is there.
func (r *loadRemains) tidy(folder string) error {
	named := map[string]int64{filepath.Join(folder, notesName): -1}
	for _, t := range r.tables {
		named[t.Path] = t.Size
	}
	for _, one := range r.runs {
		named[one.Path] = one.Size
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		size, known := named[path]
		if !known {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil || size >= 0 && info.Size() != size {
			return errors.Join(errNotes, err)
		}
		delete(named, path)
	}
	if len(named) > 0 {
		return errNotes
	}
	return os.Truncate(filepath.Join(folder, notesName), r.length)
}

// mayResume takes over what another load has left in a folder, if it is of any use.
func (s *loadState) mayResume(folder string) bool {
	r, err := readNotes(folder, s.cf.name)
	if err != nil || r.rows == 0 || r.tidy(folder) != nil {
		return false
	}
	path := filepath.Join(folder, notesName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return false
	}
	s.note = &loadNotes{file: f, sync: true}
	s.base, s.runs, s.stats.Skipped = r.tables, r.runs, r.rows
	return true
}
