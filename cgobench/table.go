// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The article is "The Cost and Complexity of Cgo", Cockroach Labs, 2015.
const (
	articleCNs  = 171.0 // an empty C function through cgo
	articleGoNs = 1.83  // an empty Go function that is not inlined
)

// The rows that stand beside the article's.
const (
	rowC  = "Empty/C"
	rowGo = "Empty/Go"
)

// figure is what one run of a benchmark measured, per operation.
type figure struct {
	ns, allocs float64
	crossings  int
}

// row is a benchmark with its runs: more than one under -count or -cpu.
type row struct {
	name string
	runs []figure
}

// table collects the figures of a test process in the order of measuring.
type table struct {
	rows   []*row
	crowds []crowd
}

// crowd is what a process looked like while its goroutines slept.
type crowd struct {
	name                             string
	threads, virtualKiB, residentKiB int
}

// add takes the figure of n operations. The testing package calls a benchmark
// with growing n, starting at 1, until it ran long enough: the last call counts.
func (t *table) add(benchmark string, n int, f figure) {
	name := strings.TrimPrefix(benchmark, "Benchmark")
	r := t.row(name)
	if r == nil {
		r = &row{name: name}
		t.rows = append(t.rows, r)
	}
	if n == 1 || len(r.runs) == 0 {
		r.runs = append(r.runs, f)
		return
	}
	r.runs[len(r.runs)-1] = f
}

// addCrowd takes a process's figures, once for each name: the last counts.
func (t *table) addCrowd(c crowd) {
	for i := range t.crowds {
		if t.crowds[i].name == c.name {
			t.crowds[i] = c
			return
		}
	}
	t.crowds = append(t.crowds, c)
}

func (t *table) row(name string) *row {
	for _, r := range t.rows {
		if r.name == name {
			return r
		}
	}
	return nil
}

// median is the run in the middle by time, the slower one of two.
func (r *row) median() figure {
	runs := slices.SortedFunc(slices.Values(r.runs), func(a, b figure) int {
		return cmp.Compare(a.ns, b.ns)
	})
	return runs[len(runs)/2]
}

// print writes heading and what was measured, or nothing if nothing was.
func (t *table) print(w io.Writer, heading string) error {
	if len(t.rows)+len(t.crowds) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s\n", heading)
	if len(t.rows) > 0 {
		t.printRows(&text)
	}
	if len(t.crowds) > 0 {
		t.printCrowds(&text)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (t *table) printRows(w io.Writer) {
	fmt.Fprintln(w)
	printLine(w, "one operation", "ns", "x Go call", "allocs", "C calls", "article ns", "article x Go")
	base := t.row(rowGo)
	for _, r := range t.rows {
		m := r.median()
		c := []string{fmt.Sprintf("%.2f", m.ns), "", fmt.Sprintf("%.0f", m.allocs), fmt.Sprint(m.crossings)}
		if base != nil {
			c[1] = ratio(m.ns, base.median().ns)
		}
		switch r.name {
		case rowC:
			c = append(c, fmt.Sprintf("%.2f", articleCNs), ratio(articleCNs, articleGoNs))
		case rowGo:
			c = append(c, fmt.Sprintf("%.2f", articleGoNs), ratio(articleGoNs, articleGoNs))
		}
		printLine(w, r.name, c...)
	}
}

func (t *table) printCrowds(w io.Writer) {
	fmt.Fprintln(w)
	printLine(w, "goroutines asleep", "threads", "MiB virtual", "MiB resident")
	for _, c := range t.crowds {
		printLine(w, c.name, fmt.Sprint(c.threads), fmt.Sprint(c.virtualKiB>>10), fmt.Sprint(c.residentKiB>>10))
	}
}

// printLine writes a name to the left and cells to the right of their columns.
func printLine(w io.Writer, name string, cells ...string) {
	fmt.Fprintf(w, "%-30s", name)
	for _, c := range cells {
		fmt.Fprintf(w, " %12s", c)
	}
	fmt.Fprintln(w)
}

func ratio(ns, base float64) string { return fmt.Sprintf("%.1f", ns/base) }
