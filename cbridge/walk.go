package cbridge

// #include "rb.h"
import "C"

// Stretch is how far one call goes that works through rows: so many rows that are kept, and so many
// rows or KiB of rows that it looks at. Both at least 1.
type Stretch struct{ Rows, Cost uint64 }

func (s Stretch) c() C.rb_stretch {
	return C.rb_stretch{rows: C.uint64_t(s.Rows), cost: C.uint64_t(s.Cost)}
}

// Passed is how far it went. What was taken is right even when Err is set.
type Passed struct {
	Rows int64
	End  bool // no row follows
	Err  error
}

func passed(p C.rb_passed) Passed {
	r := Passed{Rows: int64(p.rows), End: p.end != 0}
	if p.status.code != C.RB_OK {
		r.Err = failure(p.status)
	}
	return r
}
