package cbridge

// #include "rb.h"
// #cgo noescape rb_get_at
// #cgo nocallback rb_get_at
// #cgo noescape rb_get_stamped
// #cgo nocallback rb_get_stamped
// #cgo noescape rb_history_low
// #cgo nocallback rb_history_low
// #cgo noescape rb_history_raise
// #cgo nocallback rb_history_raise
// #cgo noescape rb_iter_versions
// #cgo nocallback rb_iter_versions
import "C"

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// GetStamped reads key as of r.At, and the timestamp of the version found.
func (f *Family) GetStamped(r Read, key []byte) (value []byte, timestamp uint64, err error) {
	v := C.rb_get_stamped(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), C.uint64_t(r.At),
		ptr(key), C.size_t(len(key)))
	if v.status.code != C.RB_OK {
		return nil, 0, failure(v.status)
	}
	defer C.rb_free(unsafe.Pointer(v.data))
	value = make([]byte, int(v.len))
	copy(value, lent((*C.uint8_t)(unsafe.Pointer(v.data)), uint64(v.len)))
	return value, uint64(v.timestamp), nil
}

// HistoryLow is the timestamp from which on a family with timestamps keeps all versions; 0: all.
func (f *Family) HistoryLow() (uint64, error) {
	h := C.rb_history_low(f.p)
	return uint64(h.low), failure(h.status)
}

// RaiseHistory gives up the versions below low, but of each key the newest one.
func (f *Family) RaiseHistory(low uint64) error {
	return failure(C.rb_history_raise(f.p, C.uint64_t(low)))
}

// Versions is what one call gave: versions in the first Used bytes of the buffer.
type Versions struct {
	Used int
	Need int // not 0: the next version wants a buffer of so many bytes
	Passed
}

// Versions gathers up to s.Rows versions from where m says, MoveFirst or MoveOn, into buf. The iterator
// was made for it.
func (it *Iter) Versions(m Move, s Stretch, buf []byte) Versions {
	c := C.rb_iter_versions(it.p, C.uint32_t(m), C.uint64_t(min(s.Rows, s.Cost)), ptr(buf), C.size_t(len(buf)))
	r := Versions{Used: int(c.used), Passed: Passed{Rows: int64(c.rows), End: c.end != 0}}
	if c.status.code != C.RB_OK {
		r.Err = failure(c.status)
	}
	if c.need > math.MaxInt {
		r.Err = dberr.New("", dberr.TooLarge, "a version does not fit this machine's memory")
		return r
	}
	r.Need = int(c.need)
	return r
}

// Version is one version of a row. Key and Value alias the buffer.
type Version struct {
	Key, Value []byte
	Timestamp  uint64
	Deleted    bool
}

// NextVersion splits off the first version that Versions has put into a buffer.
func NextVersion(b []byte) (v Version, rest []byte) {
	const head = C.RB_VERSION_HEAD
	k, n := int(binary.NativeEndian.Uint32(b[12:])), int(binary.NativeEndian.Uint32(b[16:]))
	v = Version{
		Key: b[head:][:k:k], Value: b[head+k:][:n:n], Timestamp: binary.NativeEndian.Uint64(b),
		Deleted: binary.NativeEndian.Uint32(b[8:]) == C.RB_VERSION_DELETED,
	}
	return v, b[head+k+n:]
}
