package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// demoRow finds the line of a way and gives cgo calls and allocations.
func demoRow(t *testing.T, out, way string) (calls, allocs int) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(way) + ` +[\d.]+ +[\d.]+-[\d.]+ +[\d.]+x +(\d+) +(\d+) *$`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no line of %q in:\n%s", way, out)
	}
	calls, _ = strconv.Atoi(m[1]) // digits: it cannot fail
	allocs, _ = strconv.Atoi(m[2])
	return calls, allocs
}

// TestTheDemoCountsCallsAndAllocations asserts counts, which do not depend on
// the machine, and no time.
func TestTheDemoCountsCallsAndAllocations(t *testing.T) {
	const rows = 20000
	file := writeFile(t, "rows.tsv", manyRows(rows))
	out := succeed(t, "demo", "--data", file, "--rounds", "7")
	if !strings.Contains(out, "20000 rows loaded in ") || !strings.Contains(out, "7 rounds") {
		t.Errorf("printed:\n%s", out)
	}
	calls, allocs := demoRow(t, out, "one call per step, copies")
	if calls < rows || allocs < 2*rows {
		t.Errorf("one call per step: %d calls, %d allocations for %d rows", calls, allocs, rows)
	}
	// A row is a key of 9, a value of 5, and 8 bytes of lengths.
	most := 16 + rows*(9+5+8)/(32<<10)
	calls, allocs = demoRow(t, out, "Next, Key and Value copied")
	if calls > most || allocs < 2*rows {
		t.Errorf("Next: %d calls, at most %d; %d allocations", calls, most, allocs)
	}
	calls, allocs = demoRow(t, out, "NextChunk, no copies")
	if calls > most || allocs > rows/100 {
		t.Errorf("NextChunk: %d calls, at most %d; %d allocations", calls, most, allocs)
	}
	calls, allocs = demoRow(t, out, "Count, the loop in C")
	if calls > 16 || allocs > rows/100 {
		t.Errorf("Count: %d calls, %d allocations", calls, allocs)
	}
}

func TestTheDemoLeavesADatabaseOnlyWhenAsked(t *testing.T) {
	file := writeFile(t, "rows.tsv", manyRows(10))
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	succeed(t, "demo", "--data", file)
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	keep := filepath.Join(temp, "kept")
	succeed(t, "demo", "--data", file, "--keep", keep, "--family", "rows")
	if got := succeed(t, "count", keep, "--family", "rows"); got != "10\n" {
		t.Errorf("kept: %q", got)
	}
	fail(t, exitError, []string{"demo", "--data", file, "--keep", keep}, keep)
}

// TestTheDemoFindsTheData runs it in a folder of the project without --data.
func TestTheDemoFindsTheData(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads and scans 171,075 rows")
	}
	out := succeed(t, "demo", "--rounds", "7")
	if !strings.Contains(out, "cities.tsv.zst: 171075 rows loaded in ") {
		t.Errorf("printed:\n%s", out)
	}
	t.Log("\n" + out)
}
