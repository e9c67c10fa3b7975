package launch

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Library is the RocksDB that a program uses.
type Library struct {
	File       string // the shared library; empty if it is linked into the program
	Assertions string // "with assertions", "without assertions", or why nobody knows
}

// String tells it for a report, without the folder.
func (l Library) String() string {
	if l.File == "" {
		return "linked into the program, built " + l.Assertions
	}
	return filepath.Base(l.File) + ", built " + l.Assertions
}

// LibraryOf tells which librocksdb a program loads and how it was built.
func LibraryOf(program string) Library {
	out, err := exec.Command("ldd", program).Output()
	if err != nil { // ldd fails for a program without shared libraries
		return Library{"", assertions(program)}
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 2 && strings.HasPrefix(f[0], "librocksdb") {
			file, err := filepath.EvalSymlinks(f[2])
			if err != nil {
				file = f[2]
			}
			return Library{file, assertions(file)}
		}
	}
	return Library{"", assertions(program)}
}

// assertions tells whether a file calls what failed assertions call.
func assertions(file string) string {
	f, err := elf.Open(file)
	if err != nil {
		return "unknown how: " + err.Error()
	}
	defer func() { _ = f.Close() }() // only read
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return "unknown how: " + err.Error()
	}
	if slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return s.Name == "__assert_fail" }) {
		return "with assertions"
	}
	return "without assertions"
}
