package main

import (
	"path/filepath"
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
