package cbridge_test

import (
	"debug/elf"
	"slices"
	"testing"
)

// This test program is linked as an importer's is: what it calls from others is settled at its start, in a table that
// is read only from then on, its stack is not executable, and the glue's functions look after theirs.
func TestProgramsAreLinkedHardened(t *testing.T) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	readOnly, stack := false, elf.PF_X
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_GNU_RELRO:
			readOnly = true
		case elf.PT_GNU_STACK:
			stack = p.Flags
		}
	}
	if !readOnly {
		t.Error("relocations stay writable")
	}
	if stack&elf.PF_X != 0 {
		t.Error("the stack is executable")
	}
	if !bindsNow(f) {
		t.Error("functions of others are looked up when they are called first")
	}
	imported, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(imported, func(s elf.ImportedSymbol) bool { return s.Name == "__stack_chk_fail" }) {
		t.Error("no function of C looks after its stack")
	}
}

// bindsNow looks for the wish in each of the places where linkers put it.
func bindsNow(f *elf.File) bool {
	old, _ := f.DynValue(elf.DT_BIND_NOW)
	flags, _ := f.DynValue(elf.DT_FLAGS)
	more, _ := f.DynValue(elf.DT_FLAGS_1)
	return len(old) > 0 ||
		slices.ContainsFunc(flags, func(v uint64) bool { return elf.DynFlag(v)&elf.DF_BIND_NOW != 0 }) ||
		slices.ContainsFunc(more, func(v uint64) bool { return elf.DynFlag1(v)&elf.DF_1_NOW != 0 })
}
