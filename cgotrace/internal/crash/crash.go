// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux

// Package crash goes wrong in C on purpose, for the tests of package cgotrace: a test file cannot
// import "C" itself.
package crash

// #cgo CFLAGS: -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter
// #cgo LDFLAGS: -ldl -lpthread
// #cgo noescape rb_crash_fault
// #cgo nocallback rb_crash_fault
// #cgo noescape rb_crash_smash
// #cgo nocallback rb_crash_smash
// #cgo noescape rb_crash_thread
// #cgo nocallback rb_crash_thread
// #cgo noescape rb_crash_churn
// #cgo nocallback rb_crash_churn
// #include "crash.h"
import "C"

import "time"

// Fault ends the process with a SIGSEGV in C, on the thread of the calling goroutine.
func Fault() { C.rb_crash_fault() }

// Smash does the same after having overwritten the stack of C.
func Smash() { C.rb_crash_smash() }

// Thread ends the process with a SIGSEGV in C, on a thread that Go did not start.
func Thread() { C.rb_crash_thread() }

// Churn keeps malloc and the dynamic loader busy for d of the thread's CPU time, in whole
// milliseconds up to 49 days, and returns how many libraries it loaded; 0 if that failed.
func Churn(d time.Duration) uint64 {
	return uint64(C.rb_crash_churn(C.uint32_t(d / time.Millisecond)))
}
