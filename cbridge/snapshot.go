package cbridge

// #include "rb.h"
// #cgo noescape rb_snapshot_new
// #cgo nocallback rb_snapshot_new
// #cgo noescape rb_snapshot_free
// #cgo nocallback rb_snapshot_free
import "C"

import "github.com/rockbridge-db/rockbridge/dberr"

// Snapshot is a consistent state of the whole database.
type Snapshot struct{ p *C.rb_snapshot }

// c is NULL for nil: the newest state.
func (s *Snapshot) c() *C.rb_snapshot {
	if s == nil {
		return nil
	}
	return s.p
}

// NewSnapshot takes a snapshot.
func (d *DB) NewSnapshot() (*Snapshot, error) {
	p := C.rb_snapshot_new(d.p)
	if p == nil {
		return nil, dberr.New("snapshot", dberr.NoMemory, "")
	}
	return &Snapshot{p}, nil
}

// Sequence is the number of the newest write that the snapshot shows. Code Unsupported before
// RocksDB 9.0.
func (s *Snapshot) Sequence() (uint64, error) {
	r := C.rb_snapshot_sequence(s.p)
	return uint64(r.value), failure(r.status)
}

// Free releases the snapshot; iterators made from it stay valid.
func (s *Snapshot) Free() {
	C.rb_snapshot_free(s.p)
	s.p = nil
}
