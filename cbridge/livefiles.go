package cbridge

// #include "rb.h"
// #cgo noescape rb_live_files_get
// #cgo nocallback rb_live_files_get
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// LiveFile is a table file of an open database, as RocksDB tells of it.
type LiveFile struct {
	Family, Name       string // Name has a slash before it
	Size               uint64 // bytes
	Level              int
	Entries, Deletions uint64
	Smallest, Largest  []byte // keys
}

// LiveFiles lists the table files of all families at one moment. Code NoMemory is the only error.
func (d *DB) LiveFiles() ([]LiveFile, error) {
	r := C.rb_live_files_get(d.p)
	if err := failure(r.status); err != nil {
		return nil, err
	}
	defer C.rb_free(unsafe.Pointer(r.data))
	packed := lent(r.data, uint64(r.len))
	files := make([]LiveFile, r.count)
	for i := range files {
		packed = files[i].unpack(packed)
	}
	return files, nil
}

// unpack reads a record, copying its texts, and gives what follows it.
func (f *LiveFile) unpack(packed []byte) []byte {
	var n [C.RB_LIVE_NUMBERS]uint64
	for i := range n {
		n[i] = binary.NativeEndian.Uint64(packed[8*i:])
	}
	packed = packed[8*len(n):]
	f.Size, f.Level, f.Entries, f.Deletions = n[0], int(n[1]), n[2], n[3]
	text := func(length uint64) (part []byte) {
		part, packed = packed[:length], packed[length:]
		return part
	}
	f.Family, f.Name = string(text(n[4])), string(text(n[5]))
	f.Smallest = append([]byte{}, text(n[6])...)
	f.Largest = append([]byte{}, text(n[7])...)
	return packed
}
