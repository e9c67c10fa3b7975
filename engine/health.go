package engine

import (
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// Health is nil if the database takes commits, and what a commit would answer if it does not:
//
//   - ErrSyncFailed after a sync of the write-ahead log has failed. Rows that were written and not
//     acknowledged may be lost in a power cut, and whether the file system would notice another failure
//     is not known: so no commit is taken until the database is closed and opened again.
//     Before RocksDB 9.4 so too after the log met a full disk with all memtables empty: there RocksDB cannot go on.
//   - ErrNoSpace and other ErrIO after RocksDB could not write. It tries again by itself, every few
//     seconds where the disk was full. ErrNoSpace also while the files of a DiskBudget take its MaxBytes.
//   - ErrClosed, also once Close has begun.
//   - ErrAborted with an *OperatorError once an operator written in Go has panicked or failed, though
//     commits may be taken. This one also of a database that is open for reading only.
//
// It asks RocksDB by writing an empty batch to the log. A database in a write stall, and one that is
// open for reading only, is healthy. Health is safe for concurrent use and never waits for a stall.
func (d *DB) Health() error {
	if err := d.enter(nil, opProperty); err != nil {
		return err
	}
	defer d.guard.leave(opProperty)
	if err := d.operatorFailures.error(); err != nil {
		return describe(err, "health", d.path)
	}
	if d.readOnly {
		return nil
	}
	err := d.commits.syncer.failure()
	if err == nil {
		err = d.full()
	}
	if err == nil {
		err = shutDown(d.noteWrite(d.c.Write(cbridge.NoSlowdown, batchrepr.AppendHeader(nil))))
	}
	if e, ok := err.(*Error); ok && e.Code == dberr.Incomplete {
		return nil // a write stall
	}
	return describe(err, "health", d.path)
}
