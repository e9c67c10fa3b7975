package rockbridge_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

//go:generate go test -count=1 -run ^TestVersionsDocumentIsUpToDate$ . -update

var update = flag.Bool("update", false, "write the tables of docs/versions.md instead of comparing them")

const (
	versionsDocument = "docs/versions.md"
	featuresBegin    = "<!-- features: begin, written by \"make docs\" -->\n"
	featuresEnd      = "<!-- features: end -->\n"
)

// runVersions are those that the tests run against; each has a column.
var runVersions = []string{"7.8", "9.10", "9.11"}

func TestVersionsDocumentIsUpToDate(t *testing.T) {
	b, err := os.ReadFile(versionsDocument)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(b), featuresBegin)
	_, after, ended := strings.Cut(rest, featuresEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table of features", versionsDocument)
	}
	want := before + featuresBegin + featureTable(t, featureComments(t)) + featuresEnd + after
	switch {
	case want == string(b):
	case *update:
		if err := os.WriteFile(versionsDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale; run: make docs", versionsDocument)
	}
}

// featureComments reads what each feature is where it is declared: "WaitForCompact // 8.7: what it is".
func featureComments(t *testing.T) (comments []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "engine/version.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST || fmt.Sprint(g.Specs[0].(*ast.ValueSpec).Type) != "Feature" {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			comments = append(comments, v.Names[0].Name+"|"+strings.TrimSpace(v.Comment.Text()))
		}
	}
	return comments
}

// featureTable has one row for each feature and one column for each version that matters.
func featureTable(t *testing.T, comments []string) string {
	t.Helper()
	features := engine.Features()
	if len(features) != len(comments) {
		t.Fatalf("engine.Features has %d, engine/version.go declares %d", len(features), len(comments))
	}
	versions := slices.Clone(runVersions)
	for _, f := range features {
		if f.Since() != "" {
			versions = append(versions, f.Since())
		}
	}
	slices.SortFunc(versions, compareVersions)
	versions = slices.Compact(versions)
	var b strings.Builder
	b.WriteString("| feature | what it is | " + strings.Join(versions, " | ") + " |\n")
	b.WriteString("|---|---|" + strings.Repeat("---|", len(versions)) + "\n")
	for i, f := range features {
		name, comment, _ := strings.Cut(comments[i], "|")
		bringer := f.Since()
		if bringer == "" {
			bringer = f.Tag()
		}
		what, ok := strings.CutPrefix(comment, bringer+": ")
		if int(f) != i || !ok {
			t.Errorf("engine/version.go: the comment behind %s is %q; it came with %s", name, comment, bringer)
		}
		fmt.Fprintf(&b, "| `%s` | %s |", name, what)
		for _, v := range versions {
			switch {
			case f.Since() != "" && compareVersions(v, f.Since()) >= 0:
				b.WriteString(" yes |")
			case f.Tag() != "":
				b.WriteString(" tag |")
			default:
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// compareVersions orders versions such as 7.8 and 10.10.
func compareVersions(a, b string) int {
	numbers := func(v string) (n [2]int) {
		for i, part := range strings.SplitN(v, ".", 2) {
			n[i], _ = strconv.Atoi(part) // what is no number sorts first, and is seen in the table
		}
		return n
	}
	x, y := numbers(a), numbers(b)
	return slices.Compare(x[:], y[:])
}
