package cbridge

// #include "rb.h"
// #cgo noescape rb_apply
// #cgo nocallback rb_apply
// #cgo noescape rb_write
// #cgo nocallback rb_write
import "C"

// Flags of writes.
const (
	Sync        = C.RB_WRITE_SYNC
	NoWAL       = C.RB_WRITE_NO_WAL
	NoSlowdown  = C.RB_WRITE_NO_SLOWDOWN
	LowPriority = C.RB_WRITE_LOW_PRIORITY
)

// Op is a single operation of Apply.
type Op uint32

// The operations. DeleteRange takes the range's end as its value.
const (
	Put          Op = C.RB_PUT
	Delete       Op = C.RB_DELETE
	SingleDelete Op = C.RB_SINGLE_DELETE
	Merge        Op = C.RB_MERGE
	DeleteRange  Op = C.RB_DELETE_RANGE
)

// Apply commits one operation. The caller has checked what RocksDB checks only after logging.
func (f *Family) Apply(op Op, flags uint32, key, value []byte) error {
	if f.calls {
		return f.applyCalling(op, flags, key, value)
	}
	return failure(C.rb_apply(f.p, C.uint32_t(op), C.uint32_t(flags), ptr(key), C.size_t(len(key)),
		ptr(value), C.size_t(len(value))))
}

// Write commits a batch in RocksDB's format. The caller has checked it.
func (d *DB) Write(flags uint32, rep []byte) error {
	if d.calls.Load() {
		return d.writeCalling(flags, rep)
	}
	return failure(C.rb_write(d.p, C.uint32_t(flags), ptr(rep), C.size_t(len(rep))))
}
