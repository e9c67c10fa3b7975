package cbridge

// #include "rb.h"
// #cgo noescape rb_callback_reserve
// #cgo nocallback rb_callback_reserve
import "C"

import (
	"math"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"unsafe"
)

// rbCallGo is what C calls, on a thread of its own or within a call that is not marked. Whatever the operator does, it returns.
//
//export rbCallGo
func rbCallGo(call *C.rb_callback) {
	if call.kind == C.RB_CALLBACK_RELEASE {
		deleteHandle(call.handle)
		return
	}
	if call.kind == C.RB_CALLBACK_FILTER_END {
		deleteHandle(call.made)
		return
	}
	if c, ok := cgo.Handle(call.handle).Value().(*Compactor); ok {
		c.called(call)
		return
	}
	g := cgo.Handle(call.handle).Value().(*GoOperators)
	defer func() {
		if cause := recover(); cause != nil {
			call.answer = C.RB_ANSWER_FAILED
			g.Failed(g.name(call), cause, debug.Stack())
		}
	}()
	switch call.kind {
	case C.RB_CALLBACK_MERGE, C.RB_CALLBACK_PARTIAL:
		g.merge(call)
	case C.RB_CALLBACK_FILTER_BEGIN:
		if f := g.NewFilter(call.full != 0, call.manual != 0); f != nil {
			call.made = newHandle(f)
			call.answer = C.RB_ANSWER_OK
		}
	case C.RB_CALLBACK_FILTER:
		judge(call)
	case C.RB_CALLBACK_PREFIX:
		g.prefix(call)
	case C.RB_CALLBACK_COMPARE:
		g.compare(call)
	case C.RB_CALLBACK_ORDER_FAILED:
		if g.OrderFailed != nil {
			g.OrderFailed()
		}
	}
}

// name is that of the operator that is called.
func (g *GoOperators) name(call *C.rb_callback) string {
	switch call.kind {
	case C.RB_CALLBACK_MERGE, C.RB_CALLBACK_PARTIAL:
		return g.MergeName
	case C.RB_CALLBACK_PREFIX:
		return g.PrefixName
	case C.RB_CALLBACK_COMPARE, C.RB_CALLBACK_ORDER_FAILED:
		return g.OrderName
	}
	return g.FilterName
}

// prefix finds out how long a key's prefix is.
func (g *GoOperators) prefix(call *C.rb_callback) {
	key := foreign(call.key, call.key_len)
	n := g.Prefix(key)
	switch {
	case n < 0:
		call.answer = C.RB_ANSWER_NO_PREFIX
	case n > len(key):
		g.Failed(g.PrefixName, "the prefix is longer than the key", nil)
	default:
		call.out_len = C.size_t(uint64(n))
		call.answer = C.RB_ANSWER_OK
	}
}

// compare finds out how two keys that differ lie to each other.
func (g *GoOperators) compare(call *C.rb_callback) {
	switch c := g.Compare(foreign(call.key, call.key_len), foreign(call.value, call.value_len)); {
	case c == 0:
		g.Failed(g.OrderName, "two different keys are the same to it", nil)
	case c < 0:
		call.level = -1
		call.answer = C.RB_ANSWER_OK
	default:
		call.level = 1
		call.answer = C.RB_ANSWER_OK
	}
}

// foreign is C memory as a slice: nil if there is none.
func foreign(p *C.uint8_t, n C.size_t) []byte {
	return unsafe.Slice((*byte)(p), uint64(n))
}

var operandViews = sync.Pool{New: func() any { return new([][]byte) }}

func (g *GoOperators) merge(call *C.rb_callback) {
	views := operandViews.Get().(*[][]byte)
	defer func() {
		clear(*views)
		*views = (*views)[:0]
		operandViews.Put(views)
	}()
	if call.count > math.MaxInt32 {
		return
	}
	data, lens := unsafe.Slice(call.operands, int(call.count)), unsafe.Slice(call.lens, int(call.count))
	for i, p := range data {
		*views = append(*views, foreign((*C.uint8_t)(unsafe.Pointer(p)), lens[i]))
	}
	dst := foreign(call.out, call.out_cap)[:0]
	key := foreign(call.key, call.key_len)
	if call.kind == C.RB_CALLBACK_PARTIAL {
		if g.Partial == nil {
			return
		}
		if merged, ok := g.Partial(dst, key, *views); ok && len(merged) <= MaxValueSize && answer(call, merged) {
			call.answer = C.RB_ANSWER_OK
		}
		return
	}
	merged, err := g.Merge(dst, key, foreign(call.value, call.value_len), *views)
	switch {
	case err != nil:
		g.Failed(g.MergeName, err, nil)
	case len(merged) > MaxValueSize:
		g.Failed(g.MergeName, "the value would exceed MaxValueSize", nil)
	case !answer(call, merged):
		g.Failed(g.MergeName, "no memory for the value", nil)
	default:
		call.answer = C.RB_ANSWER_OK
	}
}

// judge has a compaction's filter look at a row.
func judge(call *C.rb_callback) {
	f := cgo.Handle(call.made).Value().(FilterFunc)
	switch verdict, value := f(int(call.level), foreign(call.key, call.key_len), foreign(call.value, call.value_len)); {
	case verdict == Remove:
		call.answer = C.RB_ANSWER_REMOVE
	case verdict == Replace && len(value) <= MaxValueSize && answer(call, value):
		call.answer = C.RB_ANSWER_REPLACE
	default:
		call.answer = C.RB_ANSWER_OK
	}
}

// answer puts a result into C memory: into the room that it was perhaps made in, or larger one. False
// when memory is short.
func answer(call *C.rb_callback, result []byte) bool {
	call.out_len = 0
	if len(result) == 0 {
		return true
	}
	if unsafe.SliceData(result) != (*byte)(call.out) {
		if C.rb_callback_reserve(call, C.size_t(len(result))) == 0 {
			return false
		}
		copy(foreign(call.out, call.out_cap), result)
	}
	call.out_len = C.size_t(len(result))
	return true
}
