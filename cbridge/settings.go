package cbridge

// #include "rb.h"
// #cgo noescape rb_family_set_options
// #cgo nocallback rb_family_set_options
// #cgo noescape rb_db_set_options
// #cgo nocallback rb_db_set_options
import "C"

import (
	"runtime"
	"unsafe"
)

// Setting is an option by RocksDB's name, and its value. Neither contains a zero byte.
type Setting struct{ Name, Value string }

// text gives the settings to C: names and values in turn, each ended by a zero byte.
func text(settings []Setting) (*C.char, []byte) {
	var b []byte
	for _, s := range settings {
		b = append(append(b, s.Name...), 0)
		b = append(append(b, s.Value...), 0)
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), b
}

// SetOptions changes options of the family, all or none. The family must not be dropped meanwhile.
func (f *Family) SetOptions(settings []Setting) error {
	p, b := text(settings)
	err := failure(C.rb_family_set_options(f.p, p, C.size_t(len(settings))))
	runtime.KeepAlive(b)
	return err
}

// SetOptions changes options of the database as a whole. Code Unsupported before RocksDB 11.5.
func (d *DB) SetOptions(settings []Setting) error {
	p, b := text(settings)
	err := failure(C.rb_db_set_options(d.p, p, C.size_t(len(settings))))
	runtime.KeepAlive(b)
	return err
}
