package cbridge

// #include "rb.h"
// #cgo noescape rb_perf_begin
// #cgo nocallback rb_perf_begin
// #cgo noescape rb_perf_end
// #cgo nocallback rb_perf_end
import "C"

import "unsafe"

// PerfBegin has RocksDB time what it does in this thread's calls. The goroutine must be locked to its
// thread until PerfEnd.
func PerfBegin() { C.rb_perf_begin() }

// PerfEnd ends that. With report it gives the figures that are not 0: "name = number, ...".
func PerfEnd(report bool) string {
	text := C.rb_perf_end(flag(report))
	if text == nil {
		return ""
	}
	defer C.rb_free(unsafe.Pointer(text))
	return C.GoString(text)
}
