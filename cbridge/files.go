package cbridge

// #include "rb.h"
import "C"

import "github.com/rockbridge-db/rockbridge/dberr"

// Files is a file system in memory, in which databases may lie.
type Files struct{ p *C.rb_files }

// NewFiles makes an empty one.
func NewFiles() (*Files, error) {
	p := C.rb_files_new()
	if p == nil {
		return nil, dberr.New("files in memory", dberr.NoMemory, "")
	}
	return &Files{p}, nil
}

// c is what C takes: NULL for files on disk.
func (f *Files) c() *C.rb_files {
	if f == nil {
		return nil
	}
	return f.p
}

// Files has the plan's database lie in f: before anything else is added to the plan.
func (p *Plan) Files(f *Files) { C.rb_plan_files(p.p, f.p) }

// Free ends the caller's use; that of plans and databases goes on.
func (f *Files) Free() {
	C.rb_files_free(f.p)
	f.p = nil
}
