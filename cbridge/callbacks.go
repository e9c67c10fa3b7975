package cbridge

// #include <stdlib.h>
// #include "rb.h"
// void rbCallGo(rb_callback *call);
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// Verdict is what a compaction filter makes of a row.
type Verdict uint8

// The verdicts.
const (
	Keep Verdict = iota
	Remove
	Replace
)

// FilterFunc judges a row in one compaction. The slices are C memory, valid during the call.
type FilterFunc = func(level int, key, value []byte) (Verdict, []byte)

// GoOperators are a family's operators that are written in Go. All slices that the functions get are C
// memory, valid during the call; of dst only the capacity counts. They are called from RocksDB's threads
// and others, several at once, until the last database or plan with them is freed.
type GoOperators struct {
	MergeName string // empty: no merge operator
	// Merge appends to dst what operands make of base, which is nil where there is no value.
	Merge func(dst, key, base []byte, operands [][]byte) ([]byte, error)
	// Partial appends to dst one operand that does what operands do, unless it answers false; may be nil.
	Partial func(dst, key []byte, operands [][]byte) ([]byte, bool)

	FilterName string // empty: no compaction filter
	// NewFilter makes the filter of one compaction; nil: none.
	NewFilter func(full, manual bool) FilterFunc

	PrefixName string // empty: no prefix extractor
	// Prefix answers the length of a key's prefix; negative: it has none.
	Prefix func(key []byte) int

	OrderName string // empty: no comparator
	// Compare is negative where a comes before b, positive where it comes after.
	Compare func(a, b []byte) int
	// OrderFailed is called after Failed, where that was not in a read, before RocksDB has an answer; may be nil.
	OrderFailed func()

	// Failed is told of each call that panicked or failed. It must not panic.
	Failed func(operator string, cause any, stack []byte)
}

// liveHandles counts the handles that C has of Go values.
var liveHandles atomic.Int64

// LiveHandles counts the handles that C has of Go values: operators, and filters of compactions.
func LiveHandles() int64 { return liveHandles.Load() }

func newHandle(v any) C.uintptr_t {
	liveHandles.Add(1)
	return C.uintptr_t(cgo.NewHandle(v))
}

func deleteHandle(h C.uintptr_t) {
	cgo.Handle(h).Delete()
	liveHandles.Add(-1)
}

// callee makes what C calls for an operator.
func (g *GoOperators) callee(name string) *C.rb_callee {
	if name == "" {
		return nil
	}
	return newCallee(g, name)
}

// newCallee makes what C calls for v, which rbCallGo knows the type of.
func newCallee(v any, name string) *C.rb_callee {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	h := newHandle(v)
	c := C.rb_callee_new((*C.rb_called)(C.rbCallGo), h, n)
	if c == nil {
		deleteHandle(h)
		panic("rockbridge: out of memory") // as when C.CString finds none
	}
	return c
}

// c adds the operators to those in C's terms; free ends the hold that Go has of them.
func (g *GoOperators) c(co *C.rb_operators) (free func()) {
	if g == nil {
		return func() {}
	}
	merge, filter := g.callee(g.MergeName), g.callee(g.FilterName)
	prefix, order := g.callee(g.PrefixName), g.callee(g.OrderName)
	co.called_merge, co.called_filter, co.called_prefix, co.called_order = merge, filter, prefix, order
	return func() {
		C.rb_callee_free(merge)
		C.rb_callee_free(filter)
		C.rb_callee_free(prefix)
		C.rb_callee_free(order)
	}
}
