package rockbridge_test

import (
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const featuresDocument = "docs/features.md"

// featurePackages are those whose names the page uses, in the order in which a name is looked for.
var featurePackages = []string{"engine", "iterator", "enginetest"}

// featureName is a name of ours, other than one of RocksDB's: Open, Options.Events, iterator.Iterator.
var featureName = regexp.MustCompile(`^(?:(engine|iterator|enginetest)\.)?([A-Z]\w*)(?:\.([A-Z]\w*))?$`)

// featureNames lists the names in the rows of a page's tables.
func featureNames(page string) (names []string) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 && featureName.MatchString(part) {
				names = append(names, part)
			}
		}
	}
	return names
}

// featureExists tells whether one of the packages exports a name, and its type the member.
func featureExists(packages map[string]*types.Package, name string) bool {
	m := featureName.FindStringSubmatch(name)
	for _, p := range featurePackages {
		if m[1] != "" && m[1] != p {
			continue
		}
		found := packages[p].Scope().Lookup(m[2])
		if found == nil {
			continue
		}
		if m[3] == "" {
			return true
		}
		if member, _, _ := types.LookupFieldOrMethod(found.Type(), true, packages[p], m[3]); member != nil {
			return true
		}
	}
	return false
}

func TestTheNamesOnThePageOfFeaturesExist(t *testing.T) {
	var paths []string
	for _, p := range featurePackages {
		paths = append(paths, documentPackages[p])
	}
	load := importer.ForCompiler(token.NewFileSet(), "gc", exportData(t, paths...))
	packages := map[string]*types.Package{}
	for _, p := range featurePackages {
		loaded, err := load.Import(documentPackages[p])
		if err != nil {
			t.Fatal(err)
		}
		packages[p] = loaded
	}
	page, err := os.ReadFile(featuresDocument)
	if err != nil {
		t.Fatal(err)
	}
	names := featureNames(string(page))
	if len(names) < 150 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if !featureExists(packages, name) {
			t.Errorf("%s names %s, which does not exist", featuresDocument, name)
		}
	}
	for _, control := range []string{"NoSuch", "Options.NoSuch", "DB.Seek", "enginetest.DB", "iterator.Open"} {
		if featureExists(packages, control) {
			t.Errorf("control: %s is said to exist", control)
		}
	}
	if got := featureNames("| a | `Open`, `x=1` and `DB.Get` |\n`Put`\n"); !slices.Equal(got, []string{"Open", "DB.Get"}) {
		t.Errorf("control: %v", got)
	}
}
