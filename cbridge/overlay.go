package cbridge

// #include "rb.h"
// #cgo noescape rb_overlay_new
// #cgo nocallback rb_overlay_new
// #cgo noescape rb_overlay_free
// #cgo nocallback rb_overlay_free
// #cgo noescape rb_overlay_get
// #cgo nocallback rb_overlay_get
// #cgo noescape rb_overlay_has
// #cgo nocallback rb_overlay_has
// #cgo noescape rb_iter_new_over
// #cgo nocallback rb_iter_new_over
// #cgo noescape rb_iter_refresh_over
// #cgo nocallback rb_iter_refresh_over
import "C"

import (
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Overlay is an index of a batch's records, by which reads see the batch as if it had been written.
// One goroutine at a time; iterators made over it may be used meanwhile.
type Overlay struct{ p *C.rb_overlay }

// Replay is what a read over an overlay brings along: the batch's records from offset Keep on, where
// those that were replayed before are forgotten. When a call answers that it did not take them, the
// next one must bring them again.
type Replay struct {
	Keep    int
	Records []byte
}

func (r Replay) keep() C.uint64_t { return C.uint64_t(r.Keep) }
func (r Replay) size() C.size_t   { return C.size_t(len(r.Records)) }

// NewOverlay makes an overlay without records.
func NewOverlay() (*Overlay, error) {
	p := C.rb_overlay_new()
	if p == nil {
		return nil, dberr.New("", dberr.NoMemory, "")
	}
	return &Overlay{p}, nil
}

// Lent is a value in C's memory, or nothing.
type Lent struct {
	Data  []byte // valid until Free, and until the next call on the overlay
	pin   unsafe.Pointer
	owned unsafe.Pointer
}

// Free gives the memory back.
func (l *Lent) Free() {
	if l.pin != nil {
		C.rb_unpin(l.pin)
	}
	if l.owned != nil {
		C.rb_free(l.owned)
	}
	*l = Lent{}
}

// Get reads key in the batch and, below it, in the family's newest state. A value that fits into buf
// is copied there and n is its length; a longer one is lent, and must be freed. dberr.ErrNotFound if
// the key is absent. taken reports whether the replay was.
func (o *Overlay) Get(rep Replay, f *Family, r Read, key, buf []byte) (n int, l Lent, taken bool, err error) {
	v := C.rb_overlay_get(o.p, rep.keep(), ptr(rep.Records), rep.size(), f.p, C.uint32_t(r.Flags),
		C.uint64_t(r.Deadline), ptr(key), C.size_t(len(key)), ptr(buf), C.size_t(len(buf)))
	if v.status.code != C.RB_OK {
		return 0, Lent{}, v.replayed != 0, failure(v.status)
	}
	if rbdebug.On {
		mustFit("get over a batch", uint64(v.len), v.data != nil, len(buf))
	}
	if v.data != nil {
		return 0, Lent{lent(v.data, uint64(v.len)), v.pin, v.owned}, true, nil
	}
	return int(v.len), Lent{}, true, nil
}

// Has reads whether key is there: nil or dberr.ErrNotFound.
func (o *Overlay) Has(rep Replay, f *Family, r Read, key []byte) (taken bool, err error) {
	v := C.rb_overlay_has(o.p, rep.keep(), ptr(rep.Records), rep.size(), f.p, C.uint32_t(r.Flags),
		C.uint64_t(r.Deadline), ptr(key), C.size_t(len(key)))
	return v.replayed != 0, failure(v.status)
}

// NewIter makes an iterator over the batch as it is now and the family's newest state.
func (o *Overlay) NewIter(rep Replay, f *Family, opts IterOptions) (*Iter, error) {
	r := C.rb_iter_new_over(o.p, rep.keep(), ptr(rep.Records), rep.size(), f.p, opts.c(),
		ptr(opts.Lower), C.size_t(len(opts.Lower)), ptr(opts.Upper), C.size_t(len(opts.Upper)))
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &Iter{p: r.iter}, nil
}

// RefreshOver moves an iterator that an overlay made to the newest state of its family and to the
// batch as it is now, which o mirrors.
func (it *Iter) RefreshOver(o *Overlay, rep Replay) error {
	return failure(C.rb_iter_refresh_over(it.p, o.p, rep.keep(), ptr(rep.Records), rep.size()))
}

// Free ends the overlay; iterators made over it stay valid.
func (o *Overlay) Free() {
	C.rb_overlay_free(o.p)
	o.p = nil
}
