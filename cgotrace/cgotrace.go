// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux && (amd64 || arm64) && !rb_nobacktrace

package cgotrace

// #cgo CFLAGS: -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter
// #cgo LDFLAGS: -lbacktrace
// #cgo noescape rb_trace_start
// #cgo nocallback rb_trace_start
// #include "cgotrace.h"
import "C"

import (
	"runtime"
	"unsafe"
)

var supported = C.rb_trace_start() != 0

func init() {
	if supported {
		// No context function: C that calls back into Go is not followed.
		runtime.SetCgoTraceback(0, unsafe.Pointer(C.rb_trace_walk), nil, unsafe.Pointer(C.rb_trace_name))
	}
}
