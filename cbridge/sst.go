package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_plan_sst
// #cgo nocallback rb_plan_sst
// #cgo noescape rb_sst_add
// #cgo nocallback rb_sst_add
// #cgo noescape rb_sst_row
// #cgo nocallback rb_sst_row
// #cgo noescape rb_sst_finish
// #cgo nocallback rb_sst_finish
// #cgo noescape rb_sst_free
// #cgo nocallback rb_sst_free
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// SST writes one table file outside of any database. One goroutine at a time.
type SST struct{ p *C.rb_sst }

// SST begins a table file at path as the family of the plan builds its own. The plan need not be opened.
func (p *Plan) SST(family, path string) (*SST, error) {
	f, n := C.CString(family), C.CString(path)
	defer C.free(unsafe.Pointer(f))
	defer C.free(unsafe.Pointer(n))
	r := C.rb_plan_sst(p.p, f, n)
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &SST{r.writer}, nil
}

// SSTRowOverhead is how many bytes AppendSSTRow adds to a key and a value.
const SSTRowOverhead = 12

// AppendSSTRow packs a record as Add takes it.
func AppendSSTRow(rows []byte, op Op, key, value []byte) []byte {
	rows = binary.NativeEndian.AppendUint32(rows, uint32(op))
	rows = binary.NativeEndian.AppendUint32(rows, uint32(len(key)))
	rows = binary.NativeEndian.AppendUint32(rows, uint32(len(value)))
	return append(append(rows, key...), value...)
}

// Add adds packed records, in one call, and tells the size of the file so far.
func (w *SST) Add(rows []byte) (size uint64, err error) {
	r := C.rb_sst_add(w.p, ptr(rows), C.size_t(len(rows)))
	return uint64(r.size), failure(r.status)
}

// Row adds one record without packing it.
func (w *SST) Row(op Op, key, value []byte) (size uint64, err error) {
	r := C.rb_sst_row(w.p, C.uint32_t(op), ptr(key), C.size_t(len(key)), ptr(value), C.size_t(len(value)))
	return uint64(r.size), failure(r.status)
}

// Finish ends the file, syncs it and tells its size. Only Free may follow.
func (w *SST) Finish() (size uint64, err error) {
	r := C.rb_sst_finish(w.p)
	return uint64(r.size), failure(r.status)
}

// Free ends the writer. An unfinished file stays where it is.
func (w *SST) Free() {
	C.rb_sst_free(w.p)
	w.p = nil
}
