package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Resume has RocksDB take commits again after a background error, once its cause is gone: memtables are flushed anew.
// It answers nil if there was no such error, and why if RocksDB cannot go on: ErrNoSpace or ErrIO, as do commits and
// Health then.
//
// It mends lack of space, and what RocksDB itself thinks can be tried again. From that it goes on by itself, some
// seconds after there is space, unless Options.ManualRecovery is set; ErrBusy while it is at that. Any other failed
// write of a file is fatal to RocksDB (7.8 to 9.11): Resume answers the same error from then on, and the database has
// to be closed and opened again. So it is after a failed sync of the log: ErrSyncFailed, and nothing is tried.
//
// The caller leaves when ctx, which may be nil, ends; the attempt goes on. ErrReadOnly on a database that is open for
// reading only. It needs the build tag rb_cxx: ErrUnsupported.
func (d *DB) Resume(ctx context.Context) error {
	return d.describe(d.resume(ctx), "resume")
}

func (d *DB) resume(ctx context.Context) error {
	if err := d.enterWrite(ctx, opResume); err != nil {
		return err
	}
	err := d.commits.syncer.failure()
	if err == nil && !Supports(Resume) {
		err = unsupported("resume", Resume)
	}
	if err != nil {
		d.guard.leave(opResume)
		return err
	}
	return detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opResume, nil, noKey)()
			}
			if err := d.pauses.begin(); err != nil {
				return err
			}
			defer d.pauses.done()
			return shutDown(d.c.Resume())
		},
		end: func(bool) { d.guard.leave(opResume) },
	}.run(ctx)
}

// CXX tells about what the build tag rb_cxx adds: nil if it is there, else ErrUnsupported, which says whether the tag
// was missing or why its part does not fit the linked RocksDB. No database opens then: see docs/versions.md.
func CXX() error {
	switch {
	case cbridge.Supports(cbridge.FeatureResume):
		return nil
	case cbridge.CXXWords() != "":
		return dberr.New("rb_cxx", dberr.Unsupported, cbridge.CXXWords())
	}
	return dberr.New("rb_cxx", dberr.Unsupported, "the program was built without the tag rb_cxx")
}
