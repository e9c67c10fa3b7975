// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #include "cgobench.h"
// #cgo noescape rb_bench_result_out_pair
// #cgo nocallback rb_bench_result_out_pair
import "C"

// resultRows is what the result functions are asked for, and resultWant the sum
// of the five fields that come back for it.
const (
	resultRows = 7
	resultWant = 6*resultRows + 1
)

// resultLoops bring a struct of five fields back from C in the two ways there
// are, beside a Go function that returns the same.
func resultLoops() []loop {
	return []loop{
		{"C_value", 1, resultWant, func(n int) (sum uint64) {
			for range n {
				sum += sumResult(C.rb_bench_result_value(resultRows))
			}
			return sum
		}},
		{"C_out_unmarked", 1, resultWant, func(n int) (sum uint64) {
			for range n {
				var r C.rb_bench_result
				C.rb_bench_result_out(resultRows, &r)
				sum += sumResult(r)
			}
			return sum
		}},
		{"C_out_pair", 1, resultWant, func(n int) (sum uint64) {
			for range n {
				var r C.rb_bench_result
				C.rb_bench_result_out_pair(resultRows, &r)
				sum += sumResult(r)
			}
			return sum
		}},
		{"Go_value", 0, resultWant, func(n int) (sum uint64) {
			for range n {
				sum += sumResult(goResult(resultRows))
			}
			return sum
		}},
	}
}

// sumResult reads every field, so that none is left out of the copy.
func sumResult(r C.rb_bench_result) uint64 {
	return uint64(r.rows) + uint64(r.used) + uint64(r.need) + uint64(r.state) + uint64(r.status)
}

//go:noinline
func goResult(rows uint64) C.rb_bench_result {
	n := C.uint64_t(rows)
	return C.rb_bench_result{rows: n, used: 2 * n, need: 3 * n, state: 1}
}
