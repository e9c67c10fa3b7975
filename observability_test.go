package rockbridge_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// jsonPaths lists the fields of t by their names in JSON; * stands for the keys of a map.
func jsonPaths(t reflect.Type, path string) (paths []string) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			name := t.Field(i).Tag.Get("json")
			paths = append(paths, jsonPaths(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
		return paths
	case reflect.Map:
		return jsonPaths(t.Elem(), path+".*")
	}
	return []string{path}
}

var documentedField = regexp.MustCompile("(?m)^\\| `([a-z0-9_.*]+)` \\| (.+) \\| (.+) \\|$")

func TestObservabilityDocumentNamesEveryField(t *testing.T) {
	b, err := os.ReadFile("docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := jsonPaths(reflect.TypeFor[engine.Metrics](), "")
	var documented []string
	for _, m := range documentedField.FindAllStringSubmatch(string(b), -1) {
		if slices.Contains(documented, m[1]) {
			t.Errorf("%s is documented twice", m[1])
		}
		documented = append(documented, m[1])
	}
	for _, f := range fields {
		if !slices.Contains(documented, f) {
			t.Errorf("%s is not documented", f)
		}
	}
	for _, d := range documented {
		if !slices.Contains(fields, d) {
			t.Errorf("%s is documented and does not exist", d)
		}
	}
	if len(fields) < 50 {
		t.Errorf("only %d fields were found", len(fields))
	}
}
