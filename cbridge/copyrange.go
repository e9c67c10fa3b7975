package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_copy
// #cgo nocallback rb_iter_copy
import "C"

// Copied is how much Copy has added to the batch.
type Copied struct {
	KeyBytes, ValueBytes int64
	Passed
}

// Copy adds puts into a family of the rows of one stretch to a batch, up to room bytes of keys and
// values, but one row in any case.
func (it *Iter) Copy(m Move, s Stretch, to *Family, b *CBatch, room uint64) Copied {
	c := C.rb_iter_copy(it.p, C.uint32_t(m), s.c(), to.p, b.p, C.uint64_t(room))
	return Copied{int64(c.key_bytes), int64(c.value_bytes), passed(c.passed)}
}
