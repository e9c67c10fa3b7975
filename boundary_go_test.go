package rockbridge_test

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ownC holds the packages whose C is compiled into programs, with headers that say what each function
// owes its caller. Of these only cbridge links RocksDB: cgotrace needs none of it to name its
// functions, and its internal/crash is C that tests let go wrong.
var ownC = []string{"cbridge", "cgotrace", "cgotrace/internal/crash"}

// mayImportC holds the packages whose subject is the boundary: the bridge itself, what a call over
// it costs, C frames in Go traces, and the C loops that benchmarks compare with.
var mayImportC = []string{"cbridge", "cgobench", "cgotrace", "bench"}

// layers, lowest first: a package imports the library's packages before its own only.
var layers = []string{"internal", "dberr", "cbridge", "iterator", "engine"}

const longestFunction = 70

func imports(f *ast.File) []string {
	var out []string
	for _, s := range f.Imports {
		p, _ := strconv.Unquote(s.Path.Value) // the parser has checked it
		out = append(out, p)
	}
	return out
}

func importsOfC(tr *tree) []string {
	var bad []string
	for _, name := range tr.goNames() {
		if slices.Contains(imports(tr.goes[name]), "C") && !under(name, mayImportC...) {
			bad = append(bad, name+`: imports "C"`)
		}
	}
	return bad
}

func unsafeAboveTheBridge(tr *tree) []string {
	var bad []string
	for _, name := range tr.goNames() {
		if slices.Contains(imports(tr.goes[name]), "unsafe") && under(name, "engine", "iterator") {
			bad = append(bad, name+": imports unsafe")
		}
	}
	return bad
}

// cName gives the name behind "C." when n is a selector of the cgo package.
func cName(n ast.Node) (string, bool) {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := s.X.(*ast.Ident)
	return s.Sel.Name, ok && x.Name == "C"
}

// find calls bad for every node of the files that keep accepts, and gathers what it answers.
func (tr *tree) find(keep func(string) bool, bad func(ast.Node) string) []string {
	var out []string
	for _, name := range tr.names(keep) {
		if tr.goes[name] == nil {
			continue
		}
		ast.Inspect(tr.goes[name], func(n ast.Node) bool {
			if n == nil {
				return false
			}
			if what := bad(n); what != "" {
				out = append(out, tr.at(n, "%s", what))
			}
			return true
		})
	}
	return out
}

func anywhere(string) bool { return true }

func rocksdbNamesInGo(tr *tree) []string {
	return tr.find(anywhere, func(n ast.Node) string {
		if c, ok := cName(n); ok && strings.HasPrefix(c, "rocksdb_") {
			return "C." + c + " (call the rb_ glue, whose prototypes do not change between versions)"
		}
		return ""
	})
}

func cTypesAboveTheBridge(tr *tree) []string {
	above := func(name string) bool { return under(name, "engine", "iterator") }
	return tr.find(above, func(n ast.Node) string {
		if c, ok := cName(n); ok {
			return "C." + c
		}
		if id, ok := n.(*ast.Ident); ok && strings.HasPrefix(id.Name, "_Ctype_") {
			return id.Name
		}
		return ""
	})
}

// cTypesExported looks at what an importer of cbridge sees: a C type is a different one in every
// package, so that none can be used outside the package that names it.
func cTypesExported(tr *tree) []string {
	var bad []string
	visible := func(n ast.Node) {
		if n == nil {
			return
		}
		ast.Inspect(n, func(n ast.Node) bool {
			if c, ok := cName(n); ok {
				bad = append(bad, tr.at(n, "C.%s is visible to importers", c))
			}
			return true
		})
	}
	for _, name := range tr.names(tr.library) {
		if !under(name, "cbridge") {
			continue
		}
		for _, e := range exportedNames(tr.goes[name]) {
			visible(e.visible)
		}
	}
	return bad
}

func layering(tr *tree) []string {
	var bad []string
	for _, name := range tr.names(tr.library) {
		own := slices.Index(layers, strings.Split(name, "/")[0])
		if own < 0 {
			continue
		}
		for _, p := range imports(tr.goes[name]) {
			rest, ours := strings.CutPrefix(p, modulePath+"/")
			if ours && !allowedBelow(rest, own) {
				bad = append(bad, name+": imports "+p)
			}
		}
	}
	return bad
}

// allowedBelow reports whether a package of ours may be imported by layer own: it lies in a lower
// layer or in own's folder.
func allowedBelow(pkg string, own int) bool {
	l := slices.Index(layers, strings.Split(pkg, "/")[0])
	return l >= 0 && l < own || l == own && strings.Contains(pkg, "/")
}

func truncatedLengths(tr *tree) []string {
	cut := tr.find(anywhere, func(n ast.Node) string {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return ""
		}
		if c, ok := cName(call.Fun); ok && c == "int" && len(call.Args) == 1 && isLen(call.Args[0]) {
			return "C.int(len(...)) drops the upper half of a length"
		}
		return ""
	})
	// What C.GoBytes costs is one of the subjects of cgobench, at sizes that it chooses itself.
	notMeasured := func(name string) bool { return !under(name, "cgobench") }
	return append(cut, tr.find(notMeasured, func(n ast.Node) string {
		if c, ok := cName(n); ok && c == "GoBytes" {
			return "C.GoBytes takes a 32-bit length"
		}
		return ""
	})...)
}

func isLen(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	id, ok := call.Fun.(*ast.Ident)
	return ok && id.Name == "len"
}

func longFunctions(tr *tree) []string {
	notTest := func(name string) bool { return !isTest(name) }
	return tr.find(notTest, func(n ast.Node) string {
		f, ok := n.(*ast.FuncDecl)
		if !ok {
			return ""
		}
		lines := tr.fset.Position(f.End()).Line - tr.fset.Position(f.Pos()).Line + 1
		if lines <= longestFunction {
			return ""
		}
		return f.Name.Name + " has " + strconv.Itoa(lines) + " lines"
	})
}

func missingDocs(tr *tree) []string {
	var bad []string
	documented := map[string]bool{}
	var packages []string
	for _, name := range tr.names(tr.library) {
		f := tr.goes[name]
		dir := path.Dir(name)
		if _, seen := documented[dir]; !seen {
			packages = append(packages, dir)
		}
		documented[dir] = documented[dir] || f.Doc != nil
		for _, e := range exportedNames(f) {
			if !e.documented {
				bad = append(bad, tr.at(e.node, "%s has no doc comment", e.name))
			}
		}
	}
	for _, dir := range packages {
		if !documented[dir] {
			bad = append(bad, dir+": no package comment")
		}
	}
	return bad
}
