package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import "unsafe"

// Trim has Open drop what is newer than timestamp, in all families with timestamps; it is called for each of them.
// automatic tells whether the family has compactions of its own accord, which are off from then on.
func (p *Plan) Trim(name string, timestamp uint64) (automatic bool, err error) {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	var on C.uint8_t
	err = failure(C.rb_plan_trim(p.p, n, C.uint64_t(timestamp), &on))
	return on != 0, err
}
