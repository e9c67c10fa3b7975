package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_delete
// #cgo nocallback rb_iter_delete
import "C"

// Deleted is how far Delete has got.
type Deleted struct {
	NextLen uint64 // of the next row's key, unless it ended; it lies in the buffer if it fits
	Passed
}

// Delete adds deletions in a family of the rows of one stretch to a batch, from MoveFirst, MoveOn or
// MoveGE and key on. It gives the next row's key; one that does not fit buf is not copied: call again with
// MoveOn and no rows.
func (it *Iter) Delete(m Move, key []byte, s Stretch, to *Family, b *CBatch, buf []byte) Deleted {
	d := C.rb_iter_delete(it.p, C.uint32_t(m), ptr(key), C.size_t(len(key)), s.c(), to.p, b.p, ptr(buf),
		C.size_t(len(buf)))
	return Deleted{uint64(d.klen), passed(d.passed)}
}
