package linked

import (
	"bytes"
	"debug/elf"
	"slices"
	"strings"
)

// HasAssertions reports whether the RocksDB in an ELF file was compiled with assertions.
//
// An assertion that fails calls __assert_fail with the name of the function that it stands in, written
// out with its namespace, as in "rocksdb::DBImpl::...". Nothing else in RocksDB has such names as text:
// its logs have files and lines. So where both the call and the text are, assertions are on. It is no
// proof for a single function, since RocksDB's parts could be compiled in different ways, and a file
// packed by a tool shows neither.
func HasAssertions(path string) (bool, error) {
	f, err := elf.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return callsAssertFail(f) && namesItsFunctions(f), nil
}

// callsAssertFail looks for the function among those that the file gets from others and, where the C
// library is linked in, in the file's own symbols; without symbols nothing speaks against it.
func callsAssertFail(f *elf.File) bool {
	imported, err := f.ImportedSymbols()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(imported, func(s elf.ImportedSymbol) bool { return strings.HasPrefix(s.Name, "__assert") })
}

// namesItsFunctions looks for the text among the constants.
func namesItsFunctions(f *elf.File) bool {
	// Put together here, or it would be a constant of this program, in which RocksDB may be linked.
	text := []byte(strings.Join([]string{"rocksdb", "DBImpl", ""}, "::"))
	for _, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_ALLOC == 0 || s.Flags&elf.SHF_EXECINSTR != 0 {
			continue
		}
		if data, err := s.Data(); err == nil && bytes.Contains(data, text) {
			return true
		}
	}
	return false
}
