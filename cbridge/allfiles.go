package cbridge

// #include "rb.h"
// #cgo noescape rb_all_files_get
// #cgo nocallback rb_all_files_get
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// The kinds of files, as RocksDB numbers them.
const (
	FileLog      = C.RB_FILE_LOG
	FileTable    = C.RB_FILE_TABLE
	FileManifest = C.RB_FILE_MANIFEST
	FileCurrent  = C.RB_FILE_CURRENT
	FileOptions  = C.RB_FILE_OPTIONS
	FileBlobs    = C.RB_FILE_BLOBS
)

// StoredFile is a file that a database consists of.
type StoredFile struct {
	Kind         uint64
	Name, Folder string
	Number, Size uint64
}

// AllFiles lists all files that the newest state consists of. Code Unsupported before RocksDB 11.6 without C++.
func (d *DB) AllFiles() ([]StoredFile, error) {
	r := C.rb_all_files_get(d.p)
	if err := failure(r.status); err != nil {
		return nil, err
	}
	defer C.rb_free(unsafe.Pointer(r.data))
	packed := lent(r.data, uint64(r.len))
	files := make([]StoredFile, r.count)
	for i := range files {
		var n [C.RB_FILE_NUMBERS]uint64
		for j := range n {
			n[j] = binary.NativeEndian.Uint64(packed[8*j:])
		}
		packed = packed[8*len(n):]
		name, folder := packed[:n[3]], packed[n[3]:n[3]+n[4]]
		files[i] = StoredFile{Kind: n[1], Name: string(name), Folder: string(folder), Number: n[2], Size: n[0]}
		packed = packed[n[3]+n[4]:]
	}
	return files, nil
}
