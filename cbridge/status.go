package cbridge

// #include "rb.h"
// #cgo noescape rb_free
// #cgo nocallback rb_free
// #cgo noescape rb_status_from
// #cgo nocallback rb_status_from
// #include <stdlib.h>
import "C"

import (
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// failure turns a status into an error and frees its text. A key that is not there is
// dberr.ErrNotFound itself; everything else is a *dberr.Error with code and text, whose other fields
// the caller fills in.
func failure(s C.rb_status) error {
	if s.code == C.RB_OK {
		return nil
	}
	if s.code == C.RB_NOT_FOUND && s.msg == nil {
		return dberr.ErrNotFound
	}
	e := &dberr.Error{Code: dberr.Code(s.code)}
	if s.msg != nil {
		e.Msg = C.GoString(s.msg)
		C.rb_free(unsafe.Pointer(s.msg))
	}
	return e
}

// StatusOf tells the code that the glue reads out of one of RocksDB's error texts. For tests.
func StatusOf(text string) dberr.Code {
	s := C.rb_status_from(C.CString(text))
	C.rb_free(unsafe.Pointer(s.msg))
	return dberr.Code(s.code)
}

// codes pairs every constant of the glue with Go's, for the test that keeps them equal.
var codes = map[dberr.Code]int32{
	dberr.OK: C.RB_OK, dberr.NotFound: C.RB_NOT_FOUND, dberr.Corruption: C.RB_CORRUPTION,
	dberr.Unsupported: C.RB_UNSUPPORTED, dberr.InvalidArgument: C.RB_INVALID_ARGUMENT,
	dberr.IO: C.RB_IO, dberr.MergeInProgress: C.RB_MERGE_IN_PROGRESS,
	dberr.Incomplete: C.RB_INCOMPLETE, dberr.ShuttingDown: C.RB_SHUTTING_DOWN,
	dberr.TimedOut: C.RB_TIMED_OUT, dberr.Aborted: C.RB_ABORTED, dberr.Busy: C.RB_BUSY,
	dberr.Expired: C.RB_EXPIRED, dberr.TryAgain: C.RB_TRY_AGAIN,
	dberr.CompactionTooLarge: C.RB_COMPACTION_TOO_LARGE, dberr.FamilyDropped: C.RB_FAMILY_DROPPED,
	dberr.NoSpace: C.RB_NO_SPACE, dberr.Locked: C.RB_LOCKED, dberr.ReadOnly: C.RB_READ_ONLY,
	dberr.WouldBlock: C.RB_WOULD_BLOCK, dberr.NoMemory: C.RB_NO_MEMORY, dberr.Unknown: C.RB_UNKNOWN,
	dberr.SyncFailed: C.RB_SYNC_FAILED,
}
