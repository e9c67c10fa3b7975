package engine

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Flush writes the memtables of every family to files and waits. With RocksDB 8.1 and later it is
// one atomic flush, before that one after the other.
func (d *DB) Flush() error {
	if d == nil || d.c == nil {
		return ErrClosed
	}
	return d.flush(*d.families.Load())
}

// Flush writes the family's memtable to a file and waits.
func (c *ColumnFamily) Flush() error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	if c.dropped.Load() && !c.db.guard.closing.Load() {
		return c.errDropped("flush")
	}
	return c.describe(c.db.flush([]*ColumnFamily{c}), "flush", nil)
}

func (d *DB) flush(families []*ColumnFamily) error {
	if err := d.enterWrite(nil, opFlush); err != nil {
		return describe(err, "flush", d.path)
	}
	defer d.guard.leave(opFlush)
	var cs []*cbridge.Family
	for _, c := range families {
		err := c.hold("flush")
		defer c.release()
		if err == nil {
			cs = append(cs, c.c)
		}
	}
	if d.observed() {
		defer d.observe(nil, opFlush, nil, noKey)()
	}
	if err := d.pauses.begin(); err != nil {
		return describe(err, "flush", d.path)
	}
	defer d.pauses.done()
	if err := d.stopped(); err != nil {
		return describe(shutDown(err), "flush", d.path)
	}
	return describe(shutDown(d.note(d.c.Flush(cs))), "flush", d.path)
}

// SyncWAL syncs the write-ahead log to disk: every write acknowledged before survives a power cut. It
// shares a sync with others who wait for one. ErrSyncFailed if this or an earlier sync failed. It waits
// for the end of a write stall.
func (d *DB) SyncWAL() error {
	if err := d.enterWrite(nil, opSyncWAL); err != nil {
		return d.describe(err, "sync WAL")
	}
	defer d.guard.leave(opSyncWAL)
	return describe(d.commits.syncer.sync(), "sync WAL", d.path)
}

// syncWAL is the call into C.
func (d *DB) syncWAL() error {
	if d.observed() {
		defer d.observe(nil, opSyncWAL, nil, noKey)()
	}
	return d.noteWrite(d.c.SyncWAL())
}

// FlushWAL hands what RocksDB keeps of the write-ahead log in the process to the operating system, without
// a sync: every write acknowledged before survives the end of the process, not a power cut. There is
// something to hand over only with manual_wal_flush=true in Options.Extra, where commits cost no call of the
// system and a crash takes the last ones. It does not wait for writes, nor for the end of a write stall.
// ErrNoSpace and ErrIO leave the database as such an error of a write would. Safe for concurrent use.
func (d *DB) FlushWAL() error {
	if err := d.enterWrite(nil, opFlushWAL); err != nil {
		return d.describe(err, "flush WAL")
	}
	defer d.guard.leave(opFlushWAL)
	return describe(shutDown(d.flushWAL()), "flush WAL", d.path)
}

func (d *DB) flushWAL() error {
	if l := d.commits.lane(0); l != nil {
		if err := l.acquire(nil); err != nil {
			return err
		}
		defer l.release()
	}
	if err := d.commits.syncer.failure(); err != nil {
		return err // the file system may have dropped pages of the same log
	}
	if d.observed() {
		defer d.observe(nil, opFlushWAL, nil, noKey)()
	}
	return d.noteWrite(d.c.FlushWAL())
}

func (d *DB) describe(err error, op string) error {
	if d == nil {
		return err
	}
	return describe(err, op, d.path)
}

// Checkpoint makes a consistent copy of the database in directory dir, which must not exist. Files are
// linked, not copied, where dir lies on the same file system. The copy of a database in memory is in the
// same MemoryFiles. When ctx, which may be nil, ends, the caller leaves at once; the copy is then finished
// without it, and removed.
func (d *DB) Checkpoint(ctx context.Context, dir string) error {
	if err := d.enter(ctx, opCheckpoint); err != nil {
		return err
	}
	if err := validatePath(dir); err != nil {
		d.guard.leave(opCheckpoint)
		return describe(err, "checkpoint", d.path)
	}
	if d.files != nil {
		dir = inRoot(dir)
	}
	return describe(detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opCheckpoint, nil, noKey)()
			}
			if err := d.pauses.begin(); err != nil {
				return err
			}
			defer d.pauses.done()
			if err := d.stopped(); err != nil {
				return err
			}
			err := shutDown(d.note(d.c.Checkpoint(dir)))
			if err == nil && d.files != nil {
				d.files.copyOptions(d.path, dir)
			}
			return err
		},
		undo: func() {
			remove := os.RemoveAll
			if d.files != nil {
				remove = d.files.destroy
			}
			if err := remove(dir); err != nil {
				say(d.log, slog.LevelWarn, "rockbridge: a checkpoint that nobody waits for is left behind", slog.Any("error", err))
			}
		},
		end: func(bool) { d.guard.leave(opCheckpoint) },
	}.run(ctx), "checkpoint", dir)
}

// LatestSequence is the sequence number of the newest write; 0 on a closed database.
func (d *DB) LatestSequence() uint64 {
	if d.enter(nil, opProperty) != nil {
		return 0
	}
	defer d.guard.leave(opProperty)
	return d.c.LatestSequence()
}

// waitSlice is how long WaitForCompact stays in C before it looks at its context again.
const waitSlice = 50 * time.Millisecond

// WaitForCompact waits until no flush or compaction is pending, or until ctx, which may be nil, ends.
// ErrUnsupported before RocksDB 8.7.
func (d *DB) WaitForCompact(ctx context.Context) error {
	return d.describe(d.waitForCompact(ctx), "wait for compact")
}

func (d *DB) waitForCompact(ctx context.Context) error {
	for {
		if err := d.enter(ctx, opWaitForCompact); err != nil {
			return err
		}
		if !Supports(WaitForCompact) {
			d.guard.leave(opWaitForCompact)
			return unsupported("wait for compact", WaitForCompact)
		}
		if d.pauses.active() {
			d.guard.leave(opWaitForCompact)
			return errPaused()
		}
		err := d.c.WaitForCompact(waitSlice)
		d.guard.leave(opWaitForCompact)
		if e, ok := err.(*Error); !ok || e.Code != dberr.TimedOut {
			return shutDown(err)
		}
		if d.files != nil {
			time.Sleep(time.Millisecond) // by the clock there no wait takes time
		}
	}
}

// shutDown is ErrClosed for what RocksDB gave up because Close had it end its work.
func shutDown(err error) error {
	if e, ok := err.(*Error); ok && e.Code == dberr.ShuttingDown {
		return ErrClosed
	}
	return err
}
