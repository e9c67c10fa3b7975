package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const killed = `=== RUN   TestKilled
    fixture_test.go:43: replay with -run '^TestKilled$' -crash.seed=179
=== RUN   TestPart
=== RUN   TestPart/durable
    part_test.go:3: with -short, in one mode
--- PASS: TestPart (0.01s)
    --- SKIP: TestPart/durable (0.00s)
=== RUN   TestRoot
=== PAUSE TestRoot
=== CONT  TestRoot
    root_test.go:7: replay with -run '^TestRoot$' -power.seed=33
    root_test.go:9: it takes root
--- SKIP: TestRoot (0.00s)
=== NAME  TestKilled
    crash_test.go:102: 200 rounds, 30 batches acknowledged, at 7 of its 77 places; the longest: 1.5s
        12  a table under the line
--- PASS: TestKilled (1.00s)
PASS
`

const mixedLoad = `=== RUN   TestAMixedLoad
    slowdisk_test.go:120: replay with -run '^TestAMixedLoad$' -soak.seed=5
        seed 5: 1h0m0s, faults map[a stall:3], 4 rows compared
        threads: first quarter 7, third 8, fourth 9
--- PASS: TestAMixedLoad (1.00s)
PASS
`

// reported is the report of programmes and what their runs printed.
func reported(t *testing.T, runs map[string][]string) string {
	t.Helper()
	var results []*result
	for _, p := range programmes(time.Hour) {
		if runs[p.name] == nil {
			continue
		}
		r := &result{programme: p}
		for _, out := range runs[p.name] {
			r.take("log", out, endOf(out))
		}
		results = append(results, r)
	}
	var b strings.Builder
	body(&b, results)
	return b.String()
}

func wantLines(t *testing.T, report string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+report, "\n"+line+"\n") {
			t.Errorf("no line %q in:\n%s", line, report)
		}
	}
}

func TestTheReportHasAllSeedsAndWhatWasDoneAndSkipped(t *testing.T) {
	second := strings.NewReplacer("=179", "=180", "=33", "=34", "at 7", "at 9", " 30 ", " 12 ", "1.5s", "700ms").Replace(killed)
	failed := "=== RUN   TestKilled\n    x_test.go:1: replay with -crash.seed=181\n    x_test.go:2: 3 rounds\n--- FAIL: TestKilled (0.00s)\nFAIL\n"
	report := reported(t, map[string][]string{"kill -9": {killed, second, failed}, "mixed load": {mixedLoad}})
	wantLines(t, report,
		"| kill -9 | 200 kills | 3 | 4 | 2 | 1 | 0s |",
		"- kill -9: -crash.seed 179 180 181; -power.seed 33 34",
		"- kill -9: 400 rounds, 42 batches acknowledged, at 9 of its 77 places; the longest: 1.5s (2 times)",
		"- kill -9, tests: 2: it takes root",
		"- kill -9, parts of tests: 2: with -short, in one mode",
		"- mixed load: -soak.seed 5",
		"- mixed load: seed 5: 1h0m0s, faults map[a stall:3], 4 rows compared",
	)
	if strings.Contains(report, "under the line") || strings.Contains(report, "403 rounds") {
		t.Error(report)
	}
}

func TestFuzzTestsAreCountedByTheirPackages(t *testing.T) {
	const one = "fuzz: elapsed: 3s, execs: 10 (3/sec), new interesting: 1 (total: 4)\n" +
		"fuzz: elapsed: 6s, execs: 40 (6/sec), new interesting: 2 (total: 5)\nPASS\nok  \texample/engine\t7.1s\n"
	report := reported(t, map[string][]string{"fuzz tests in Go": {one + one + "2 fuzz tests ran for 6s each\n", "fuzz: no fuzz test found\n"}})
	wantLines(t, report,
		"- fuzz tests in Go: 80 inputs of fuzz tests, 4 new ones of interest (2 times)",
		"| fuzz tests in Go | 30s each | 2 | 2 | 0 | 1 | 0s |",
	)
}

func TestLogsOfAnEarlierSoakAreReadByTheirNumbers(t *testing.T) {
	dir := t.TempDir()
	last := time.Date(2026, 11, 28, 1, 2, 3, 0, time.UTC)
	for name, text := range map[string]string{
		"model-2.log": "    a_test.go:1: seed 2\n--- PASS: TestM (0.00s)\nPASS\n", "model-10.log": "panic: seed 10\n",
		"model-debug-build-1.log": killed, "model.txt": "", "model-1.log": "    a_test.go:1: -cbridge.seed=1\n--- PASS: TestM (0.00s)\nPASS\n",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, last, last)); err != nil {
			t.Fatal(err)
		}
	}
	results, at, err := readAll(programmes(time.Hour), dir)
	if err != nil || !at.Equal(last) || len(results) != 2 {
		t.Fatal(results, at, err)
	}
	m := results[0]
	if m.name != "model" || m.runs != 3 || m.tests != 2 || len(m.failures) != 1 || !strings.HasSuffix(m.failures[0].log, "model-10.log") {
		t.Errorf("%+v", m)
	}
	var b strings.Builder
	seedsOf(&b, results[:1])
	wantLines(t, b.String(), "- model: -cbridge.seed 1; 2")
	if _, _, err := readAll(programmes(time.Hour), t.TempDir()); err == nil {
		t.Error("an empty folder has a report")
	}
}
