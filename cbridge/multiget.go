package cbridge

// #include "rb.h"
// #cgo noescape rb_multi_get
// #cgo nocallback rb_multi_get
// #cgo noescape rb_overlay_multi_get
// #cgo nocallback rb_overlay_multi_get
// #cgo noescape rb_rest_take
// #cgo nocallback rb_rest_take
// #cgo noescape rb_rest_free
// #cgo nocallback rb_rest_free
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// MultiGet is a lookup of many keys. The zero value is one of no keys; Reset makes it so again and
// keeps its memory. One goroutine at a time.
type MultiGet struct {
	families []*C.rb_family
	calls    bool // the comparator of one of them is written in Go
	keys     []C.rb_key
	bytes    []byte // the keys, one after the other: C may not follow Go pointers in Go memory
	found    []C.rb_answer
	rest     *C.rb_rest
}

// Family adds a family and gives the number under which Add names it.
func (m *MultiGet) Family(f *Family) int {
	m.families = append(m.families, f.p)
	m.calls = m.calls || f.calls
	return len(m.families) - 1
}

// Add adds a copy of a key of the family with that number.
func (m *MultiGet) Add(family int, key []byte) {
	m.keys = append(m.keys, C.rb_key{family: C.uint32_t(family), len: C.uint32_t(len(key))})
	m.bytes = append(m.bytes, key...)
}

// Len is the number of keys.
func (m *MultiGet) Len() int { return len(m.keys) }

// FamilyOf is the number of the family of key i.
func (m *MultiGet) FamilyOf(i int) int { return int(m.keys[i].family) }

// Key is key i, which stands at offset at of all keys; until Reset.
func (m *MultiGet) Key(i, at int) []byte { return m.bytes[at : at+int(m.keys[i].len)] }

// Get looks up the keys, of which there is at least one, in one state and copies the values into buf
// as long as they fit. used bytes of buf then hold values. need is the sum of the others: they wait
// in C for Rest or Free. Code NoMemory is the only error.
func (m *MultiGet) Get(r Read, buf []byte) (used int, need uint64, err error) {
	m.found = slices.Grow(m.found[:0], len(m.keys))[:len(m.keys)]
	how := C.rb_read{
		snap: r.snap(), flags: C.uint32_t(r.Flags), deadline: C.uint64_t(r.Deadline), one_by_one: flag(r.OneByOne),
		timed: flag(r.Timed), at: C.uint64_t(r.At),
	}
	if rbdebug.On {
		rbdebug.Poison(buf)
	}
	var a C.rb_multi
	if m.calls {
		a, buf = m.getCalling(how), nil
	} else {
		a = C.rb_multi_get(&m.families[0], how, &m.keys[0], C.size_t(len(m.keys)), ptr(m.bytes),
			ptr(buf), C.size_t(len(buf)), &m.found[0])
	}
	runtime.KeepAlive(r.Snapshot)
	m.rest = a.rest
	if rbdebug.On && a.status.code == C.RB_OK {
		m.mustBeWhole(uint64(a.used), uint64(a.need), buf)
	}
	return int(a.used), uint64(a.need), failure(a.status)
}

// GetOver looks up the keys as Get does, in the batch that o mirrors and, below it, in the newest state
// of the families. r has no snapshot. Until Rest or Free nothing may be called on o. taken reports
// whether the replay was. An error may also be Corruption of a replayed record.
func (m *MultiGet) GetOver(o *Overlay, rep Replay, r Read, buf []byte) (used int, need uint64, taken bool, err error) {
	m.found = slices.Grow(m.found[:0], len(m.keys))[:len(m.keys)]
	how := C.rb_read{flags: C.uint32_t(r.Flags), deadline: C.uint64_t(r.Deadline), one_by_one: flag(r.OneByOne)}
	if rbdebug.On {
		rbdebug.Poison(buf)
	}
	a := C.rb_overlay_multi_get(o.p, rep.keep(), ptr(rep.Records), rep.size(), &m.families[0], how,
		&m.keys[0], C.size_t(len(m.keys)), ptr(m.bytes), ptr(buf), C.size_t(len(buf)), &m.found[0])
	m.rest = a.rest
	if rbdebug.On && a.status.code == C.RB_OK {
		m.mustBeWhole(uint64(a.used), uint64(a.need), buf)
	}
	return int(a.used), uint64(a.need), a.replayed != 0, failure(a.status)
}

// Rest copies the values that did not fit into buf, of need bytes, and frees them in C.
func (m *MultiGet) Rest(buf []byte) {
	C.rb_rest_take(m.rest, ptr(buf))
	m.rest = nil
}

// Free frees the values that wait in C, if there are any.
func (m *MultiGet) Free() {
	if m.rest != nil {
		C.rb_rest_free(m.rest)
		m.rest = nil
	}
}

// Value is what Get found for key i: a part of buf, or of the rest. dberr.ErrNotFound if it is absent.
func (m *MultiGet) Value(i int, buf, rest []byte) ([]byte, error) {
	f := &m.found[i]
	if f.code == C.RB_NOT_FOUND && f.len == 0 {
		return nil, dberr.ErrNotFound
	}
	from := buf
	if f.rest != 0 {
		from = rest
	}
	value := from[f.at : f.at+f.len : f.at+f.len]
	if f.code != C.RB_OK {
		return nil, &dberr.Error{Code: dberr.Code(f.code), Msg: string(value)}
	}
	return value, nil
}

// Uncached reports, after a Get of the cache only, that a key may need a file after all: it says so, or
// has an empty value, which may not be its own.
func (m *MultiGet) Uncached() bool {
	return slices.ContainsFunc(m.found, func(a C.rb_answer) bool {
		return a.code == C.RB_INCOMPLETE || a.code == C.RB_OK && a.len == 0
	})
}

// Reset frees what waits in C and forgets the keys and the families.
func (m *MultiGet) Reset() {
	m.Free()
	clear(m.families)
	m.calls = false
	m.families, m.keys, m.bytes = m.families[:0], m.keys[:0], m.bytes[:0]
}

// Size is about how many bytes Reset keeps.
func (m *MultiGet) Size() int {
	return cap(m.bytes) + cap(m.keys)*int(unsafe.Sizeof(C.rb_key{})+unsafe.Sizeof(C.rb_answer{}))
}
