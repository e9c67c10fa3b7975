// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"errors"
	"strings"
	"testing"
)

// cells are the words of the line of text that starts with name.
func cells(t *testing.T, text, name string) []string {
	t.Helper()
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == name {
			return f
		}
	}
	t.Fatalf("no row %s in:\n%s", name, text)
	return nil
}

func printed(t *testing.T, m *table) string {
	t.Helper()
	var text strings.Builder
	if err := m.print(&text, "heading"); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func wantCells(t *testing.T, text, want string) {
	t.Helper()
	name, _, _ := strings.Cut(want, " ")
	if got := strings.Join(cells(t, text, name), " "); got != want {
		t.Errorf("row is %q, want %q", got, want)
	}
}

func TestTableStandsBesideTheArticle(t *testing.T) {
	var m table
	m.add("BenchmarkEmpty/C", 1, figure{ns: 50, crossings: 1})
	m.add("BenchmarkEmpty/Go", 1, figure{ns: 2})
	m.add("BenchmarkPointer/x", 1, figure{ns: 61, allocs: 2, crossings: 3})
	m.addCrowd(crowd{"crowd", 1004, 9 << 10, 5 << 10})
	text := printed(t, &m)
	wantCells(t, text, "Empty/C 50.00 25.0 0 1 171.00 93.4")
	wantCells(t, text, "Empty/Go 2.00 1.0 0 0 1.83 1.0")
	wantCells(t, text, "Pointer/x 61.00 30.5 2 3")
	wantCells(t, text, "crowd 1004 9 5")
	wantCells(t, text, "heading")
}

// Under -bench with a pattern the Go call may be missing: then no ratio is made up.
func TestTableWithoutBaselineHasNoRatio(t *testing.T) {
	var m table
	m.add("BenchmarkEmpty/C", 1, figure{ns: 50, crossings: 1})
	wantCells(t, printed(t, &m), "Empty/C 50.00 0 1 171.00 93.4")
}

func TestTableTakesLongestCallOfRunAndMedianOfRuns(t *testing.T) {
	var m table
	for _, ns := range []float64{30, 10, 20} { // -count=3
		m.add("BenchmarkEmpty/C", 1, figure{ns: 1000})
		m.add("BenchmarkEmpty/C", 100, figure{ns: 500})
		m.add("BenchmarkEmpty/C", 10000, figure{ns: ns})
	}
	if got := m.row(rowC); len(got.runs) != 3 || got.median().ns != 20 {
		t.Errorf("runs are %v, want three with median 20", got.runs)
	}
	m.addCrowd(crowd{"crowd", 1, 1, 1})
	m.addCrowd(crowd{"crowd", 2, 2, 2})
	if len(m.crowds) != 1 || m.crowds[0].threads != 2 {
		t.Errorf("crowds are %v, want the second one", m.crowds)
	}
}

func TestTableOfNothingIsNotPrinted(t *testing.T) {
	if text := printed(t, &table{}); text != "" {
		t.Errorf("printed %q", text)
	}
}

type fullDisk struct{}

var errFull = errors.New("full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestTableReportsFailedWrite(t *testing.T) {
	var m table
	m.add("BenchmarkEmpty/C", 1, figure{ns: 50})
	if err := m.print(fullDisk{}, ""); !errors.Is(err, errFull) {
		t.Errorf("print returned %v, want %v", err, errFull)
	}
}

func TestHeadingNamesCompilerAndProcessors(t *testing.T) {
	text := heading()
	for _, want := range []string{compiler(), "go1.", "GOMAXPROCS ", "Cockroach Labs, 2015"} {
		if want == "" || !strings.Contains(text, want) {
			t.Errorf("heading lacks %q: %s", want, text)
		}
	}
}
