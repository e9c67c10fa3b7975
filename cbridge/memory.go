package cbridge

// #include "rb.h"
// #cgo noescape rb_memory_new
// #cgo nocallback rb_memory_new
// #cgo noescape rb_memory_resize
// #cgo nocallback rb_memory_resize
// #cgo noescape rb_memory_used
// #cgo nocallback rb_memory_used
// #cgo noescape rb_plan_share
// #cgo nocallback rb_plan_share
// #cgo noescape rb_row_cache_used
// #cgo nocallback rb_row_cache_used
// #cgo noescape rb_memory_free
// #cgo nocallback rb_memory_free
import "C"

import "github.com/rockbridge-db/rockbridge/dberr"

// Memory is a block cache and, from RocksDB 8.9 on, a limit for memtables, which databases share.
type Memory struct{ p *C.rb_memory }

// NewMemory makes a cache of so many bytes, of which memtables may take some.
func NewMemory(bytes, memtables uint64) (*Memory, error) {
	p := C.rb_memory_new(C.uint64_t(bytes), C.uint64_t(memtables))
	if p == nil {
		return nil, dberr.New("memory budget", dberr.NoMemory, "")
	}
	return &Memory{p}, nil
}

// Resize changes the sizes.
func (m *Memory) Resize(bytes, memtables uint64) {
	C.rb_memory_resize(m.p, C.uint64_t(bytes), C.uint64_t(memtables))
}

// MemoryUse is what is in use, in bytes. Cache and Pinned include Charge, which stands for memtables
// in the cache; Memtables is 0 before RocksDB 8.9.
type MemoryUse struct{ Cache, Pinned, Charge, Memtables uint64 }

// Used looks at what is in use.
func (m *Memory) Used() MemoryUse {
	u := C.rb_memory_used(m.p)
	return MemoryUse{uint64(u.cache), uint64(u.pinned), uint64(u.charge), uint64(u.memtables)}
}

// Share has the plan's database share m, before the plan's first family. memtables limits those of
// this database before RocksDB 8.9; 0: no limit.
func (p *Plan) Share(m *Memory, memtables uint64) {
	C.rb_plan_share(p.p, m.p, C.uint64_t(memtables))
}

// RowCacheUsed is how many bytes the rows in the cache of rows take; 0 without one.
func (d *DB) RowCacheUsed() uint64 { return uint64(C.rb_row_cache_used(d.p)) }

// Free ends the caller's use; that of plans and databases goes on.
func (m *Memory) Free() {
	C.rb_memory_free(m.p)
	m.p = nil
}
