// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// // -std=c11 hides nanosleep otherwise.
// #cgo CFLAGS: -D_POSIX_C_SOURCE=200809L
// #include "cgobench.h"
import "C"

import "time"

// sleepInC puts the calling goroutine, and the thread under it, to sleep in C
// for d, counted in whole milliseconds up to 49 days.
func sleepInC(d time.Duration) {
	C.rb_bench_sleep(C.uint32_t(d / time.Millisecond))
}

// sleepingInC is how many threads are inside sleepInC now.
func sleepingInC() int {
	return int(C.rb_bench_sleeping())
}
