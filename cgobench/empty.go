// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #cgo CFLAGS: -std=c11
// #cgo nocallback rb_bench_empty_nocallback
// #include "cgobench.h"
import "C"

// emptyLoops is the article's own measurement: a function that does nothing, in
// C and in Go. The call into C stays a call in every build. Of the Go twins one
// is marked noinline and so stays a call too; the other vanishes unless
// -gcflags=-l keeps it.
func emptyLoops() []loop {
	return []loop{
		{name: "C", crossings: 1, run: func(n int) uint64 {
			for range n {
				C.rb_bench_empty()
			}
			return 0
		}},
		{name: "C_nocallback", crossings: 1, run: func(n int) uint64 {
			for range n {
				C.rb_bench_empty_nocallback()
			}
			return 0
		}},
		{name: "Go", run: func(n int) uint64 {
			for range n {
				goEmpty()
			}
			return 0
		}},
		{name: "Go_inlinable", run: func(n int) uint64 {
			for range n {
				goEmptyInlinable()
			}
			return 0
		}},
	}
}

//go:noinline
func goEmpty() {}

func goEmptyInlinable() {}

// compiler names the C compiler that built the package, as it names itself.
func compiler() string {
	return C.GoString(C.rb_bench_compiler())
}
