package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_delete_files
// #cgo nocallback rb_delete_files
// #cgo noescape rb_destroy
// #cgo nocallback rb_destroy
import "C"

import "unsafe"

// DeleteFiles drops the table files, those of level 0 left out, whose keys all lie between start and last, both
// included; nil bounds are open. start is not behind last.
func (f *Family) DeleteFiles(start, last []byte) error {
	return failure(C.rb_delete_files(f.p, flag(start != nil), ptr(start), C.size_t(len(start)),
		flag(last != nil), ptr(last), C.size_t(len(last))))
}

// Destroy deletes the files of a database that is not open, its logs in walDir if that is not empty, in files or,
// nil, on disk.
func Destroy(files *Files, dir, walDir string) error {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	var wal *C.char
	if walDir != "" {
		wal = C.CString(walDir)
		defer C.free(unsafe.Pointer(wal))
	}
	return failure(C.rb_destroy(files.c(), path, wal))
}
