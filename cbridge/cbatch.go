package cbridge

// #include "rb.h"
// #cgo noescape rb_cbatch_put
// #cgo nocallback rb_cbatch_put
import "C"

// CBatch is a WriteBatch built by RocksDB, one cgo call a record: what building batches in Go is
// measured against.
type CBatch struct{ p *C.rb_cbatch }

// NewCBatch makes an empty batch.
func NewCBatch() *CBatch { return &CBatch{C.rb_cbatch_new()} }

// Put adds a record to the default family.
func (b *CBatch) Put(key, value []byte) {
	C.rb_cbatch_put(b.p, ptr(key), C.size_t(len(key)), ptr(value), C.size_t(len(value)))
}

// Clear empties the batch.
func (b *CBatch) Clear() { C.rb_cbatch_clear(b.p) }

// Free ends the batch.
func (b *CBatch) Free() {
	C.rb_cbatch_free(b.p)
	b.p = nil
}
