package rockbridge_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// expectTests looks for the tests that a document names, and for at least one in each line that row matches.
func expectTests(t *testing.T, document, row string) (rows int) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	tests, wanted := declaredTests(t), regexp.MustCompile(row)
	for line := range strings.Lines(string(text)) {
		found := namedTest.FindAllStringSubmatch(line, -1)
		if wanted.MatchString(line) {
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
	if rows := expectTests(t, "docs/guarantees.md", `^\| P\d`); rows < 18 {
		t.Errorf("%d promises", rows)
	}
}

// Each hazard of docs/hazards.md names tests that there are.
func TestEachHazardHasTests(t *testing.T) {
	if rows := expectTests(t, "docs/hazards.md", `^\| H\d`); rows != 27 {
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

// recipe is what a target of the Makefile runs, or "" if there is no such target.
func recipe(makefile, target string) string {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:.*\n((?:\t.*\n)+)`).FindStringSubmatch(makefile)
	if m == nil {
		return ""
	}
	return m[1]
}

var (
	runFlag  = regexp.MustCompile(`-run ('[^']*'|\S+)`)
	soakFlag = regexp.MustCompile(`-test\.run=([^"]+)`)
)

// chosen are the regular expressions by which commands choose tests; "" is all of them.
func chosen(commands, soak string) (out []string) {
	for line := range strings.Lines(strings.ReplaceAll(commands, "\\\n", " ")) {
		switch m := runFlag.FindStringSubmatch(line); {
		case strings.Contains(line, "scripts/soak"):
			for _, m := range soakFlag.FindAllStringSubmatch(soak, -1) {
				out = append(out, m[1])
			}
		case m != nil:
			out = append(out, strings.ReplaceAll(strings.Trim(m[1], "'"), "$$", "$"))
		case strings.Contains(line, "go test") || strings.Contains(line, "$(GOTEST)"):
			out = append(out, "")
		}
	}
	return out
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// misses tells which tests a choice leaves out.
func misses(runs []string, tests [][]string) (out []string) {
	for _, test := range tests {
		if !slices.ContainsFunc(runs, func(run string) bool { return regexp.MustCompile(run).MatchString(test[1]) }) {
			out = append(out, test[1])
		}
	}
	return out
}

// Each programme of docs/hazards.md names a control, and its long form runs that and all else that the row names. So does the soak,
// if it has the programme.
func TestEachProgrammesLongFormRunsItsControls(t *testing.T) {
	makefile, soak := readText(t, "Makefile"), readText(t, "scripts/soak/programmes.go")
	_, table, _ := strings.Cut(readText(t, "docs/hazards.md"), "## Programmes over the whole")
	table, _, _ = strings.Cut(table, "\n## ")
	rows, looked := 0, 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || strings.Contains(cells[3], "---") || strings.TrimSpace(cells[3]) == "tests" {
			continue
		}
		rows++
		if !strings.Contains(line, "control") {
			t.Errorf("no control: %s", line)
		}
		m := regexp.MustCompile("`make ([\\w-]+)").FindStringSubmatch(cells[5])
		tests := namedTest.FindAllStringSubmatch(cells[3], -1)
		if m == nil || len(tests) == 0 {
			continue
		}
		if runs := chosen(recipe(makefile, m[1]), soak); len(runs) > 0 { // else it is C that runs
			looked += len(tests)
			for _, test := range misses(runs, tests) {
				t.Errorf("make %s does not run %s: %q", m[1], test, runs)
			}
		}
		if soaked := chosen("scripts/soak", soak); len(misses(soaked, tests[:1])) == 0 {
			for _, test := range misses(soaked, tests) {
				t.Errorf("make soak runs %s without %s", tests[0][1], test)
			}
		}
	}
	if rows < 13 || looked < 20 {
		t.Errorf("%d programmes, %d tests", rows, looked)
	}
}

// Each fuzz test, in Go and in C, has a corpus that "go test" and "make check-c" go over; those of other libraries' stores begin
// with the stores in testdata.
func TestEachFuzzTestHasACorpus(t *testing.T) {
	corpora := map[string]string{} // by the test
	declared := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch dir := filepath.Dir(path); {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != ".":
			return fs.SkipDir
		case strings.HasSuffix(path, "_fuzz.c"):
			corpora[path] = filepath.Join(dir, "testdata", strings.TrimSuffix(d.Name(), "_fuzz.c"))
		case strings.HasSuffix(path, "_test.go"):
			for _, m := range declared.FindAllStringSubmatch(readText(t, path), -1) {
				corpora[path+": "+m[1]] = filepath.Join(dir, "testdata", "fuzz", m[1])
				if strings.HasPrefix(m[1], "FuzzImportOf") {
					corpora[path+": "+m[1]] = filepath.Join(dir, "testdata", "stores")
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for test, dir := range corpora {
		if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
			t.Errorf("%s: no corpus in %s", test, dir)
		}
	}
	if len(corpora) < 20 {
		t.Errorf("%d fuzz tests", len(corpora))
	}
}
