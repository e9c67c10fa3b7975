package cbridge

// #include "rb.h"
// #cgo noescape rb_stop_new
// #cgo nocallback rb_stop_new
// #cgo noescape rb_stop_set
// #cgo nocallback rb_stop_set
// #cgo noescape rb_stop_free
// #cgo nocallback rb_stop_free
// #cgo noescape rb_compact_files
// #cgo nocallback rb_compact_files
import "C"

import (
	"strings"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Stop is a sign for CompactFiles to end soon, before RocksDB 11.6 at its own end.
type Stop struct{ p *C.rb_stop }

// NewStop makes one. Free it after the call that it was given to.
func NewStop() (*Stop, error) {
	p := C.rb_stop_new()
	if p == nil {
		return nil, dberr.New("", dberr.NoMemory, "")
	}
	return &Stop{p}, nil
}

// Set gives the sign.
func (s *Stop) Set() { C.rb_stop_set(s.p) }

// Free ends it.
func (s *Stop) Free() { C.rb_stop_free(s.p) }

// CompactFiles compacts files of the family, by their base names, into a level, as files of most bytes; 0: one file. No
// name may hold a zero byte. The caller holds the family against a drop. Code Unsupported before RocksDB 11.6 without
// the tag rb_cxx.
func (f *Family) CompactFiles(names []string, level int32, most uint64, s *Stop) error {
	packed := []byte(strings.Join(names, "\x00") + "\x00")
	return failure(C.rb_compact_files(f.p, (*C.char)(unsafe.Pointer(unsafe.SliceData(packed))), C.size_t(len(names)),
		C.int32_t(level), C.uint64_t(most), s.p))
}
