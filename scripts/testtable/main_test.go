package main

import (
	"strings"
	"testing"
)

const module = "github.com/rockbridge-db/rockbridge/"

func summary(t *testing.T, stream string) (string, bool) {
	t.Helper()
	r, err := readRun("sid", strings.NewReader(strings.ReplaceAll(stream, "MODULE/", module)))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	good := report(&out, []*run{r})
	return out.String(), good
}

const passing = `RocksDB 9.11.2 of Debian sid
{"Action":"run","Package":"MODULE/a","Test":"TestA"}
{"Action":"output","Package":"MODULE/a","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"MODULE/a","Test":"TestA"}
{"Action":"run","Package":"MODULE/a","Test":"TestB"}
{"Action":"output","Package":"MODULE/a","Test":"TestB","Output":"    a_test.go:4: too dear\n"}
{"Action":"output","Package":"MODULE/a","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"MODULE/a","Test":"TestB"}
{"Action":"pass","Package":"MODULE/a"}
{"Action":"output","Package":"MODULE/none","Output":"?   \t[no test files]\n"}
{"Action":"skip","Package":"MODULE/none"}
`

func TestAGoodRunIsOneRowAndItsSkips(t *testing.T) {
	out, good := summary(t, passing)
	if !good || !strings.Contains(out, "skipped on sid: a TestB: a_test.go:4: too dear\n") {
		t.Error(out)
	}
	if fields := strings.Fields(out[strings.Index(out, "\nsid"):]); strings.Join(fields[:6], " ") != "sid 9.11.2 1 1 1 0" {
		t.Error(out)
	}
}

func TestWhateverWentWrongIsNamedWithItsOutput(t *testing.T) {
	for name, c := range map[string]struct{ stream, title, output string }{
		"a failed test": {`{"Action":"output","Package":"MODULE/b","Test":"TestX","Output":"wrong\n"}
{"Action":"fail","Package":"MODULE/b","Test":"TestX"}
{"Action":"fail","Package":"MODULE/b"}`, "b TestX", "wrong"},
		"a test that did not end": {`{"Action":"run","Package":"MODULE/b","Test":"TestX"}
{"Action":"output","Package":"MODULE/b","Test":"TestX","Output":"SIGSEGV\n"}
{"Action":"fail","Package":"MODULE/b"}`, "b TestX", "SIGSEGV"},
		"a package that failed outside of its tests": {`{"Action":"output","Package":"MODULE/b","Output":"exit status 2\n"}
{"Action":"fail","Package":"MODULE/b"}`, "b", "exit status 2"},
		"a package that did not end": {`{"Action":"start","Package":"MODULE/b"}`, "b", ""},
		"a build": {`{"ImportPath":"MODULE/b","Action":"build-output","Output":"b.go:1: no\n"}
{"ImportPath":"MODULE/b","Action":"build-fail"}`, "b [build]", "b.go:1: no"},
	} {
		out, good := summary(t, passing+c.stream+"\n")
		if good || !strings.Contains(out, "\nFAILED on sid: "+c.title+"\n") || !strings.Contains(out, "    "+c.output) {
			t.Errorf("%s: %v\n%s", name, good, out)
		}
	}
}

func TestARunWithoutATestIsNotGood(t *testing.T) {
	for _, stream := range []string{"", "go: no such module\n"} {
		if out, good := summary(t, stream); good || !strings.Contains(out, strings.TrimSpace(stream)) {
			t.Errorf("%v\n%s", good, out)
		}
	}
}
