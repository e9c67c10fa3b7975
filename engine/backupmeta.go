package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// A folder of backups has a list of files for each backup, meta/NUMBER, which appears by a rename when all
// files are there; those that only one backup has are in private/NUMBER, table files in shared_checksum (older
// programs: shared). A list is lines of text: time, sequence number, fields, the number of files, and a line
// for each file with its checksum.

// backupFile is a file of a backup.
type backupFile struct {
	path string // below the folder
	crc  uint32
	size int64 // as it is on disk now
}

// backupList is what a backup consists of.
type backupList struct {
	Backup
	files []backupFile
}

// readBackups reads all lists, by number. A damaged one has its reason in Damaged.
func readBackups(dir string) ([]*backupList, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "meta"))
	if err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	var all []*backupList
	for _, e := range entries {
		id, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || id == 0 || e.Name() != strconv.FormatUint(id, 10) {
			continue // of a backup that is being made, or none
		}
		l, err := readBackup(dir, uint32(id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *backupList) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// readBackup reads one list and looks at the sizes of its files.
func readBackup(dir string, id uint32) (*backupList, error) {
	text, err := os.ReadFile(filepath.Join(dir, "meta", utoa(id)))
	if err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	l := &backupList{Backup: Backup{ID: id}}
	damage := l.parse(text)
	for i := range l.files {
		f := &l.files[i]
		info, err := os.Stat(filepath.Join(dir, f.path))
		switch {
		case err == nil && info.Mode().IsRegular():
			f.size = info.Size()
			l.Size += f.size
		case err == nil || errors.Is(err, fs.ErrNotExist):
			damage = errors.Join(damage, fmt.Errorf("file %s is missing", f.path))
		default:
			return nil, dberr.Wrap("", dberr.IO, err)
		}
	}
	l.Files = len(l.files)
	if damage != nil {
		e := dberr.Wrap("", dberr.Corruption, damage)
		e.Path = filepath.Join(dir, "meta", utoa(id))
		l.Damaged = e
	}
	return l, nil
}

// parse reads the lines of a list.
func (l *backupList) parse(text []byte) error {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return errors.New("the list of files is cut off")
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 4<<20) // a note of 1 MiB stands there in hexadecimal
	next := func() string {
		if !lines.Scan() {
			return ""
		}
		return lines.Text()
	}
	line := next()
	if strings.HasPrefix(line, "schema_version 2") {
		line = next()
	}
	seconds, err1 := strconv.ParseInt(line, 10, 64)
	sequence, err2 := strconv.ParseUint(next(), 10, 64)
	l.Time, l.Sequence = time.Unix(seconds, 0), sequence
	line = next()
	var err3 error
	for ; line != "" && (line[0] < '0' || line[0] > '9'); line = next() {
		if note, ok := strings.CutPrefix(line, "metadata "); ok {
			l.Note, err3 = hex.DecodeString(note)
		}
	}
	count, err4 := strconv.ParseUint(line, 10, 32)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return fmt.Errorf("the list of files is damaged: %w", err)
	}
	for line = next(); line != "" && line != "// FOOTER"; line = next() {
		if err := l.file(line); err != nil {
			return err
		}
	}
	if uint64(len(l.files)) != count {
		return fmt.Errorf("the list of files has %d lines in place of %d", len(l.files), count)
	}
	return nil
}

// file reads the line of a file: its path, and names and values in turn.
func (l *backupList) file(line string) error {
	words := strings.Split(line, " ")
	f := backupFile{path: words[0]}
	sum := false
	for i := 1; i+1 < len(words); i += 2 {
		if words[i] == "crc32" {
			v, err := strconv.ParseUint(words[i+1], 10, 32)
			f.crc, sum = uint32(v), err == nil
		}
	}
	if !sum || !l.mayBe(f.path) {
		return fmt.Errorf("the list of files has a line that is none: %q", line)
	}
	l.files = append(l.files, f)
	return nil
}

// mayBe tells whether a path can be one of the backup's: RocksDB would follow it wherever it leads, or end the
// process.
func (l *backupList) mayBe(path string) bool {
	folder, name := filepath.Split(path)
	if name == "" || name == "." || name == ".." {
		return false
	}
	switch folder {
	case "private/" + utoa(l.ID) + "/", "shared/":
		return true
	case "shared_checksum/":
		return strings.Contains(name, "_") && filepath.Ext(name) != ""
	}
	return false
}
