package main

import (
	"strings"
	"testing"
)

const stream = `scripts/library
{"Action":"start","Package":"m/a"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:3: only a log\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"WARNING: DATA RACE\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"output","Package":"m/a","Test":"TestB","Output":"    a_test.go:4: with seed 1\n"}
{"Action":"output","Package":"m/a","Test":"TestB","Output":"    a_test.go:5: it takes\n"}
{"Action":"output","Package":"m/a","Test":"TestB","Output":"        root\n"}
{"Action":"output","Package":"m/a","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestB"}
`

func filtered(t *testing.T, more string) (out, skipped string) {
	t.Helper()
	var o, s strings.Builder
	if err := filter(strings.NewReader(stream+more), &o, &s, "race"); err != nil {
		t.Fatal(err)
	}
	return o.String(), s.String()
}

func TestSkippedTestsAreNotedWithTheirReasons(t *testing.T) {
	out, skipped := filtered(t, `{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t1s\n"}
{"Action":"pass","Package":"m/a"}
{"Action":"output","Package":"m/b","Output":"?   \tm/b\t[no test files]\n"}
{"Action":"skip","Package":"m/b"}
`)
	if want := "race\tm/a TestB\tit takes root\n"; skipped != want {
		t.Errorf("noted is %q, want %q", skipped, want)
	}
	if want := "scripts/library\nok  \tm/a\t1s\n?   \tm/b\t[no test files]\n"; out != want {
		t.Errorf("printed is %q, want %q", out, want)
	}
}

func TestWhatFailedIsShown(t *testing.T) {
	failed := `{"Action":"output","Package":"m/a","Test":"TestC","Output":"    a_test.go:9: wrong\n"}
{"Action":"output","Package":"m/a","Test":"TestC","Output":"--- FAIL: TestC (0.00s)\n"}
`
	const shown = "scripts/library\nWARNING: DATA RACE\n        root\n    a_test.go:9: wrong\n--- FAIL: TestC (0.00s)\n"
	for more, want := range map[string]string{
		failed: shown, // the run itself was killed
		failed + `{"Action":"fail","Package":"m/a","Test":"TestC"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t1s\n"}
{"Action":"fail","Package":"m/a"}
`: shown + "FAIL\tm/a\t1s\n",
		`{"ImportPath":"m/c","Action":"build-output","Output":"c.go:1: no\n"}
{"ImportPath":"m/c","Action":"build-fail"}
`: "scripts/library\nc.go:1: no\nWARNING: DATA RACE\n        root\n",
	} {
		if out, _ := filtered(t, more); out != want {
			t.Errorf("printed is %q, want %q", out, want)
		}
	}
}
