package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import (
	"bytes"
	"math"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// GetEntity reads all columns of key, in the form of internal/entity. They are in buf if they fit, else in memory of Go's.
// The errors are those of Get. r is not timed.
//
// The call may call Go on this thread, for a comparator that is written in Go: so it is not marked nocallback, for any
// family, and key and buf are in the heap.
func (f *Family) GetEntity(r Read, key, buf []byte) ([]byte, error) {
	e := C.rb_get_entity(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), ptr(key), C.size_t(len(key)),
		ptr(buf), C.size_t(len(buf)))
	defer C.rb_free(unsafe.Pointer(e.rest))
	switch {
	case e.status.code == C.RB_INCOMPLETE && r.Flags&Probe != 0:
		return nil, ErrUncached
	case e.status.code != C.RB_OK:
		return nil, failure(e.status)
	case e.rest == nil:
		return buf[:e.len], nil
	case e.len > math.MaxInt:
		return nil, dberr.New("", dberr.TooLarge, "a row does not fit this machine's memory")
	}
	return bytes.Clone(lent(e.rest, uint64(e.len))), nil
}
