package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_tracing_start
// #cgo nocallback rb_tracing_start
// #cgo noescape rb_tracing_end
// #cgo nocallback rb_tracing_end
import "C"

import "unsafe"

// TraceKind is what is recorded.
type TraceKind uint32

// The kinds.
const (
	TraceCalls TraceKind = C.RB_TRACE_CALLS
	TraceIO    TraceKind = C.RB_TRACE_IO
	TraceCache TraceKind = C.RB_TRACE_CACHE
	TraceKinds           = C.RB_TRACE_KINDS
)

// What a trace of calls leaves out.
const (
	TraceNoGet         = C.RB_TRACE_NO_GET
	TraceNoWrite       = C.RB_TRACE_NO_WRITE
	TraceNoSeek        = C.RB_TRACE_NO_SEEK
	TraceNoSeekForPrev = C.RB_TRACE_NO_SEEK_FOR_PREV
	TraceNoMultiGet    = C.RB_TRACE_NO_MULTI_GET
)

// TraceOptions say how a trace is made: up to MaxBytes, one record of Every, Without some kinds of calls. Ordered writes
// come in the order of the log.
type TraceOptions struct {
	MaxBytes, Every, Without uint64
	Ordered                  bool
}

// StartTrace has RocksDB record into the file at path, which must be there. One StartTrace or EndTrace at a time. Code
// Unsupported before RocksDB 11.6 without C++, Busy if there is a trace of the kind.
func (d *DB) StartTrace(kind TraceKind, path string, o TraceOptions) error {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	how := C.rb_trace_options{max_bytes: C.uint64_t(o.MaxBytes), every: C.uint64_t(o.Every), without: C.uint64_t(o.Without)}
	if o.Ordered {
		how.ordered = 1
	}
	return failure(C.rb_tracing_start(d.p, C.uint32_t(kind), p, how))
}

// EndTrace ends it. What went wrong since it began is its error; RocksDB's C API does not tell all of that. Code
// InvalidArgument if there is no trace of the kind.
func (d *DB) EndTrace(kind TraceKind) error { return failure(C.rb_tracing_end(d.p, C.uint32_t(kind))) }
