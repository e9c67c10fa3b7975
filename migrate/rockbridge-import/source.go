package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// source is a store that is open for reading.
type source interface {
	// families lists what the database gets. The default family need not be among them.
	families() ([]family, error)
	// notes tells, after the rows were read, what was left out.
	notes() []string
	close() error
}

// family is one family of the new database, and its rows.
type family struct {
	name string
	ttl  bool // values begin with a time of expiry

	// rows calls f with every row, in any order, always the same ones. It returns f's error as it is. f may not keep the slices.
	rows func(f func(key, value []byte) error) error
}

// open opens SRC, after a look whether it may be what the user says.
func (c *choices) open(path string) (source, error) {
	is, err := kindOf(path)
	if err != nil {
		return nil, err
	}
	if is != c.from {
		if is == "" {
			return nil, fmt.Errorf("%s: no store of %s", path, c.from)
		}
		return nil, fmt.Errorf("%s: no store of %s, but of %s", path, c.from, is)
	}
	switch c.from {
	case "pebble":
		return openPebble(path)
	case "bbolt":
		return openBolt(path, c)
	case "badger":
		return openBadger(path, c)
	default:
		return openLevelDB(path)
	}
}

// boltMagic stands in both of the first two pages of a bbolt file, behind the page's header of 16 bytes.
var boltMagic = []byte{0xed, 0xda, 0x0c, 0xed}

// kindOf tells what a path holds by its files; empty if it is none of the kinds.
func kindOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().IsRegular() {
		return kindOfFile(path)
	}
	has := func(pattern string) bool {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(path), pattern)) // the pattern is well formed
		return len(found) > 0
	}
	switch {
	case has("marker.manifest.*"), has("marker.format-version.*"):
		return "pebble", nil
	case has("KEYREGISTRY") && has("MANIFEST"):
		return "badger", nil
	case has("CURRENT") && has("OPTIONS-*"):
		return "RocksDB, which rockbridge opens as it is", nil
	case has("CURRENT"):
		return "leveldb", nil
	}
	return "", nil
}

func kindOfFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	head := make([]byte, 64<<10+20) // the second page's header, if pages are that large
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	if bytes.Contains(head[:n], boltMagic) {
		return "bbolt", nil
	}
	return "", nil
}

// escapeGlob keeps what a path has of the characters that patterns are made of.
func escapeGlob(path string) string {
	var b bytes.Buffer
	for i := range len(path) {
		if bytes.IndexByte([]byte(`*?[\`), path[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(path[i])
	}
	return b.String()
}
