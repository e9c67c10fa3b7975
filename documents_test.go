package rockbridge_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Code in these documents must compile.
const (
	migrateDocument = "docs/migrate.md"
	testingDocument = "docs/testing.md"
)

// documentPackages are those that the code may use, by name.
var documentPackages = map[string]string{
	"engine": modulePath + "/engine", "iterator": modulePath + "/iterator", "enginetest": modulePath + "/enginetest",
	"context": "context", "errors": "errors", "io": "io", "iter": "iter", "syscall": "syscall", "testing": "testing", "time": "time",
}

// documentVariables are those that a fragment may use, as the documents introduce them.
const documentVariables = `
var (
	ctx                       context.Context
	db                        *engine.DB
	users                     *engine.ColumnFamily
	b                         *engine.Batch
	it                        *iterator.Iterator
	s                         *engine.Snapshot
	tx                        *engine.Tx
	dir, name                 string
	key, value, start, end, p []byte
	keys                      [][]byte
	paths                     []string
	rows                      iter.Seq2[[]byte, []byte]
	d                         time.Duration
	w                         io.Writer
	r                         io.Reader
	err                       error
)
`

// exportData finds what the compiler has written of a package and all that it imports.
func exportData(t *testing.T, paths ...string) func(path string) (io.ReadCloser, error) {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, paths...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// documentChecker type-checks fragments of code.
type documentChecker struct{ importer types.Importer }

func newDocumentChecker(t *testing.T) *documentChecker {
	t.Helper()
	var paths []string
	for _, p := range documentPackages {
		paths = append(paths, p)
	}
	return &documentChecker{importer.ForCompiler(token.NewFileSet(), "gc", exportData(t, paths...))}
}

// check compiles declarations, or if they are none, statements. What is declared and not used does not matter.
func (c *documentChecker) check(code string) error {
	var names []string
	for name := range documentPackages {
		names = append(names, name)
	}
	slices.Sort(names)
	head := "package p\n"
	for _, name := range names {
		head += fmt.Sprintf("import %q\n", documentPackages[name])
	}
	head += documentVariables
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "document", head+code, parser.SkipObjectResolution)
	if err != nil {
		f, err = parser.ParseFile(fset, "document", head+"func _() {\n"+code+"\n}\n", parser.SkipObjectResolution)
	}
	if err != nil {
		return err
	}
	var bad []error
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if e := (types.Error{}); !errors.As(err, &e) || !e.Soft {
			bad = append(bad, err)
		}
	}}
	_, _ = config.Check("p", fset, []*ast.File{f}, nil) // errors came one by one
	return errors.Join(bad...)
}

// expression compiles what stands for a value or a call.
func (c *documentChecker) expression(code string) error {
	if _, err := parser.ParseExpr(code); err != nil {
		return err
	}
	value := c.check("func many(...any) {}\nfunc _() { many(" + code + ") }")
	if value == nil {
		return nil
	}
	if c.check("func _() { "+code+" }") == nil || c.check("var _ "+code) == nil {
		return nil
	}
	return value
}

var (
	goBlock    = regexp.MustCompile("(?s)\n```go\n(.*?)```")
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	oursInText = regexp.MustCompile(`^\*?(engine|iterator|db|tx|it|users)\.[A-Z]`)
)

// spansOfOurs gives the code of ours in a document: the right-hand columns of tables headed so, and what in the text begins with a
// name of ours.
func spansOfOurs(text string) (spans []string) {
	ours := false
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		table := strings.HasPrefix(line, "|")
		if table && len(cells) == 2 && cells[1] == "rockbridge |" {
			ours = true
		}
		ours = ours && table
		switch {
		case ours:
			for _, m := range codeSpan.FindAllStringSubmatch(cells[len(cells)-1], -1) {
				spans = append(spans, m[1])
			}
		case !table:
			for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
				if oursInText.MatchString(m[1]) {
					spans = append(spans, m[1])
				}
			}
		}
	}
	return spans
}

func TestCodeInDocumentsCompiles(t *testing.T) {
	c := newDocumentChecker(t)
	migrate, err := os.ReadFile(migrateDocument)
	if err != nil {
		t.Fatal(err)
	}
	spans := spansOfOurs(string(migrate))
	if len(spans) < 80 {
		t.Errorf("only %d pieces of code were found in %s", len(spans), migrateDocument)
	}
	for _, span := range spans {
		if err := c.expression(span); err != nil {
			t.Errorf("%s: %s: %v", migrateDocument, span, err)
		}
	}
	testingText, err := os.ReadFile(testingDocument)
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllSubmatch(testingText, -1)
	if len(blocks) < 3 {
		t.Errorf("only %d blocks of code were found in %s", len(blocks), testingDocument)
	}
	for _, m := range blocks {
		if err := c.check(string(bytes.TrimSpace(m[1]))); err != nil {
			t.Errorf("%s: %v in:\n%s", testingDocument, err, m[1])
		}
	}
}

func TestDocumentCheckFindsWhatDoesNotCompile(t *testing.T) {
	c := newDocumentChecker(t)
	for _, good := range []string{
		"db.Put(key, value, engine.Sync)", "engine.ErrNotFound", "engine.FamilyOptions{}", "*engine.LeakError", "err == engine.ErrClosed",
		"engine.MaxBatchSize", "db.SyncWAL()", "it.SeekGE(key)", "db.Path()",
	} {
		if err := c.expression(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"db.Set(key, value, nil)", "engine.ErrMissing", "engine.FamilyOptions{None: 1}", "db.Put(key, value)", "db.Put(key", "*engine.Leak",
		"db.Get(1, nil)",
	} {
		if c.expression(bad) == nil {
			t.Errorf("%s compiles", bad)
		}
	}
	if c.check("func f() error { return db.Close() }") != nil || c.check("err := db.Close()") != nil {
		t.Error("good code does not compile")
	}
	if c.check("func f() error { return db.Shut() }") == nil || c.check("err := db.Shut()") == nil {
		t.Error("bad code compiles")
	}
	spans := spansOfOurs("`engine.A`, `pebble.B`\n| x | rockbridge |\n|---|---|\n| `c` | `d`, `e` |\n\n| x | y |\n| `f` | `g` |\n")
	if want := []string{"engine.A", "d", "e"}; !slices.Equal(spans, want) {
		t.Errorf("found %q, want %q", spans, want)
	}
}
