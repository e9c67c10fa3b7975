package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_plan_compactor
// #cgo nocallback rb_plan_compactor
// #cgo noescape rb_worker_new
// #cgo nocallback rb_worker_new
// #cgo noescape rb_worker_stop
// #cgo nocallback rb_worker_stop
// #cgo noescape rb_worker_free
// #cgo nocallback rb_worker_free
// #cgo noescape rb_plan_open_and_compact
// #cgo nocallback rb_plan_open_and_compact
import "C"

import (
	"bytes"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Job is a compaction that RocksDB asks for. It is the receiver's.
type Job struct {
	Serial, Number            uint64
	Family, Database, Session string
	Input                     []byte
	Reason, Priority          int
	From, To                  int // levels
	Full, Manual, Bottommost  bool
}

// Compactor is who is asked for a database's compactions. The functions are called on RocksDB's threads, several at
// once, until the database is closed. None of them may panic.
type Compactor struct {
	Name string
	// Compact answers what OpenAndCompact made of the job, or nil: RocksDB is to do it.
	Compact func(Job) []byte
	// Ended is told whether the files of a job with a result have become the database's.
	Ended func(serial uint64, moved bool)
	// Cancelled is told that no result is taken any more.
	Cancelled func()
}

// called is what C calls. Whatever the functions do, it returns.
func (c *Compactor) called(call *C.rb_callback) {
	defer func() {
		if recover() != nil {
			call.answer = C.RB_ANSWER_FAILED
		}
	}()
	switch call.kind {
	case C.RB_CALLBACK_JOB:
		if result := c.Compact(jobOf(call.job)); len(result) > 0 && answer(call, result) {
			call.answer = C.RB_ANSWER_OK
		}
	case C.RB_CALLBACK_JOB_ENDED:
		c.Ended(uint64(call.job.serial), call.full != 0)
	case C.RB_CALLBACK_JOBS_CANCELLED:
		c.Cancelled()
	}
}

// jobOf copies a job out of C memory.
func jobOf(j *C.rb_job) Job {
	text := func(p *C.char, n C.size_t) string { return string(foreign((*C.uint8_t)(unsafe.Pointer(p)), n)) }
	return Job{
		Serial: uint64(j.serial), Number: uint64(j.number),
		Family: text(j.family, j.family_len), Database: text(j.database, j.database_len), Session: text(j.session, j.session_len),
		Input:  bytes.Clone(foreign(j.input, j.input_len)),
		Reason: int(j.reason), Priority: int(j.priority), From: int(j.from), To: int(j.to),
		Full: j.full != 0, Manual: j.manual != 0, Bottommost: j.bottommost != 0,
	}
}

// Compactor has the plan's database ask c for its compactions. Open answers code Unsupported if RocksDB's C API does not
// offer it.
func (p *Plan) Compactor(c *Compactor) {
	callee := newCallee(c, c.Name)
	C.rb_plan_compactor(p.p, callee)
	C.rb_callee_free(callee)
}

// Worker is the sign by which one OpenAndCompact is stopped.
type Worker struct{ p *C.rb_worker }

// NewWorker makes one. Free it after the call that it was given to.
func NewWorker() (*Worker, error) {
	p := C.rb_worker_new()
	if p == nil {
		return nil, dberr.New("", dberr.NoMemory, "")
	}
	return &Worker{p}, nil
}

// Stop has the call end soon, with code Incomplete.
func (w *Worker) Stop() { C.rb_worker_stop(w.p) }

// Free ends it.
func (w *Worker) Free() { C.rb_worker_free(w.p) }

// OpenAndCompact does a job of the database in the plan's directory, by the options that the plan has of the family.
// New tables go into output. Code Unsupported if RocksDB's C API does not offer it.
func (p *Plan) OpenAndCompact(family, output string, input []byte, w *Worker) ([]byte, error) {
	f, o := C.CString(family), C.CString(output)
	defer C.free(unsafe.Pointer(f))
	defer C.free(unsafe.Pointer(o))
	r := C.rb_plan_open_and_compact(p.p, f, o, ptr(input), C.size_t(len(input)), w.p)
	if err := failure(r.status); err != nil {
		return nil, err
	}
	defer C.rb_free(unsafe.Pointer(r.data))
	return bytes.Clone(foreign(r.data, r.len)), nil
}
