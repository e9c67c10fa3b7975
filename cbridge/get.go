package cbridge

// #include "rb.h"
// #cgo noescape rb_get
// #cgo nocallback rb_get
// #cgo noescape rb_has
// #cgo nocallback rb_has
// #cgo noescape rb_unpin
// #cgo nocallback rb_unpin
import "C"

import (
	"errors"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Flags of reads.
const (
	CacheOnly = C.RB_READ_CACHE_ONLY
	NoFill    = C.RB_READ_NO_FILL
	NoVerify  = C.RB_READ_NO_VERIFY
	KeysOnly  = C.RB_READ_KEYS_ONLY
	AsyncIO   = C.RB_READ_ASYNC_IO
	Adaptive  = C.RB_READ_ADAPTIVE
	Probe     = C.RB_READ_PROBE
)

// ErrUncached is what Get answers with CacheOnly and Probe when the cache alone does not tell. It is not
// an error for users.
var ErrUncached = errors.New("not in the cache")

// Read says how a point read goes.
type Read struct {
	Snapshot *Snapshot // nil: the newest state
	Flags    uint32
	Deadline uint64 // microseconds since 1970; 0: none
	OneByOne bool   // many keys are looked up one by one
	Timed    bool   // as of At, of families with timestamps
	At       uint64
}

func (r *Read) snap() *C.rb_snapshot { return r.Snapshot.c() }

// Pinned is a value in RocksDB's memory, or in Go's, or nothing.
type Pinned struct {
	Data []byte // valid until Free
	pin  unsafe.Pointer
}

// Held reports whether there is a value, to be freed.
func (p *Pinned) Held() bool { return p.Data != nil }

// Free gives the memory back.
func (p *Pinned) Free() {
	if p.pin != nil {
		C.rb_unpin(p.pin)
	}
	*p = Pinned{}
}

// Get reads key. A value that fits into buf is copied there and n is its length; a longer one comes
// back pinned and must be freed. dberr.ErrNotFound if the key is absent.
func (f *Family) Get(r *Read, key, buf []byte) (n int, pinned Pinned, err error) {
	var v C.rb_value
	if f.calls {
		v = f.getCalling(r, key)
		buf = nil
	} else if r.Timed {
		v = C.rb_get_at(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), C.uint64_t(r.At), ptr(key),
			C.size_t(len(key)), ptr(buf), C.size_t(len(buf)))
	} else {
		v = C.rb_get(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), ptr(key),
			C.size_t(len(key)), ptr(buf), C.size_t(len(buf)))
	}
	if v.status.code == C.RB_INCOMPLETE && r.Flags&Probe != 0 {
		return 0, Pinned{}, ErrUncached
	}
	if v.status.code != C.RB_OK {
		return 0, Pinned{}, failure(v.status)
	}
	if rbdebug.On {
		mustFit("get", uint64(v.len), v.pin != nil, len(buf))
	}
	if v.pin != nil {
		return 0, Pinned{lent(v.data, uint64(v.len)), v.pin}, nil
	}
	return int(v.len), Pinned{}, nil
}

// Has reads whether key is there: nil or dberr.ErrNotFound. r is not timed.
func (f *Family) Has(r Read, key []byte) error {
	if f.calls {
		return failure(f.hasCalling(&r, key))
	}
	return failure(C.rb_has(f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline), ptr(key),
		C.size_t(len(key))))
}
