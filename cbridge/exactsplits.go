package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_exact_split
// #cgo nocallback rb_iter_exact_split
import "C"

// Split is how far ExactSplit has got.
type Split struct {
	Bytes  uint64 // of keys and values passed
	Found  bool   // there is a row behind the bytes that were wanted
	KeyLen uint64 // of its key, which lies in the buffer if it fits
	Passed
}

// ExactSplit passes rows until they have at least want bytes, and gives the key of the row behind them. A
// key that does not fit buf is not copied: call again with want 0.
func (it *Iter) ExactSplit(m Move, s Stretch, want uint64, buf []byte) Split {
	c := C.rb_iter_exact_split(it.p, C.uint32_t(m), s.c(), C.uint64_t(want), ptr(buf), C.size_t(len(buf)))
	return Split{uint64(c.bytes), c.found != 0, uint64(c.klen), passed(c.passed)}
}
