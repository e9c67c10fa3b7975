package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryMutantApplies(t *testing.T) {
	list, err := readMutants("../../" + listFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Errorf("%d mutants", len(list))
	}
	mutated := map[string]bool{}
	for _, m := range list {
		mutated[m.file] = true
	}
	for _, f := range bases("../../cbridge/*.c") {
		if !mutated[f] {
			t.Errorf("%s has no mutant", f)
		}
	}
	programs := bases("../../cbridge/ctest/*_test.c")
	for _, m := range list {
		for _, p := range m.tests {
			if !strings.Contains(strings.Join(programs, " "), p+".c") {
				t.Errorf("line %d: no program %s", m.line, p)
			}
		}
	}
}

func TestAListThatIsNoneIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"get.c a\n-x\n+y\n":               "1: no mutant begins like this",
		"-x\n+y\n":                        "1: a change of no file",
		"get.c: a\n+y\n":                  "1: changes nothing",
		"get.c: a\n-x\n+x\n":              "1: changes nothing",
		"get.c: a\n-x\n+y\n-z\n":          "4: what is looked for comes first",
		"# words\n\nget.c: a\n\nb.c: c\n": "3: changes nothing",
	} {
		if _, err := parseMutants(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	list, err := parseMutants("# words\nget.c get_test iter_test: a: b\n-  x\n-y\n+z\n")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	m := list[0]
	if m.file != "get.c" || len(m.tests) != 2 || m.breaks != "a: b" || m.old != "  x\ny" || m.new != "z" {
		t.Errorf("%+v", m)
	}
}

func TestAMutantThatDoesNotApplyOnceIsAnError(t *testing.T) {
	m := mutant{file: "get.c", old: "ab", new: "c"}
	for text, want := range map[string]string{"xaby": "xcy", "x": "", "abab": ""} {
		got, err := m.apply(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := readMutants(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no list is no error")
	}
}

func TestASampleIsOfItsSeedAndOfCFilesOnly(t *testing.T) {
	var list []mutant
	for i := range 100 {
		list = append(list, mutant{line: i, file: "get.c"}, mutant{line: i, file: "rows.h"})
	}
	lines := func(seed uint64) (out []int) {
		for _, m := range sampleOf(list, 5, seed) {
			if m.file != "get.c" {
				t.Errorf("it has one of %s", m.file)
			}
			out = append(out, m.line)
		}
		return out
	}
	first := lines(1)
	if len(first) != 5 || !slices.IsSorted(first) || !slices.Equal(first, lines(1)) || slices.Equal(first, lines(2)) {
		t.Errorf("%v, again %v, of another seed %v", first, lines(1), lines(2))
	}
	if all := sampleOf(list, 1000, 1); len(all) != 100 || len(list) != 200 {
		t.Errorf("%d of %d", len(all), len(list))
	}
}

func TestOfASampleOnlyTheTestsNextToAMutantAreRun(t *testing.T) {
	for _, c := range []struct {
		m           mutant
		near, whole string
	}{
		{mutant{file: "get.c", tests: []string{"iter_test"}}, "iter_test get_test", "iter_test get_test open_test"},
		{mutant{file: "open.c"}, "open_test", "open_test get_test iter_test"},
		{mutant{file: "splits.c"}, "get_test iter_test open_test", "get_test iter_test open_test"}, // none is next to it
	} {
		for near, want := range map[bool]string{true: c.near, false: c.whole} {
			w := &whole{near: near, tests: []string{"get_test", "iter_test", "open_test"}}
			if got := strings.Join(w.order(c.m), " "); got != want {
				t.Errorf("%+v, near %v: %q, want %q", c.m, near, got, want)
			}
		}
	}
}
