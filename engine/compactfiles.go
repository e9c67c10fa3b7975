package engine

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// CompactFilesOptions say how files are compacted. Nil means the defaults.
type CompactFilesOptions struct {
	// MaxFileSize is how many bytes each new file has at most; 0: there is one file.
	MaxFileSize int64
}

// CompactFiles compacts table files of the default family: see ColumnFamily.CompactFiles.
func (d *DB) CompactFiles(ctx context.Context, names []string, level int, o *CompactFilesOptions) error {
	return d.family().CompactFiles(ctx, names, level, o)
}

// CompactFiles compacts table files of the family, by their names as LiveFiles gives them, into a level, and waits. What
// rows need for their order RocksDB adds: of level 0 all files that are older than one of them, and below it those whose
// ranges overlap. It is for programs that know better than RocksDB what should lie where.
//
// ErrNotFound, in an *Error, for a file that the family has not, or not any more; ErrAborted where another compaction
// has one of the files, or writes where they would go; ErrInvalidArgument for a level above one of the files, or one
// that the family has not, or a name that is none of a table file; ErrNoSpace where RocksDB, after a disk was full, sees no
// room for it. The files are then as they were. After an error of the file system the database may be in a failed state, as after any
// compaction: see Health.
//
// One compaction by hand, Compact included, runs at a time in a database, others wait. When ctx, which may be nil,
// ends, the caller leaves at once; from RocksDB 11.6 on the compaction stops soon, before it is finished behind the
// caller. Close stops it. It is safe for concurrent use. ErrReadOnly on a database that is open for reading only,
// ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx.
func (c *ColumnFamily) CompactFiles(ctx context.Context, names []string, level int, o *CompactFilesOptions) error {
	if o == nil {
		o = &CompactFilesOptions{}
	}
	if err := c.enter(ctx, opCompact); err != nil {
		return err
	}
	err := c.mayCompactFiles(names, level, o)
	if err == nil {
		err = c.db.guard.lanes.enterCompact(ctx)
	}
	if err != nil {
		c.db.guard.leave(opCompact)
		return c.describe(err, "compact files", nil)
	}
	return c.describe(c.compactFiles(ctx, slices.Clone(names), level, o.MaxFileSize), "compact files", nil)
}

// mayCompactFiles refuses what RocksDB would take for something else.
func (c *ColumnFamily) mayCompactFiles(names []string, level int, o *CompactFilesOptions) error {
	switch {
	case c.db.readOnly:
		return dberr.New("", dberr.ReadOnly, "")
	case !Supports(CompactFiles):
		return unsupported("", CompactFiles)
	case len(names) == 0:
		return invalid("", "no files")
	case level < 0 || level > math.MaxInt32:
		return invalid("", "there is no such level")
	case o.MaxFileSize < 0:
		return invalid("", "MaxFileSize is negative")
	}
	for _, name := range names {
		if !isTableName(name) {
			return invalid("", cut(name)+" is no name of a table file, such as 000012.sst")
		}
	}
	return nil
}

// isTableName tells whether a name is one as LiveFiles gives them. RocksDB takes any digits before the last dot.
func isTableName(name string) bool {
	if len(name) > 64 { // ParseUint would copy it into its error
		return false
	}
	digits, ok := strings.CutSuffix(name, ".sst")
	n, err := strconv.ParseUint(digits, 10, 64)
	return ok && err == nil && tableName(n) == name
}

// compactFiles makes the call and gives back the lanes and the guard.
func (c *ColumnFamily) compactFiles(ctx context.Context, names []string, level int, most int64) error {
	d := c.db
	stop, err := cbridge.NewStop()
	if err != nil {
		d.guard.lanes.leaveCompact()
		d.guard.leave(opCompact)
		return err
	}
	return detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opCompact, c, noKey)()
			}
			defer c.release()
			if err := c.hold(""); err != nil {
				return err
			}
			err := d.manifestCall(func() error { return c.c.CompactFiles(names, int32(level), uint64(most), stop) })
			if err != nil && d.guard.closing.Load() {
				return ErrClosed
			}
			return whyNotFiles(err)
		},
		stop: func() {
			stop.Set()
			d.jobs.hold()
		},
		end: func(gone bool) {
			if gone {
				d.jobs.release()
			}
			stop.Free()
			d.guard.lanes.leaveCompact()
			d.guard.leave(opCompact)
		},
	}.run(ctx)
}

// whyNotFiles gives RocksDB's answers the codes that callers tell apart.
func whyNotFiles(err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	switch {
	case e.Code == dberr.InvalidArgument && strings.Contains(e.Msg, "does not exist in column family"):
		e.Code = dberr.NotFound
	case e.Code == dberr.CompactionTooLarge:
		return dberr.New("", dberr.NoSpace, "there is no room for the compaction")
	}
	return err
}
