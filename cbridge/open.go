package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import (
	"sync/atomic"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// DBOptions are the settings of a database as a whole.
type DBOptions struct {
	ReadOnly, ErrorIfMissing, ErrorIfExists bool
	BlockCacheSize                          int64 // bytes; 0: 128 MiB, negative: none
	Transactions                            uint32
	Statistics                              uint32 // a Statistics constant
	HyperClock                              bool   // the kind of the block cache
	CacheEntry                              uint64 // bytes of a block in it, an estimate; 0: it finds out
	RateLimit                               uint64 // bytes a second; 0: none
	RateLimitTunes                          bool   // RateLimit is an upper bound
	RateLimitMode                           uint8  // a Limit constant
	TimedRows                               bool   // RocksDB's TTL: a time behind each value
	ManualRecovery                          bool   // nothing but Resume ends a background error
	RowCacheSize                            uint64 // bytes of a cache of rows; 0: none. See rb.h for what it excludes
}

// What RateLimit holds back: RateLimitMode.
const (
	LimitWrites = C.RB_LIMIT_WRITES
	LimitReads  = C.RB_LIMIT_READS
	LimitAll    = C.RB_LIMIT_ALL
)

// FamilyOptions are the typed settings of one family. Zero means RocksDB's default.
type FamilyOptions struct {
	WriteBufferSize, BlockSize uint64 // bytes
	BloomBitsPerKey            float64
	Compression                int32  // RocksDB's number, or -1 for its default
	CacheIndex                 bool   // index and filter blocks go through the block cache
	Named                      string // what is set by RocksDB's names, below all other names
	Operators                  Operators
}

// c gives the options in C's terms; free ends the life of what they point to.
func (o FamilyOptions) c() (co C.rb_family_options, free func()) {
	operators, freeOperators := o.Operators.c()
	named := C.CString(o.Named)
	free = func() {
		freeOperators()
		C.free(unsafe.Pointer(named))
	}
	return C.rb_family_options{
		write_buffer_size:  C.uint64_t(o.WriteBufferSize),
		block_size:         C.uint64_t(o.BlockSize),
		bloom_bits_per_key: C.double(o.BloomBitsPerKey),
		compression:        C.int32_t(o.Compression),
		cache_index:        flag(o.CacheIndex),
		named:              named,
		operators:          operators,
	}, free
}

// Plan collects what a database is opened with. One goroutine at a time.
type Plan struct{ p *C.rb_plan }

// NewPlan begins to open the database in dir. Free it after Open.
func NewPlan(dir string, o DBOptions) (*Plan, error) {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	p := C.rb_plan_new(path, C.rb_db_options{
		read_only:        flag(o.ReadOnly),
		error_if_missing: flag(o.ErrorIfMissing),
		error_if_exists:  flag(o.ErrorIfExists),
		block_cache_size: C.int64_t(o.BlockCacheSize),
		transactions:     C.uint32_t(o.Transactions),
		statistics:       C.uint32_t(o.Statistics),
		hyper_clock:      flag(o.HyperClock),
		cache_entry:      C.uint64_t(o.CacheEntry),
		rate_limit:       C.uint64_t(o.RateLimit),
		rate_limit_tunes: flag(o.RateLimitTunes),
		rate_limit_mode:  C.uint8_t(o.RateLimitMode),
		timed_rows:       flag(o.TimedRows),
		manual_recovery:  flag(o.ManualRecovery),
		row_cache_size:   C.uint64_t(o.RowCacheSize),
	})
	if p == nil {
		return nil, dberr.New("open", dberr.NoMemory, "")
	}
	return &Plan{p}, nil
}

// Extra adds settings of the whole database by RocksDB's names; unknown ones are an error.
func (p *Plan) Extra(text string) error {
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	return failure(C.rb_plan_extra(p.p, t))
}

// Family adds a family with its settings; extra holds more of them by RocksDB's names.
func (p *Plan) Family(name string, o FamilyOptions, extra string) error {
	n, x := C.CString(name), C.CString(extra)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(x))
	c, free := o.c()
	defer free()
	return failure(C.rb_plan_family(p.p, n, c, x))
}

// FamilyFromDisk adds a family with the settings that the database's OPTIONS file holds.
func (p *Plan) FamilyFromDisk(name string) error {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	return failure(C.rb_plan_family_from_disk(p.p, n))
}

// Open opens the database with all families of the plan.
func (p *Plan) Open() (*DB, error) {
	r := C.rb_plan_open(p.p)
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &DB{p: r.db}, nil
}

// Free ends the plan.
func (p *Plan) Free() {
	C.rb_plan_free(p.p)
	p.p = nil
}

// ListFamilies reads the names of the families of the database in dir from its manifest, in files or, nil, on
// disk.
func ListFamilies(files *Files, dir string) ([]string, error) {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	l := C.rb_list_families(files.c(), path)
	if err := failure(l.status); err != nil {
		return nil, err
	}
	defer C.rb_family_list_free(l)
	names := make([]string, 0, int(l.count))
	for _, n := range unsafe.Slice(l.names, int(l.count)) {
		names = append(names, C.GoString(n))
	}
	return names, nil
}

// DB is an open database.
type DB struct {
	p     *C.rb_db
	calls atomic.Bool // a family's comparator is written in Go
}

// Close waits for background work and frees the database with its families. Snapshots and iterators
// must have been freed.
func (d *DB) Close() {
	C.rb_close(d.p)
	d.p = nil
}
