package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import "unsafe"

// Family is a column family of an open database. It lives as long as the database, or until Retire.
type Family struct {
	p *C.rb_family
	// ID is the number under which batches name the family.
	ID uint32
	// Blobs tells that it has files of blobs or, by the options that it was opened or created with, will
	// write some.
	Blobs bool

	calls bool // its comparator is written in Go
}

func (d *DB) family(r C.rb_family_result) (*Family, error) {
	if err := failure(r.status); err != nil {
		return nil, err
	}
	if r.calls != 0 {
		d.calls.Store(true)
	}
	return &Family{r.family, uint32(r.id), r.blobs != 0, r.calls != 0}, nil
}

// Family finds an open family by name; dberr.ErrNotFound if there is none. Not at the same time as
// CreateFamily.
func (d *DB) Family(name string) (*Family, error) {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	return d.family(C.rb_family_find(d.p, n))
}

// CreateFamily creates a family. One call at a time.
func (d *DB) CreateFamily(name string, o FamilyOptions, extra string) (*Family, error) {
	n, x := C.CString(name), C.CString(extra)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(x))
	c, free := o.c()
	defer free()
	return d.family(C.rb_family_create(d.p, n, c, x))
}

// CreateFamilies creates families with the same options; one only if they have operators of Go's. Those that were
// made before an error are returned with it, in the order of the names. One call at a time.
func (d *DB) CreateFamilies(names []string, o FamilyOptions, extra string) ([]*Family, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var block int
	for _, name := range names {
		block += len(name) + 1
	}
	const pointer = int(unsafe.Sizeof((*C.char)(nil)))
	list := C.malloc(C.size_t(len(names)*pointer + block)) // cgo's: it ends the process where there is no memory
	defer C.free(list)
	pointers := unsafe.Slice((**C.char)(list), len(names))
	text := unsafe.Slice((*byte)(unsafe.Add(list, len(names)*pointer)), block)
	for i, name := range names {
		pointers[i] = (*C.char)(unsafe.Pointer(&text[0]))
		text[copy(text, name)] = 0
		text = text[len(name)+1:]
	}
	x := C.CString(extra)
	defer C.free(unsafe.Pointer(x))
	c, free := o.c()
	defer free()
	told := make([]C.rb_family_result, len(names))
	var made C.size_t
	err := failure(C.rb_families_create(d.p, (**C.char)(list), C.size_t(len(names)), c, x, &told[0], &made))
	families := make([]*Family, made)
	for i := range families {
		families[i], _ = d.family(told[i]) // its status is RB_OK
	}
	return families, err
}

// Retire frees the family, which was dropped, unless iterators are open on it: false then. No other call may name it from
// then on, but with those iterators.
func (f *Family) Retire() bool {
	if C.rb_family_retire(f.p) == 0 {
		return false
	}
	f.p = nil
	return true
}

// Drop drops the family. No write that names it may be under way or follow.
// gone tells whether it is dropped, which it may be in spite of an error.
func (f *Family) Drop() (gone bool, err error) {
	var is C.uint8_t
	err = failure(C.rb_family_drop(f.p, &is))
	return is != 0, err
}
