package rockbridge_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	cComment      = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	cString       = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`)
	cDirective    = regexp.MustCompile(`(?m)^[ \t]*#(?:[^\n\\]|\\.|\\\n)*$`)
	cAttribute    = regexp.MustCompile(`__attribute__\s*\(\(.*?\)\)`)
	calledName    = regexp.MustCompile(`(\w+)\s*\(`)
	noFunction    = regexp.MustCompile(`^\s*(typedef|struct|enum|union)\b[^(]*$|=`)
	prototypeLine = regexp.MustCompile(`^[a-z_][\w \*]*?\b(rb_\w+)\(`)

	unfinished  = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	machinePath = regexp.MustCompile(`(?:^|[^\w.})-])(/(?:work|root|home)/)`)
)

// blank replaces what re matches by spaces of the same shape, so that lines keep their numbers.
func blank(re *regexp.Regexp, text string) string {
	return re.ReplaceAllStringFunc(text, func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, s)
	})
}

// uncommentedPrototypes wants the contract of a function where its caller looks for it.
func uncommentedPrototypes(tr *tree) []string {
	var bad []string
	for _, name := range tr.names(func(n string) bool { return under(n, ownC...) && path.Ext(n) == ".h" }) {
		lines := strings.Split(tr.texts[name], "\n")
		for i, line := range lines {
			m := prototypeLine.FindStringSubmatch(line)
			if m == nil || strings.HasPrefix(line, "typedef") {
				continue
			}
			if i == 0 || !strings.HasSuffix(strings.TrimSpace(lines[i-1]), "*/") {
				bad = append(bad, fmt.Sprintf("%s:%d: %s has no comment directly before it", name, i+1, m[1]))
			}
		}
	}
	return bad
}

// cFunction is a function definition at file scope.
type cFunction struct {
	name   string
	line   int
	static bool
}

// cFunctions finds the definitions of a C file: what stands at file scope before a brace and has a
// parameter list.
func cFunctions(text string) []cFunction {
	text = blank(cString, blank(cComment, text))
	text = blank(cAttribute, blank(cDirective, text))
	var out []cFunction
	depth, start, line := 0, 0, 1
	for i, r := range text {
		switch r {
		case '\n':
			line++
		case '{':
			if depth++; depth == 1 {
				if f, ok := definition(text[start:i]); ok {
					f.line = line
					out = append(out, f)
				}
			}
		case '}':
			if depth--; depth == 0 {
				start = i + 1
			}
		case ';':
			if depth == 0 {
				start = i + 1
			}
		}
	}
	return out
}

// definition reads the text between two declarations and an opening brace.
func definition(head string) (cFunction, bool) {
	m := calledName.FindStringSubmatch(head)
	if m == nil || noFunction.MatchString(head) {
		return cFunction{}, false
	}
	return cFunction{name: m[1], static: slices.Contains(strings.Fields(head), "static")}, true
}

// undeclaredFunctions keeps the linker's name space clean: the library is linked into programs that
// have C of their own.
func undeclaredFunctions(tr *tree) []string {
	var headers strings.Builder
	for _, name := range tr.names(func(n string) bool { return under(n, ownC...) && path.Ext(n) == ".h" }) {
		headers.WriteString(blank(cComment, tr.texts[name]))
	}
	var bad []string
	for _, name := range tr.names(func(n string) bool { return slices.Contains(ownC, path.Dir(n)) && path.Ext(n) == ".c" }) {
		for _, f := range cFunctions(tr.texts[name]) {
			declared := regexp.MustCompile(`\b` + f.name + `\s*\(`).MatchString(headers.String())
			switch {
			case f.static:
			case !strings.HasPrefix(f.name, "rb_"):
				bad = append(bad, fmt.Sprintf("%s:%d: %s is neither static nor called rb_", name, f.line, f.name))
			case !declared:
				bad = append(bad, fmt.Sprintf("%s:%d: %s is declared in no header", name, f.line, f.name))
			}
		}
	}
	return bad
}

// theCXX is the one file of C++, and theCXXHeader its door, which is C.
const (
	theCXX       = "cbridge/cxx.cc"
	theCXXHeader = "cbridge/cxx.h"
	theCXXTag    = "//go:build rb_cxx\n"
)

var (
	cxxWord     = regexp.MustCompile(`\b(?:class|namespace|template|std::\w+|rocksdb::\w+)\b`)
	cxxFunction = regexp.MustCompile(`\b(rb_cxx_\w+)\s*\(`)
)

// otherCXX keeps C++ out of programs that did not ask for it, and C++'s types and exceptions in the one file: what it
// offers is declared in its header, weak for C, and no header is C++.
func otherCXX(tr *tree) []string {
	var bad []string
	for _, name := range tr.names(anywhere) {
		switch path.Ext(name) {
		case ".cc", ".cpp", ".cxx", ".hh", ".hpp":
			switch {
			case strings.Contains(name, "testdata/"): // a program of its own
			case name != theCXX:
				bad = append(bad, name+": is C++")
			case !strings.HasPrefix(tr.texts[name], theCXXTag):
				bad = append(bad, name+": does not begin with "+strings.TrimSpace(theCXXTag))
			}
		case ".h":
			if word := cxxWord.FindString(blank(cComment, tr.texts[name])); word != "" && under(name, ownC...) {
				bad = append(bad, name+": says "+word)
			}
		}
	}
	header := strings.Join(strings.Fields(blank(cComment, tr.texts[theCXXHeader])), " ")
	for _, prototype := range strings.Split(header, ";") {
		m := cxxFunction.FindStringSubmatch(prototype)
		if m != nil && !strings.Contains(prototype, "{") && !strings.HasSuffix(strings.TrimSpace(prototype), "RB_OPTIONAL") {
			bad = append(bad, theCXXHeader+": "+m[1]+" is not weak")
		}
	}
	return bad
}

// linesThat gives the lines of all files that re matches, with what it found.
func linesThat(tr *tree, re *regexp.Regexp) []string {
	var bad []string
	for _, name := range tr.names(anywhere) {
		for i, line := range strings.Split(tr.texts[name], "\n") {
			if m := re.FindStringSubmatch(line); m != nil {
				bad = append(bad, fmt.Sprintf("%s:%d: %s", name, i+1, m[1]))
			}
		}
	}
	return bad
}

func unfinishedWords(tr *tree) []string { return linesThat(tr, unfinished) }

func machinePaths(tr *tree) []string { return linesThat(tr, machinePath) }

// vagueNames refuses packages and files whose name says nothing of what is in them.
func vagueNames(tr *tree) []string {
	vague := []string{"util", "utils", "common", "misc", "helper", "helpers"}
	return tr.names(func(name string) bool {
		if e := path.Ext(name); e != ".go" && e != ".c" && e != ".h" {
			return false
		}
		stem := strings.TrimSuffix(strings.TrimSuffix(name, path.Ext(name)), "_test")
		return slices.ContainsFunc(strings.Split(stem, "/"), func(part string) bool {
			return slices.Contains(vague, part)
		})
	})
}

// requirements keeps an importer's module graph empty.
func requirements(tr *tree) []string {
	var bad []string
	for i, line := range strings.Split(tr.texts["go.mod"], "\n") {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word == "require" || word == "replace" {
			bad = append(bad, fmt.Sprintf("go.mod:%d: %s", i+1, line))
		}
	}
	if _, ok := tr.texts["go.sum"]; ok {
		bad = append(bad, "go.sum: there is nothing to sum")
	}
	return bad
}

// strayModules wants every module where plain "go build" and "go test" find it. An archive of the
// root module alone has neither the other modules nor go.work.
func strayModules(tr *tree) []string {
	var bad []string
	for _, name := range tr.names(func(n string) bool { return path.Base(n) == "go.mod" && n != "go.mod" }) {
		dir := path.Dir(name)
		used := regexp.MustCompile(`(?m)^(?:use)?\s*\./` + regexp.QuoteMeta(dir) + `\s*$`)
		if !used.MatchString(tr.texts["go.work"]) {
			bad = append(bad, "go.work: does not use ./"+dir)
		}
	}
	return bad
}
