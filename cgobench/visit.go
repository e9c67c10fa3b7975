// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #include "cgobench.h"
//
// extern void rbBenchVisit(uint64_t i);
//
// #cgo nocallback rb_bench_visit_broken
import "C"

import "strconv"

// visited is what the visitors have seen: the sum of i + 1 over their calls.
// Loops run one at a time, and C calls back on the goroutine that called it.
var visited uint64

// rbBenchVisit is the Go function that C calls. It is exported to C only.
//
//export rbBenchVisit
func rbBenchVisit(i C.uint64_t) {
	visited += uint64(i) + 1
}

// visitLoops call from C back into Go: one callback in a crossing, where the
// crossing is in the figure, and a hundred, where it hardly is; beside them the
// same in Go through a function value.
func visitLoops() []loop {
	var all []loop
	for _, k := range []uint64{1, 100} {
		want := k * (k + 1) / 2
		all = append(
			all,
			loop{"C_to_Go/" + strconv.FormatUint(k, 10), 1, want, func(n int) uint64 {
				visited = 0
				for range n {
					C.rb_bench_visit(C.rb_bench_visitor(C.rbBenchVisit), C.uint64_t(k))
				}
				return visited
			}},
			loop{"Go_to_Go/" + strconv.FormatUint(k, 10), 0, want, func(n int) uint64 {
				visited = 0
				for range n {
					goVisit(func(i uint64) { visited += i + 1 }, k)
				}
				return visited
			}},
		)
	}
	return all
}

//go:noinline
func goVisit(f func(i uint64), n uint64) {
	for i := range n {
		f(i)
	}
}

// visitBroken calls back through a C function that was declared nocallback. It
// panics, and leaves its goroutine unfit for further callbacks.
func visitBroken() {
	C.rb_bench_visit_broken(C.rb_bench_visitor(C.rbBenchVisit), 1)
}
