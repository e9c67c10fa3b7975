package cbridge

// #include "rb.h"
import "C"

import (
	"fmt"
	"strings"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// mustFit panics, in the debug build, if a value of n bytes was copied into a buffer that has no room
// for it, or was not although it has.
func mustFit(op string, n uint64, lent bool, room int) {
	if lent != (n > uint64(room)) {
		rbdebug.Panic(fmt.Sprintf("a %s is damaged: a value of %d bytes, lent %v, for a buffer of %d", op, n, lent, room))
	}
}

// mustBeWhole panics, in the debug build, if the answers of a lookup of many keys are not what they must
// be: all there, one after the other, in buf or in what waits in C.
func (m *MultiGet) mustBeWhole(used, need uint64, buf []byte) {
	if fault := m.fault(used, need, buf); fault != "" {
		rbdebug.Panic("a lookup of many keys is damaged: " + fault + "; " + m.dump(used, need, len(buf)))
	}
}

// fault is what is wrong with the answers, or empty.
func (m *MultiGet) fault(used, need uint64, buf []byte) string {
	if used > uint64(len(buf)) || len(m.found) != len(m.keys) || (m.rest != nil) != (need > 0) {
		return "the numbers do not fit together"
	}
	var at, waiting uint64
	for i := range m.found {
		f := &m.found[i]
		end, most := &at, used
		if f.rest != 0 {
			end, most = &waiting, need
		}
		switch {
		case f.rest > 1 || f.code < 0 || uint64(f.at) != *end:
			return fmt.Sprintf("value %d is not where the one before ends", i)
		case uint64(f.len) > most-*end:
			return fmt.Sprintf("value %d reaches beyond the end", i)
		case f.rest != 0 && uint64(f.len) <= uint64(len(buf))-at:
			return fmt.Sprintf("value %d fits and was left out", i)
		}
		*end += uint64(f.len)
	}
	if at != used || waiting != need {
		return fmt.Sprintf("the values end at %d, and those that wait at %d", at, waiting)
	}
	if !rbdebug.Poisoned(buf[used:]) {
		return "the room behind the values was written to"
	}
	return ""
}

// dump has the numbers of the answers, and no byte of them.
func (m *MultiGet) dump(used, need uint64, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "buffer %d, used %d, need %d, rest %v, keys %d, answers %d; code at+len", size, used, need, m.rest != nil, len(m.keys), len(m.found))
	const most = 20
	for i := range min(len(m.found), most) {
		f := &m.found[i]
		fmt.Fprintf(&b, " %d:%d+%d/%d", f.code, f.at, f.len, f.rest)
	}
	if len(m.found) > most {
		b.WriteString(" ...")
	}
	return b.String()
}
