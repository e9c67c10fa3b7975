// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"runtime"
	"strings"
	"testing"
)

// allLoops is every loop that is benchmarked, under its group's name.
func allLoops() map[string][]loop {
	return map[string][]loop{
		"Empty":     emptyLoops(),
		"Pointer":   pointerLoops(),
		"Result":    resultLoops(),
		"TextToC":   toCLoops(),
		"TextFromC": fromCLoops(),
		"Copy64":    copyLoops(),
		"Callback":  visitLoops(),
	}
}

func forEachLoop(t *testing.T, check func(t *testing.T, l loop)) {
	t.Helper()
	for group, loops := range allLoops() {
		for _, l := range loops {
			t.Run(group+"/"+l.name, func(t *testing.T) { check(t, l) })
		}
	}
}

// A benchmark whose call was optimised away, or that makes a call more than it
// says, would print a wrong price.
func TestLoopCrossesIntoCAsOftenAsItSays(t *testing.T) {
	calls := func(l loop, n int) int64 {
		before := runtime.NumCgoCall()
		l.run(n)
		return runtime.NumCgoCall() - before
	}
	forEachLoop(t, func(t *testing.T, l loop) {
		const few, many = 100, 300
		got := calls(l, many) - calls(l, few) // without what setting up costs
		if want := int64(l.crossings) * (many - few); got != want {
			t.Errorf("%d operations made %d calls into C, want %d", many-few, got, want)
		}
	})
}

func TestLoopMovesTheBytesThatItSays(t *testing.T) {
	forEachLoop(t, func(t *testing.T, l loop) {
		for _, n := range []int{0, 1, 10} {
			if got, want := l.run(n), l.want*uint64(n); got != want {
				t.Errorf("%d operations returned %d, want %d", n, got, want)
			}
		}
	})
}

// Two loops of one name would be one row of the table.
func TestLoopNamesAreUnique(t *testing.T) {
	for group, loops := range allLoops() {
		seen := map[string]bool{}
		for _, l := range loops {
			if l.name == "" || seen[l.name] {
				t.Errorf("%s: name %q is empty or used twice", group, l.name)
			}
			seen[l.name] = true
		}
	}
}

// allocsPerOp is how many Go objects one operation of l allocates.
func allocsPerOp(l loop) int {
	const n = 1000 // enough to lose what setting up allocates in the division
	return int(testing.AllocsPerRun(1, func() { l.run(n) })) / n
}

// needPlainAllocations skips under the address sanitizer, whose instrumentation
// moves the targets of unsafe.Pointer conversions to the heap.
func needPlainAllocations(t *testing.T) {
	t.Helper()
	for _, s := range buildSettings() {
		if s.Key == "-asan" && s.Value == "true" {
			t.Skip("-asan: allocations are not those of a plain build")
		}
	}
}

// What the directives are for: C is handed a pointer to a variable that may
// stay on the stack. The cases with one directive alone are only logged, since
// a later Go may learn to use them.
func TestPairOfDirectivesKeepsVariableOnStack(t *testing.T) {
	needPlainAllocations(t)
	for _, l := range append(pointerLoops(), resultLoops()...) {
		t.Run(l.name, func(t *testing.T) {
			got := allocsPerOp(l)
			if setUp := testing.AllocsPerRun(1, func() { l.run(0) }); strings.Contains(l.name, "heap") && setUp != 1 {
				t.Errorf("setting up allocated %v objects, want the slice: it is not on the heap", setUp)
			}
			switch {
			case strings.HasSuffix(l.name, "pair"), strings.Contains(l.name, "heap"), strings.Contains(l.name, "value"):
				if got != 0 {
					t.Errorf("%d allocations per call, want none", got)
				}
			case strings.HasSuffix(l.name, "unmarked"):
				if got != 1 {
					t.Errorf("%d allocations per call, want 1: the comparison shows nothing", got)
				}
			default:
				t.Logf("%d allocations per call", got)
			}
		})
	}
}

// The copies that the text benchmarks are about must be made.
func TestTextCopiesAreMade(t *testing.T) {
	needPlainAllocations(t)
	want := map[string]int{
		"CString": 0, "GoSlice": 0, "GoCopy": 0, // C memory is not counted
		"GoString": 1, "GoBytes": 1, "Fill": 0, "FillThenCopy": 1, "GoToGo": 1,
	}
	for _, l := range append(toCLoops(), fromCLoops()...) {
		kind, _, _ := strings.Cut(l.name, "/")
		t.Run(l.name, func(t *testing.T) {
			w, ok := want[kind]
			if got := allocsPerOp(l); !ok || got != w {
				t.Errorf("%d allocations per operation, want %d (listed: %v)", got, w, ok)
			}
		})
	}
}
