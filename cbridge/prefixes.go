package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_prefixes
// #cgo nocallback rb_iter_prefixes
import "C"

import (
	"encoding/binary"
	"math"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Grouping says what the prefix of a key is: its first Bytes bytes, or if Delimited all up to the first
// Delimiter.
type Grouping struct {
	Bytes     uint64
	Delimited bool
	Delimiter byte
}

// Prefixes is what one stretch gave: groups in the first Used bytes of the buffer.
type Prefixes struct {
	Used int
	Need int // not 0: the next group wants a buffer of so many bytes
	Passed
}

// Prefixes gathers the rows of one stretch by their prefix into buf.
func (it *Iter) Prefixes(m Move, s Stretch, by Grouping, buf []byte) Prefixes {
	c := C.rb_iter_prefixes(it.p, C.uint32_t(m), s.c(), C.rb_grouping{
		bytes: C.uint64_t(by.Bytes), delimited: flag(by.Delimited), delimiter: C.uint8_t(by.Delimiter),
	}, ptr(buf), C.size_t(len(buf)))
	r := Prefixes{Used: int(c.used), Passed: passed(c.passed)}
	if c.need > math.MaxInt {
		r.Err = dberr.New("", dberr.TooLarge, "a prefix does not fit this machine's memory")
		return r
	}
	r.Need = int(c.need)
	return r
}

// Group is one group of rows. Prefix aliases the buffer.
type Group struct {
	Prefix                     []byte
	Rows, KeyBytes, ValueBytes int64
}

// NextGroup splits off the first group that Prefixes has put into a buffer.
func NextGroup(b []byte) (g Group, rest []byte) {
	const numbers = 8 * C.RB_PREFIX_NUMBERS
	n := binary.NativeEndian.Uint64(b)
	g = Group{
		b[numbers:][:n:n], int64(binary.NativeEndian.Uint64(b[8:])),
		int64(binary.NativeEndian.Uint64(b[16:])), int64(binary.NativeEndian.Uint64(b[24:])),
	}
	return g, b[numbers+n:]
}
