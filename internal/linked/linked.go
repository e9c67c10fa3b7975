// Package linked tells which RocksDB a program has: from which file, of which build, with assertions or without.
// Figures of two libraries can be compared only by those who know that.
package linked

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
)

// section is where scripts/rocksdb says in an object of its libraries what they are: lines of version, kind and folder.
// It is no part of the program's memory, but stays in the file when symbols are stripped.
const section = ".rockbridge.library"

// Library is a RocksDB as an ELF file has it.
type Library struct {
	// File is the shared library, or the program that RocksDB is in.
	File string
	// Kind is "release" or "pgo" and Folder where the library was linked from, if scripts/rocksdb built it.
	Kind, Folder string
	// Assertions is "on", "off" or why that is unknown.
	Assertions string
}

// Here describes the library of this process.
func Here() Library {
	if file := SharedLibrary("/proc/self/maps"); file != "" {
		return Inspect(file)
	}
	return Inspect("/proc/self/exe")
}

// Inspect describes the library in a file: a librocksdb, or a program that it is linked into.
func Inspect(file string) Library {
	l := Library{File: file}
	switch on, err := HasAssertions(file); {
	case err != nil:
		l.Assertions = "unknown: " + err.Error()
	case on:
		l.Assertions = "on"
	default:
		l.Assertions = "off"
	}
	l.Kind, l.Folder = madeBy(file)
	return l
}

// String gives one line: which library, its file or folder, and whether assertions are on.
func (l Library) String() string {
	switch {
	case l.Kind != "":
		return l.Kind + ", " + l.Folder + ", assertions " + l.Assertions
	case strings.HasPrefix(filepath.Base(l.File), "librocksdb"):
		return "system, " + l.File + ", assertions " + l.Assertions
	}
	return "linked into the program, assertions " + l.Assertions
}

// SharedLibrary gives the librocksdb among the files that a process has mapped, as maps of the proc file system lists
// them: empty if there is none.
func SharedLibrary(maps string) string {
	b, _ := os.ReadFile(maps) // elsewhere than on Linux there is none
	for line := range strings.Lines(string(b)) {
		at := strings.IndexByte(line, '/')
		if at >= 0 && strings.HasPrefix(filepath.Base(strings.TrimSpace(line[at:])), "librocksdb") {
			return strings.TrimSpace(line[at:])
		}
	}
	return ""
}

// madeBy reads the section.
func madeBy(file string) (kind, folder string) {
	f, err := elf.Open(file)
	if err != nil {
		return "", ""
	}
	defer func() { _ = f.Close() }() // only read
	s := f.Section(section)
	if s == nil {
		return "", ""
	}
	text, err := s.Data()
	if lines := strings.Split(string(text), "\n"); err == nil && len(lines) >= 3 {
		return lines[1], lines[2]
	}
	return "", ""
}
