package cbridge

// #include "rb.h"
import "C"

import (
	"bytes"
	"runtime"
)

// The calls here may call Go on the calling thread, for a comparator that is written in Go: they are not marked
// noescape and nocallback. What is passed to them by pointer is copied before, so that callers of other families
// pay nothing for them: it would be allocated there.

// getCalling is Get for a family whose comparator is written in Go.
func (f *Family) getCalling(r *Read, key []byte) C.rb_value {
	key = bytes.Clone(key)
	return C.rb_get_calling(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), ptr(key), C.size_t(len(key)))
}

// hasCalling is Has for such a family.
func (f *Family) hasCalling(r *Read, key []byte) C.rb_status {
	key = bytes.Clone(key)
	return C.rb_has_calling(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), ptr(key), C.size_t(len(key)))
}

// getCalling is the call of Get if one of the families is such.
func (m *MultiGet) getCalling(how C.rb_read) C.rb_multi {
	found := make([]C.rb_answer, len(m.keys))
	families, keys := append([]*C.rb_family{}, m.families...), append([]C.rb_key{}, m.keys...)
	a := C.rb_multi_get_calling(&families[0], how, &keys[0], C.size_t(len(keys)), ptr(bytes.Clone(m.bytes)), &found[0])
	runtime.KeepAlive(m)
	copy(m.found, found)
	return a
}

// fillCalling is the call of Fill for an iterator over such a family. buf is in the heap.
func (it *Iter) fillCalling(m Move, key, buf []byte, maxRows uint32) C.rb_fill {
	key = bytes.Clone(key)
	return C.rb_iter_fill_calling(it.p, C.uint32_t(m), ptr(key), C.size_t(len(key)), ptr(buf), C.size_t(len(buf)), C.uint32_t(maxRows))
}

// countCalling is the call of Count for such an iterator.
func (it *Iter) countCalling(m Move, maxRows uint64) C.rb_count {
	return C.rb_iter_count_calling(it.p, C.uint32_t(m), C.uint64_t(maxRows))
}

// applyCalling is Apply for such a family.
func (f *Family) applyCalling(op Op, flags uint32, key, value []byte) error {
	key, value = bytes.Clone(key), bytes.Clone(value)
	return failure(C.rb_apply_calling(f.p, C.uint32_t(op), C.uint32_t(flags), ptr(key), C.size_t(len(key)), ptr(value), C.size_t(len(value))))
}

// writeCalling is Write for a database that has such a family.
func (d *DB) writeCalling(flags uint32, rep []byte) error {
	rep = bytes.Clone(rep)
	return failure(C.rb_write_calling(d.p, C.uint32_t(flags), ptr(rep), C.size_t(len(rep))))
}
