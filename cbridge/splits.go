package cbridge

// #include "rb.h"
// #cgo noescape rb_split_keys
// #cgo nocallback rb_split_keys
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// SplitKeys finds up to parts-1 keys of rows, ascending, at which the rows of an iterator with these
// options fall into parts of about the same size: see rb_split_keys.
func (f *Family) SplitKeys(s *Snapshot, o IterOptions, parts int) ([][]byte, error) {
	r := C.rb_split_keys(f.p, s.c(), o.c(), ptr(o.Lower), C.size_t(len(o.Lower)),
		ptr(o.Upper), C.size_t(len(o.Upper)), C.uint32_t(parts))
	if err := failure(r.status); err != nil {
		return nil, err
	}
	defer C.rb_free(unsafe.Pointer(r.data))
	packed := lent(r.data, uint64(r.len))
	keys := make([][]byte, r.count)
	for i := range keys {
		n := binary.NativeEndian.Uint64(packed)
		keys[i] = append([]byte{}, packed[8:8+n]...)
		packed = packed[8+n:]
	}
	return keys, nil
}
