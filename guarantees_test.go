package rockbridge_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// declaredTests are the names of all tests in the tree.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != ".":
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

var namedTest = regexp.MustCompile("`(Test\\w+)`")

// expectTests looks for the tests that a document names, and for at least one in each row that begins so.
func expectTests(t *testing.T, document, row string) (rows int) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	tests := declaredTests(t)
	for line := range strings.Lines(string(text)) {
		found := namedTest.FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, row) {
			rows++
			if len(found) == 0 {
				t.Errorf("no test for %s", line)
			}
		}
		for _, m := range found {
			if !tests[m[1]] {
				t.Errorf("there is no %s", m[1])
			}
		}
	}
	return rows
}

// Each promise of docs/guarantees.md names tests that there are.
func TestEachPromiseHasTests(t *testing.T) {
	if rows := expectTests(t, "docs/guarantees.md", "| P"); rows < 16 {
		t.Errorf("%d promises", rows)
	}
}

// Each hazard of docs/hazards.md names tests that there are.
func TestEachHazardHasTests(t *testing.T) {
	if rows := expectTests(t, "docs/hazards.md", "| H"); rows != 27 {
		t.Errorf("%d hazards, want 27", rows)
	}
}

// Each make target that docs/hazards.md names is one.
func TestEachHazardsTargetIsThere(t *testing.T) {
	text, err := os.ReadFile("docs/hazards.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("`make ([\\w-]+)").FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		if !regexp.MustCompile(`(?m)^([\w-]+ )*` + m[1] + `( [\w-]+)*:`).Match(rules) {
			t.Errorf("there is no target %s", m[1])
		}
	}
	if len(found) < 10 {
		t.Errorf("%d targets", len(found))
	}
}
