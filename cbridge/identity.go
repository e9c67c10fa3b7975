package cbridge

// #include "rb.h"
// #cgo noescape rb_identity_get
// #cgo nocallback rb_identity_get
import "C"

import "unsafe"

// Identity is the name that RocksDB drew for the database. Code Unsupported before RocksDB 9.4, Incomplete if it does not
// know.
func (d *DB) Identity() (string, error) {
	r := C.rb_identity_get(d.p)
	if err := failure(r.status); err != nil {
		return "", err
	}
	defer C.rb_free(unsafe.Pointer(r.text))
	return string(lent((*C.uint8_t)(unsafe.Pointer(r.text)), uint64(r.len))), nil
}
