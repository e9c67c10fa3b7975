package cbridge

// #include "rb.h"
// #cgo noescape rb_pause_background
// #cgo nocallback rb_pause_background
// #cgo noescape rb_continue_background
// #cgo nocallback rb_continue_background
import "C"

// PauseBackground waits until no flush or compaction runs, and has RocksDB begin none until ContinueBackground. What
// flushes and waits for it then waits until then. Code Unsupported before RocksDB 11.6 without the tag rb_cxx.
func (d *DB) PauseBackground() error { return failure(C.rb_pause_background(d.p)) }

// ContinueBackground ends one PauseBackground that succeeded.
func (d *DB) ContinueBackground() error { return failure(C.rb_continue_background(d.p)) }
