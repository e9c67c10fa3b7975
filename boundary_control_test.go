package rockbridge_test

import (
	"slices"
	"strings"
	"testing"
)

// control is a small tree and the places where one rule must find fault with it; none means that the
// rule must accept it.
type control struct {
	name  string
	files map[string]string
	want  []string
}

// word joins what must not stand in this file in one piece.
func word(parts ...string) string { return strings.Join(parts, "") }

const (
	goodFile    = "// Package x does.\npackage x\n"
	importsBoth = "// Package x does.\npackage x\n\nimport \"C\"\nimport \"unsafe\"\n"
)

var controls = map[string][]control{
	"one file is C++, and only under its tag": {
		{"the one", map[string]string{
			"cbridge/cxx.cc": "//go:build rb_cxx\n\nnamespace {}\n",
			"cbridge/cxx.h":  "/* The class is elsewhere. */\nint rb_cxx_get(void)\n    RB_OPTIONAL;\nstatic inline int rb_cxx_offered(void) {\n  return rb_cxx_get();\n}\n",
		}, nil},
		{"without the tag", map[string]string{"cbridge/cxx.cc": "// cxx.cc\n"}, []string{"cbridge/cxx.cc: does not begin"}},
		{"another one", map[string]string{"cbridge/more.cc": "//go:build rb_cxx\n", "engine/a.cpp": ""}, []string{"cbridge/more.cc: is C++", "engine/a.cpp: is C++"}},
		{"a type in a header", map[string]string{"cbridge/a.h": "std::string f(void);\n"}, []string{"cbridge/a.h: says std::string"}},
		{"a function that must be there", map[string]string{"cbridge/cxx.h": "/* Gets. */\nint rb_cxx_get(void);\n"}, []string{"cbridge/cxx.h: rb_cxx_get is not weak"}},
	},
	"only the packages that may import C do": {
		{"the bridge may", map[string]string{"cbridge/a.go": importsBoth, "cgobench/a.go": importsBoth}, nil},
		{"engine may not", map[string]string{"engine/a.go": importsBoth}, []string{"engine/a.go: imports"}},
		{"a test may not", map[string]string{"engine/a_test.go": importsBoth}, []string{"engine/a_test.go: imports"}},
		{"a nested module may not", map[string]string{"cmd/x/a.go": importsBoth}, []string{"cmd/x/a.go: imports"}},
		{"a name that begins alike may not", map[string]string{"cbridgeextra/a.go": importsBoth}, []string{"cbridgeextra/a.go"}},
	},
	"Go names no RocksDB function": {
		{"glue", map[string]string{"cbridge/a.go": importsBoth + "var _ = C.rb_get\n"}, nil},
		{"a comment", map[string]string{"cbridge/a.go": importsBoth + "// C.rocksdb_get is not called.\n"}, nil},
		{"a call", map[string]string{"cbridge/a.go": importsBoth + "var _ = C.rocksdb_get()\n"}, []string{"cbridge/a.go:6: C.rocksdb_get"}},
		{"a type", map[string]string{"cbridge/a.go": importsBoth + "var db *C.rocksdb_t\n"}, []string{"cbridge/a.go:6: C.rocksdb_t"}},
	},
	"engine and iterator do without unsafe": {
		{"the bridge", map[string]string{"cbridge/a.go": importsBoth}, nil},
		{"engine", map[string]string{"engine/a.go": importsBoth}, []string{"engine/a.go: imports unsafe"}},
		{"a test of iterator", map[string]string{"iterator/a_test.go": importsBoth}, []string{"iterator/a_test.go: imports unsafe"}},
		{"below engine", map[string]string{"engine/batchrepr/a.go": importsBoth}, []string{"engine/batchrepr/a.go"}},
	},
	"engine and iterator mention no C type": {
		{"another package's name", map[string]string{"engine/a.go": goodFile + "var _ = cb.C\n"}, nil},
		{"a type", map[string]string{"engine/a.go": goodFile + "var n C.size_t\n"}, []string{"engine/a.go:3: C.size_t"}},
		{"a generated name", map[string]string{"iterator/a.go": goodFile + "var n _Ctype_int\n"}, []string{"iterator/a.go:3: _Ctype_int"}},
	},
	"cbridge exports no C type": {
		{"inside", map[string]string{"cbridge/a.go": importsBoth + "type DB struct{ h *C.rb_db }\nfunc f(x C.int) {}\nfunc (d *DB) Get() { _ = C.rb_get() }\n"}, nil},
		{"a parameter", map[string]string{"cbridge/a.go": importsBoth + "func Get(x C.int) {}\n"}, []string{"cbridge/a.go:6: C.int"}},
		{"a result", map[string]string{"cbridge/a.go": importsBoth + "type DB int\nfunc (DB) Get() (x []C.int) { return nil }\n"}, []string{"cbridge/a.go:7: C.int"}},
		{"a field", map[string]string{"cbridge/a.go": importsBoth + "type DB struct{ H *C.rb_db }\n"}, []string{"cbridge/a.go:6: C.rb_db"}},
		{"a named type", map[string]string{"cbridge/a.go": importsBoth + "type Code C.int\n"}, []string{"cbridge/a.go:6: C.int"}},
		{"a variable", map[string]string{"cbridge/a.go": importsBoth + "var Limit C.size_t\n"}, []string{"cbridge/a.go:6: C.size_t"}},
	},
	"layers import downwards only": {
		{"downwards", map[string]string{
			"engine/a.go":   goodFile + importing("iterator") + importing("engine/batchrepr") + "import \"fmt\"\n",
			"iterator/a.go": goodFile + importing("cbridge") + importing("dberr"),
			"cbridge/a.go":  goodFile + importing("dberr"),
		}, nil},
		{"cbridge upwards", map[string]string{"cbridge/a.go": goodFile + importing("engine")}, []string{"cbridge/a.go: imports " + modulePath + "/engine"}},
		{"iterator upwards", map[string]string{"iterator/a.go": goodFile + importing("engine")}, []string{"iterator/a.go: imports"}},
		{"the leaf", map[string]string{"dberr/a.go": goodFile + importing("cbridge")}, []string{"dberr/a.go: imports"}},
		{"beside the layers", map[string]string{"cbridge/a.go": goodFile + importing("cgobench")}, []string{"cbridge/a.go: imports"}},
		{"itself", map[string]string{"engine/a.go": goodFile + importing("engine")}, []string{"engine/a.go: imports"}},
	},
	"lengths are not truncated on their way to C": {
		{"whole lengths", map[string]string{"cbridge/a.go": importsBoth + "var _ = C.rb_put(C.size_t(len(b)), C.int(n))\n"}, nil},
		{"a cut length", map[string]string{"cbridge/a.go": importsBoth + "var _ = C.rb_put(C.int(len(b)))\n"}, []string{"cbridge/a.go:6: C.int(len"}},
		{"GoBytes", map[string]string{"cbridge/a.go": importsBoth + "var _ = C.GoBytes(p, 3)\n"}, []string{"cbridge/a.go:6: C.GoBytes"}},
		{"GoBytes where it is measured", map[string]string{"cgobench/a.go": importsBoth + "var _ = C.GoBytes(p, 3)\n"}, nil},
		{"a cut length where calls are measured", map[string]string{"cgobench/a.go": importsBoth + "var _ = C.f(C.int(len(b)))\n"}, []string{"cgobench/a.go:6: C.int(len"}},
	},
	"every Go function fits a screen": {
		{"70 lines", map[string]string{"engine/a.go": goodFile + functionOf(70)}, nil},
		{"71 lines", map[string]string{"cmd/x/a.go": goodFile + functionOf(71)}, []string{"cmd/x/a.go:3: long has 71 lines"}},
		{"71 lines of a test", map[string]string{"engine/a_test.go": goodFile + functionOf(71)}, nil},
	},
	"every exported name has a doc comment": docControls,
	"every C prototype has a comment directly before it": {
		{"commented", map[string]string{"cbridge/rb.h": "/* Gets. */\nrb_value rb_get(rb_db *db,\n                int x);\ntypedef struct rb_db rb_db;\n"}, nil},
		{"bare", map[string]string{"cbridge/rb.h": "/* Gets. */\nint rb_get(void);\nint rb_put(void);\n"}, []string{"cbridge/rb.h:3: rb_put"}},
		{"bare, in a trace", map[string]string{"cgotrace/a.h": "\nint rb_put(void);\n"}, []string{"cgotrace/a.h:2: rb_put"}},
		{"after a gap", map[string]string{"cbridge/rb.h": "/* Gets. */\n\nchar *rb_get(void);\n"}, []string{"cbridge/rb.h:3: rb_get"}},
		{"a pointer to a const", map[string]string{"cbridge/rb.h": "\nconst char *rb_name(rb_db *db);\n"}, []string{"cbridge/rb.h:2: rb_name"}},
	},
	"every C function is static or declared under rb_": {
		{"declared, static, and no functions", map[string]string{
			"cbridge/rb.h": "int rb_get(void);\n",
			"cbridge/a.c": "static int table[] = {1, 2};\nstruct s { int (*f)(void); };\nenum { A = 1 };\n" +
				"/* int gone(void) { */\n#define M(x) { x }\nint other(void);\n" +
				"static int f(int x) {\n  if (x) {\n    return '{';\n  }\n  return 0;\n}\nint rb_get(void) { return f(1); }\n",
			"cbridge/ctest/a_test.c": "int main(void) { return 0; }\n",
		}, nil},
		{"foreign prefix", map[string]string{"cbridge/a.c": "int get(void) {\n  return 0;\n}\n"}, []string{"cbridge/a.c:1: get is neither"}},
		{"after a static one", map[string]string{"cbridge/a.c": "static int f(void) { return 0; }\n\nstruct s g(int x)\n{\n}\n"}, []string{"cbridge/a.c:4: g is neither"}},
		{"in a trace", map[string]string{"cgotrace/a.c": "int get(void) { return 0; }\n"}, []string{"cgotrace/a.c:1: get is neither"}},
		{"in a crash", map[string]string{"cgotrace/internal/crash/a.c": "int get(void) { return 0; }\n"}, []string{"cgotrace/internal/crash/a.c:1: get is neither"}},
		{"undeclared", map[string]string{"cbridge/rb.h": "/* rb_put() is gone. */\n", "cbridge/a.c": "int rb_put(void) { return 0; }\n"}, []string{"cbridge/a.c:1: rb_put is declared in no header"}},
		{"with an attribute", map[string]string{"cbridge/a.c": "__attribute__((noinline)) int get(void) { return 0; }\n"}, []string{"cbridge/a.c:1: get"}},
	},
	"no word says that work is left undone": {
		{"a template", map[string]string{"scripts/a": "mktemp /tmp/x." + strings.Repeat("X", 6) + "\n"}, nil},
		{"in Go", map[string]string{"engine/a.go": goodFile + "// " + word("TO", "DO") + ": more.\n"}, []string{"engine/a.go:3"}},
		{"in C", map[string]string{"cbridge/a.c": "/* " + word("FIX", "ME") + " */\n"}, []string{"cbridge/a.c:1"}},
		{"in a document", map[string]string{"README.md": "\n" + word("X", "XX") + "\n"}, []string{"README.md:2"}},
	},
	"no file names a path of one machine": {
		{"parts of other paths", map[string]string{"README.md": "https://x.example/" + word("ho", "me/") + "\n$dir/" + word("ro", "ot/") + "\n"}, nil},
		{"absolute", map[string]string{"Makefile": "X = " + word("/ro", "ot/x") + "\n"}, []string{"Makefile:1: " + word("/ro", "ot/")}},
		{"quoted", map[string]string{"engine/a.go": goodFile + "var d = \"" + word("/wo", "rk/x") + "\"\n"}, []string{"engine/a.go:3"}},
	},
	"no package is a drawer for odds and ends": {
		{"subjects", map[string]string{"engine/batch.go": goodFile, "engine/commonprefix.go": goodFile}, nil},
		{"a package", map[string]string{"engine/util/a.go": goodFile}, []string{"engine/util/a.go"}},
		{"a file", map[string]string{"cbridge/common.c": "", "engine/helpers_test.go": goodFile}, []string{"cbridge/common.c", "engine/helpers_test.go"}},
	},
	"the library requires no other module": {
		{"none", map[string]string{"go.mod": "module x\n\ngo 1.26\n", "cmd/x/go.mod": "module y\nrequire z v1.0.0\n", "cmd/x/go.sum": "z\n"}, nil},
		{"one", map[string]string{"go.mod": "module x\nrequire z v1.0.0\n"}, []string{"go.mod:2"}},
		{"a block", map[string]string{"go.mod": "module x\nrequire (\n\tz v1.0.0\n)\n"}, []string{"go.mod:2"}},
		{"a sum", map[string]string{"go.mod": "module x\n", "go.sum": ""}, []string{"go.sum"}},
	},
	"every module is in go.work": {
		{"an archive of the library", map[string]string{"go.mod": "module x\n"}, nil},
		{"used", map[string]string{"go.work": "go 1.26\n\nuse (\n\t.\n\t./cmd/x\n)\n", "cmd/x/go.mod": "module x\n"}, nil},
		{"forgotten", map[string]string{"go.work": "use .\nuse ./cmd/xy\n", "cmd/x/go.mod": "module x\n"}, []string{"go.work: does not use ./cmd/x"}},
	},
}

var docControls = []control{
	{"documented", map[string]string{"engine/a.go": goodFile + `
// DB is one.
type DB struct {
	// Path is where, Name what.
	Path string
	Name string
	hidden int

	Mode int // how
}

// Sums are of rows and of bytes.
type Sums struct {
	Rows int
	Bytes int
}

// Get gets.
func (d *DB) Get() {}

// Codes.
const (
	A = 1
	B = 2
)

type reader struct{}

func (r *reader) Read() {}
`, "engine/a_test.go": "package x\n\nfunc TestX() {}\n", "cmd/x/go.mod": "module x\n", "cmd/x/a.go": "package main\n\nfunc X() {}\n"}, nil},
	{"a function", map[string]string{"engine/a.go": goodFile + "func Get() {}\n"}, []string{"engine/a.go:3: Get"}},
	{"a method", map[string]string{"engine/a.go": goodFile + "// T is.\ntype T[K any] int\n\nfunc (t *T[K]) Get() {}\n"}, []string{"engine/a.go:6: Get"}},
	{"a type", map[string]string{"engine/a.go": goodFile + "type T int\n"}, []string{"engine/a.go:3: T"}},
	{"a type and its first field", map[string]string{"engine/a.go": goodFile + "type T struct {\n\tA int\n}\n"}, []string{"engine/a.go:3: T", "engine/a.go:4: T.A"}},
	{"a type in a group", map[string]string{"engine/a.go": goodFile + "// Types.\ntype (\n\tT int\n)\n"}, []string{"engine/a.go:5: T"}},
	{"a variable", map[string]string{"engine/a.go": goodFile + "var V int\n"}, []string{"engine/a.go:3: V"}},
	{"a field after a gap", map[string]string{"engine/a.go": goodFile + "// T is.\ntype T struct {\n\tA int // first\n\n\tB int\n}\n"}, []string{"engine/a.go:7: T.B"}},
	{"a method of an interface", map[string]string{"engine/a.go": goodFile + "// T is.\ntype T interface {\n\tGet()\n\n\tPut()\n}\n"}, []string{"engine/a.go:7: T.Put"}},
	{"a package", map[string]string{"engine/a.go": "package x\n"}, []string{"engine: no package comment"}},
}

func importing(pkg string) string { return "import _ \"" + modulePath + "/" + pkg + "\"\n" }

// functionOf gives a Go function of so many lines.
func functionOf(lines int) string {
	return "func long() {\n" + strings.Repeat("\tx()\n", lines-2) + "}\n"
}

// TestEveryRuleCanFail shows each rule small trees that break it, and such that only look so.
func TestEveryRuleCanFail(t *testing.T) {
	for _, r := range rules {
		cs := controls[r.name]
		if !slices.ContainsFunc(cs, func(c control) bool { return c.want != nil }) {
			t.Errorf("no control breaks the rule %q", r.name)
		}
		for _, c := range cs {
			t.Run(r.name+"/"+c.name, func(t *testing.T) {
				got := r.check(newTree(t, c.files))
				if len(got) != len(c.want) {
					t.Fatalf("found %q, want %q", got, c.want)
				}
				for i, w := range c.want {
					if !strings.HasPrefix(got[i], w) {
						t.Errorf("found %q, want %q", got[i], w)
					}
				}
			})
		}
	}
	if len(controls) != len(rules) {
		t.Errorf("%d rules have controls, there are %d", len(controls), len(rules))
	}
}
