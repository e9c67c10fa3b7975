package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_backups_open
// #cgo nocallback rb_backups_open
// #cgo noescape rb_backups_close
// #cgo nocallback rb_backups_close
// #cgo noescape rb_backups_create
// #cgo nocallback rb_backups_create
// #cgo noescape rb_backups_stop
// #cgo nocallback rb_backups_stop
// #cgo noescape rb_backups_restore
// #cgo nocallback rb_backups_restore
// #cgo noescape rb_backups_purge
// #cgo nocallback rb_backups_purge
import "C"

import "unsafe"

// Backups is a folder of backups in RocksDB's format.
type Backups struct{ p *C.rb_backups }

// BackupOptions say how files are copied.
type BackupOptions struct {
	CreateRate, RestoreRate uint64 // bytes a second; 0: no limit
	Threads                 uint32 // files copied at once; 0: 1
	NoSync                  bool
}

// OpenBackups opens the folder, which is made if it is missing. One at a time may change a folder.
func OpenBackups(dir string, o BackupOptions) (*Backups, error) {
	path := C.CString(dir)
	defer C.free(unsafe.Pointer(path))
	r := C.rb_backups_open(path, C.rb_backup_options{
		create_rate: C.uint64_t(o.CreateRate), restore_rate: C.uint64_t(o.RestoreRate),
		threads: C.uint32_t(o.Threads), no_sync: flag(o.NoSync),
	})
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &Backups{r.backups}, nil
}

// Create adds a backup of a database and gives its number. A note that is not nil is code Unsupported
// before RocksDB 11.6.
func (b *Backups) Create(d *DB, flush bool, note []byte) (id uint32, err error) {
	r := C.rb_backups_create(b.p, d.p, flag(flush), ptr(note), C.size_t(len(note))) // an empty note is no NULL
	return uint32(r.id), failure(r.status)
}

// Stop has Create, in another goroutine, fail soon, and every later one of b. It does nothing before
// RocksDB 11.5.
func (b *Backups) Stop() { C.rb_backups_stop(b.p) }

// Restore copies a backup to a folder, its logs to another or the same. What they hold is deleted first.
func (b *Backups) Restore(id uint32, dir, walDir string) error {
	path, wal := C.CString(dir), C.CString(walDir)
	defer C.free(unsafe.Pointer(path))
	defer C.free(unsafe.Pointer(wal))
	return failure(C.rb_backups_restore(b.p, C.uint32_t(id), path, wal))
}

// Purge deletes the oldest backups until keep are left, and files that are no backup's any more.
func (b *Backups) Purge(keep uint32) error {
	return failure(C.rb_backups_purge(b.p, C.uint32_t(keep)))
}

// Close ends it; no call may be under way.
func (b *Backups) Close() {
	C.rb_backups_close(b.p)
	b.p = nil
}
