// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #include "cgobench.h"
// #cgo noescape rb_bench_copy_line_pair
// #cgo nocallback rb_bench_copy_line_pair
import "C"

// copyLoops move one cache line: the work is so small that the way there is all
// that shows.
func copyLoops() []loop {
	return []loop{
		{"C_unmarked", 1, ends, func(n int) (sum uint64) {
			src, dst := marked(len(line{})), zeroed(len(line{}))
			for range n {
				C.rb_bench_copy_line((*C.uint8_t)(&dst[0]), (*C.uint8_t)(&src[0]))
				sum += uint64(dst[0]) + uint64(dst[len(dst)-1])
				dst[0], dst[len(dst)-1] = 0, 0
			}
			return sum
		}},
		{"C_pair", 1, ends, func(n int) (sum uint64) {
			src, dst := marked(len(line{})), zeroed(len(line{}))
			for range n {
				C.rb_bench_copy_line_pair((*C.uint8_t)(&dst[0]), (*C.uint8_t)(&src[0]))
				sum += uint64(dst[0]) + uint64(dst[len(dst)-1])
				dst[0], dst[len(dst)-1] = 0, 0
			}
			return sum
		}},
		{"Go", 0, ends, func(n int) (sum uint64) {
			src, dst := marked(len(line{})), zeroed(len(line{}))
			for range n {
				goCopyLine(dst, src)
				sum += uint64(dst[0]) + uint64(dst[len(dst)-1])
				dst[0], dst[len(dst)-1] = 0, 0
			}
			return sum
		}},
	}
}

// line has the size of the copy.
type line [C.RB_BENCH_LINE]byte

//go:noinline
func goCopyLine(dst, src []byte) {
	*(*line)(dst) = *(*line)(src)
}
