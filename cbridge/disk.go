package cbridge

// #include "rb.h"
// #cgo noescape rb_disk_new
// #cgo nocallback rb_disk_new
// #cgo noescape rb_disk_set
// #cgo nocallback rb_disk_set
// #cgo noescape rb_disk_used
// #cgo nocallback rb_disk_used
// #cgo noescape rb_plan_disk
// #cgo nocallback rb_plan_disk
// #cgo noescape rb_db_full
// #cgo nocallback rb_db_full
// #cgo noescape rb_disk_free
// #cgo nocallback rb_disk_free
import "C"

import "github.com/rockbridge-db/rockbridge/dberr"

// Disk watches over the table files of databases that share it.
type Disk struct{ p *C.rb_disk }

// DiskLimits are in bytes, and bytes a second; 0: no limit. Above Share times the size of all files what waits for its
// deletion is deleted at once.
type DiskLimits struct {
	Limit, Rate uint64
	Share       float64
}

func (l DiskLimits) c() C.rb_disk_limits {
	return C.rb_disk_limits{limit: C.uint64_t(l.Limit), rate: C.uint64_t(l.Rate), share: C.double(l.Share)}
}

// NewDisk makes one. RocksDB offers it: see FeatureDisk.
func NewDisk(l DiskLimits) (*Disk, error) {
	p := C.rb_disk_new(l.c())
	if p == nil {
		return nil, dberr.New("disk budget", dberr.NoMemory, "")
	}
	return &Disk{p}, nil
}

// Set changes the limits. One call at a time.
func (d *Disk) Set(l DiskLimits) { C.rb_disk_set(d.p, l.c()) }

// DiskUse is what is in use, in bytes. Trash is of files, and logs, that wait for their deletion.
type DiskUse struct {
	Files, Trash uint64
	Full         bool
}

// Used looks at what is in use.
func (d *Disk) Used() DiskUse {
	u := C.rb_disk_used(d.p)
	return DiskUse{uint64(u.files), uint64(u.trash), u.full != 0}
}

// Disk has the plan's database join d, before the plan's first family.
func (p *Plan) Disk(d *Disk) { C.rb_plan_disk(p.p, d.p) }

// Full tells whether the limit of the Disk that the database has joined is reached. Nobody but the caller keeps to it.
func (d *DB) Full() bool { return C.rb_db_full(d.p) != 0 }

// Free ends the caller's use; that of plans and databases goes on.
func (d *Disk) Free() {
	C.rb_disk_free(d.p)
	d.p = nil
}
