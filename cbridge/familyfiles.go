package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// FamilyFile is a table file of an exported family.
type FamilyFile struct {
	Name                string // with a slash before it
	Size                uint64 // bytes
	Level               int
	FirstSeq, LastSeq   uint64 // sequence numbers of its rows, at least and at most
	Smallest, Largest   []byte // keys
	LowBound, HighBound []byte // these as RocksDB has them inside; empty: it does not tell
}

// FamilyFiles are the files of an exported family.
type FamilyFiles struct {
	Comparator string
	Files      []FamilyFile
}

// Export flushes the family and links, or copies, its table files into dir, which must not exist. Code Unsupported
// before RocksDB 10.7 without the tag rb_cxx.
func (f *Family) Export(dir string) (FamilyFiles, error) {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	r := C.rb_family_export(f.p, path)
	if err := failure(r.status); err != nil {
		return FamilyFiles{}, err
	}
	defer C.rb_free(unsafe.Pointer(r.data))
	defer C.rb_free(unsafe.Pointer(r.comparator))
	all := FamilyFiles{Comparator: C.GoString(r.comparator), Files: make([]FamilyFile, r.count)}
	packed := lent(r.data, uint64(r.len))
	for i := range all.Files {
		packed = all.Files[i].unpack(packed)
	}
	return all, nil
}

// unpack reads a record, copying its texts, and gives what follows it.
func (f *FamilyFile) unpack(packed []byte) []byte {
	var n [C.RB_FAMILY_FILE_NUMBERS]uint64
	for i := range n {
		n[i] = binary.NativeEndian.Uint64(packed[8*i:])
	}
	packed = packed[8*len(n):]
	f.Size, f.Level, f.FirstSeq, f.LastSeq = n[0], int(n[1]), n[2], n[3]
	text := func(length uint64) (part []byte) {
		part, packed = packed[:length], packed[length+1:]
		return append([]byte{}, part...)
	}
	f.Name = string(text(n[4]))
	f.Smallest, f.Largest, f.LowBound, f.HighBound = text(n[5]), text(n[6]), text(n[7]), text(n[8])
	return packed
}

// pack appends a record.
func (f *FamilyFile) pack(to []byte) []byte {
	texts := [][]byte{[]byte(f.Name), f.Smallest, f.Largest, f.LowBound, f.HighBound}
	for _, n := range []uint64{f.Size, uint64(f.Level), f.FirstSeq, f.LastSeq} {
		to = binary.NativeEndian.AppendUint64(to, n)
	}
	for _, t := range texts {
		to = binary.NativeEndian.AppendUint64(to, uint64(len(t)))
	}
	for _, t := range texts {
		to = append(append(to, t...), 0)
	}
	return to
}

// ImportFamily is CreateFamily with the rows of files in dir, one at least; with move they are linked, and their old
// names removed. The caller has verified that the files are those of an Export, none with range deletions unless
// ImportKeepsBounds and it has bounds. The database has no transactions. One call at a time, those of CreateFamily
// among them.
func (d *DB) ImportFamily(name string, o FamilyOptions, extra, dir string, all FamilyFiles, move bool) (*Family, error) {
	var packed []byte
	for i := range all.Files {
		packed = all.Files[i].pack(packed)
	}
	n, x, path, order := C.CString(name), C.CString(extra), C.CString(dir), C.CString(all.Comparator)
	data := C.CBytes(packed)
	for _, p := range []unsafe.Pointer{unsafe.Pointer(n), unsafe.Pointer(x), unsafe.Pointer(path), unsafe.Pointer(order), data} {
		defer C.free(p)
	}
	c, free := o.c()
	defer free()
	return d.family(C.rb_family_import(d.p, n, c, x, C.rb_family_source{
		dir: path, comparator: order, move: flag(move),
		files: C.rb_family_files{data: (*C.uint8_t)(data), len: C.uint64_t(len(packed)), count: C.uint64_t(len(all.Files))},
	}))
}

// ImportKeepsBounds tells whether ImportFamily gives RocksDB the bounds of files. Without them it takes the ends of a
// file from its rows, and range deletions that reach beyond them end there.
func ImportKeepsBounds() bool { return C.rb_family_import_bounds() != 0 }
