package cbridge

// #include "rb.h"
// #cgo noescape rb_edge_get
// #cgo nocallback rb_edge_get
import "C"

// Edge looks up the first key of a range, or the last one, in the newest state or that of s, if it is not
// nil. found tells whether there is one; n is its length, and it lies in buf if it fits.
func (f *Family) Edge(s *Snapshot, o IterOptions, last bool, buf []byte) (n int, found bool, err error) {
	e := C.rb_edge_get(f.p, s.c(), o.c(), ptr(o.Lower), C.size_t(len(o.Lower)),
		ptr(o.Upper), C.size_t(len(o.Upper)), flag(last), ptr(buf), C.size_t(len(buf)))
	return int(e.klen), e.found != 0, failure(e.status)
}
