package cbridge

// #include "rb.h"
// #cgo noescape rb_export_new
// #cgo nocallback rb_export_new
// #cgo noescape rb_export_fill
// #cgo nocallback rb_export_fill
// #cgo noescape rb_export_free
// #cgo nocallback rb_export_free
// #cgo noescape rb_zstd_version
// #cgo nocallback rb_zstd_version
import "C"

import "bytes"

// Position is where a whole frame of exported rows ends: as much as it takes to go on from there.
type Position struct {
	Offset      uint64 // compressed bytes before it
	Rows, Bytes uint64
	Sum         uint32
	First, Last []byte // nil: there was no row
	Mixed       bool   // rows of more than one state
	Whole       bool   // the end of the export
}

// c gives a position to C, but for the memory of its keys.
func (p *Position) c() C.rb_stream_position {
	return C.rb_stream_position{
		offset: C.uint64_t(p.Offset), rows: C.uint64_t(p.Rows), bytes: C.uint64_t(p.Bytes),
		sum: C.uint32_t(p.Sum), has_keys: flag(p.First != nil), mixed: flag(p.Mixed),
		first_len: C.size_t(len(p.First)), last_len: C.size_t(len(p.Last)),
	}
}

// position takes one from C, with copies of its keys.
func position(c C.rb_stream_position) Position {
	p := Position{
		Offset: uint64(c.offset), Rows: uint64(c.rows), Bytes: uint64(c.bytes), Sum: uint32(c.sum),
		Mixed: c.mixed != 0, Whole: c.whole != 0,
	}
	if c.has_keys != 0 {
		p.First = bytes.Clone(lent(c.first, uint64(c.first_len)))
		p.Last = bytes.Clone(lent(c.last, uint64(c.last_len)))
	}
	return p
}

// Export is an export under way. One goroutine at a time.
type Export struct{ p *C.rb_export }

// NewExport begins an export at a position with a first section, which may be empty, of at most
// maxRows rows. All is copied.
func NewExport(from Position, open []byte, maxRows uint64, level int) (*Export, error) {
	r := C.rb_export_new(C.rb_export_options{
		from: from.c(), open_len: C.size_t(len(open)), max_rows: C.uint64_t(maxRows), level: C.int32_t(level),
	}, ptr(open), ptr(from.First), ptr(from.Last))
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &Export{r.made}, nil
}

// Exported is what a call of Fill brought. Used is right even when Err is set.
type Exported struct {
	Used     int
	Rows     int64
	Position Position // where the last whole frame ends, up to here
	Err      error
}

// Fill fills buf with the next compressed bytes in one call. It stops after most bytes of rows.
func (e *Export) Fill(it *Iter, buf []byte, most uint64) Exported {
	x := C.rb_export_fill(e.p, it.p, ptr(buf), C.size_t(len(buf)), C.uint64_t(most))
	return Exported{int(x.used), int64(x.rows), position(x.position), failure(x.status)}
}

// Free ends the export.
func (e *Export) Free() {
	C.rb_export_free(e.p)
	e.p = nil
}

// ZstdVersion is that of the linked zstd: 10504 is 1.5.4.
func ZstdVersion() int { return int(C.rb_zstd_version()) }
