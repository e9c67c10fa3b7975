package rockbridge_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/rockbridge-db/rockbridge"

// rule is one boundary of the source tree. check answers one line for each place that breaks it.
type rule struct {
	name  string
	check func(*tree) []string
}

var rules = []rule{
	{"only the packages that may import C do", importsOfC},
	{"Go names no RocksDB function", rocksdbNamesInGo},
	{"engine and iterator do without unsafe", unsafeAboveTheBridge},
	{"engine and iterator mention no C type", cTypesAboveTheBridge},
	{"cbridge exports no C type", cTypesExported},
	{"layers import downwards only", layering},
	{"lengths are not truncated on their way to C", truncatedLengths},
	{"every Go function fits a screen", longFunctions},
	{"every exported name has a doc comment", missingDocs},
	{"every C prototype has a comment directly before it", uncommentedPrototypes},
	{"every C function is static or declared under rb_", undeclaredFunctions},
	{"one file is C++, and only under its tag", otherCXX},
	{"no word says that work is left undone", unfinishedWords},
	{"no file names a path of one machine", machinePaths},
	{"no package is a drawer for odds and ends", vagueNames},
	{"the library requires no other module", requirements},
	{"every module is in go.work", strayModules},
}

func TestSourceTreeKeepsItsBoundaries(t *testing.T) {
	tr := loadTree(t, ".")
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, where := range r.check(tr) {
				t.Error(where)
			}
		})
	}
}

// tree is the project's own source: what a reader of the repository sees, by slash-separated path.
type tree struct {
	texts map[string]string
	goes  map[string]*ast.File
	fset  *token.FileSet
}

// newTree parses the Go files among texts.
func newTree(t *testing.T, texts map[string]string) *tree {
	t.Helper()
	tr := &tree{texts: texts, goes: map[string]*ast.File{}, fset: token.NewFileSet()}
	for name, text := range texts {
		if path.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(tr.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		tr.goes[name] = f
	}
	return tr
}

// loadTree reads the tree from disk. It walks, where git could list, so that the rules hold in an
// unpacked archive too and the test cache notices a new file.
func loadTree(t *testing.T, root string) *tree {
	t.Helper()
	texts := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && isBuildOutput(name):
			return fs.SkipDir
		case !d.Type().IsRegular() || !isSource(name):
			return nil
		}
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		texts[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) == 0 {
		t.Fatal("no source found")
	}
	return newTree(t, texts)
}

// isBuildOutput reports whether a folder is none of the source: these are what .gitignore names.
func isBuildOutput(name string) bool {
	return slices.Contains([]string{".git", ".build", "bin", "dist"}, name)
}

func isSource(name string) bool {
	switch path.Ext(name) {
	case ".go", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".md", ".sh", ".mod", ".sum", ".work", ".yml", ".yaml":
		return true
	}
	return name == "Makefile" || under(name, "scripts") || under(name, ".ci")
}

// under reports whether a file lies in one of the folders or below.
func under(name string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(name, f+"/") })
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// names gives the paths that keep accepts, in order.
func (tr *tree) names(keep func(string) bool) []string {
	var out []string
	for name := range tr.texts {
		if keep(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (tr *tree) goNames() []string {
	return tr.names(func(name string) bool { return tr.goes[name] != nil })
}

// at describes a place in a Go file and what is wrong with it.
func (tr *tree) at(n ast.Node, format string, args ...any) string {
	p := tr.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...))
}

// module gives the folder of the module that a file belongs to, "." for the library's.
func (tr *tree) module(name string) string {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := tr.texts[dir+"/go.mod"]; ok {
			return dir
		}
	}
	return "."
}

// library reports whether a file is Go code that importers get: in the root module, no test, no
// program kept among test data.
func (tr *tree) library(name string) bool {
	return tr.goes[name] != nil && !isTest(name) && tr.module(name) == "." && !under(name, "testdata")
}
