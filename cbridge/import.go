package cbridge

// #include "rb.h"
// #cgo noescape rb_import_new
// #cgo nocallback rb_import_new
// #cgo noescape rb_import_feed
// #cgo nocallback rb_import_feed
// #cgo noescape rb_import_free
// #cgo nocallback rb_import_free
import "C"

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Import is an import under way. One goroutine at a time.
type Import struct{ p *C.rb_import }

// NewImport begins an import at a position. Rows above maxRow bytes are refused.
func NewImport(from Position, maxRow uint64) (*Import, error) {
	p := C.rb_import_new(from.c(), ptr(from.First), ptr(from.Last), C.uint64_t(maxRow))
	if p == nil {
		return nil, &dberr.Error{Code: dberr.NoMemory}
	}
	return &Import{p}, nil
}

// What is wrong with a stream.
const (
	StreamFine     = C.RB_STREAM_FINE
	StreamWrong    = C.RB_STREAM_WRONG
	StreamTooLarge = C.RB_STREAM_TOO_LARGE
)

// Imported is what a call of Feed did.
type Imported struct {
	Taken    int    // bytes of the input that are done with
	More     bool   // call again, even without input
	Wrong    uint32 // Stream...
	Head     []byte // what was written into the head; nil until that was verified
	Position Position
	Err      error
}

// Feed takes compressed bytes, and verifies and writes the frames that end in them: f nil only
// verifies. It stops after most bytes of rows. withHead asks for Head.
func (d *Import) Feed(f *Family, flags uint32, in []byte, most uint64, withHead bool) Imported {
	var to *C.rb_family
	if f != nil {
		to = f.p
	}
	r := C.rb_import_feed(d.p, to, C.uint32_t(flags), ptr(in), C.size_t(len(in)), C.uint64_t(most))
	x := Imported{
		Taken: int(r.taken), More: r.more != 0, Wrong: uint32(r.wrong), Position: position(r.position),
		Err: failure(r.status),
	}
	if withHead && r.head != nil {
		x.Head = bytes.Clone(lent(r.head, uint64(r.head_len)))
	}
	return x
}

// Free ends the import.
func (d *Import) Free() {
	C.rb_import_free(d.p)
	d.p = nil
}
