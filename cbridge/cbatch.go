package cbridge

// #include "rb.h"
// #cgo noescape rb_cbatch_put
// #cgo nocallback rb_cbatch_put
// #cgo noescape rb_cbatch_data
// #cgo nocallback rb_cbatch_data
// #cgo noescape rb_cbatch_write
// #cgo nocallback rb_cbatch_write
import "C"

// CBatch is a WriteBatch built by RocksDB: out of rows that never come to Go, or one cgo call a record,
// which is what building batches in Go is measured against.
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

// Data lends the batch's bytes, in RocksDB's format, until it is changed or freed.
func (b *CBatch) Data() []byte {
	var n C.size_t
	p := C.rb_cbatch_data(b.p, &n)
	return lent((*C.uint8_t)(p), uint64(n))
}

// WriteCBatch commits a batch to the database that its families are of.
func (d *DB) WriteCBatch(flags uint32, b *CBatch) error {
	return failure(C.rb_cbatch_write(d.p, C.uint32_t(flags), b.p))
}
