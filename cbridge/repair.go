package cbridge

// #include <stdlib.h>
// #include "rb.h"
import "C"

import "unsafe"

// Repair puts the files of the plan's directory together anew, with the options of its default family for
// all; logs are in walDir if that is not empty. The plan must not be opened then.
func (p *Plan) Repair(walDir string) error {
	var wal *C.char
	if walDir != "" {
		wal = C.CString(walDir)
		defer C.free(unsafe.Pointer(wal))
	}
	return failure(C.rb_plan_repair(p.p, wal))
}
