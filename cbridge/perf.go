package cbridge

// #include "rb.h"
// #cgo noescape rb_perf_begin
// #cgo nocallback rb_perf_begin
// #cgo noescape rb_perf_end
// #cgo nocallback rb_perf_end
// #cgo noescape rb_perf_io
// #cgo nocallback rb_perf_io
import "C"

import "unsafe"

// PerfBegin has RocksDB count, and with times also time, what it does in this thread's calls. The
// goroutine must be locked to its thread until PerfEnd. False if the thread is counting already: PerfEnd
// is then for who began.
func PerfBegin(times bool) bool { return C.rb_perf_begin(flag(times)) != 0 }

// PerfEnd ends that. With report it gives the figures that are not 0: "name = number, ...".
func PerfEnd(report bool) string { return figures(C.rb_perf_end(flag(report))) }

// PerfIO gives what the calls of the file system moved since PerfBegin, in the same form, before PerfEnd. It needs
// FeatureIOContext.
func PerfIO() string { return figures(C.rb_perf_io()) }

func figures(text *C.char) string {
	if text == nil {
		return ""
	}
	defer C.rb_free(unsafe.Pointer(text))
	return C.GoString(text)
}
