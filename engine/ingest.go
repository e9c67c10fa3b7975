package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// IngestOptions say how table files become part of a family. Nil means the defaults.
type IngestOptions struct {
	// Move links the files into the database and removes their old names, instead of copying them. Over
	// file systems they are copied all the same.
	Move bool

	// Behind puts the rows below all that the family has, so that rows which are there win. The database
	// must have been opened with "allow_ingest_behind=true" in Options.Extra, before its first row.
	Behind bool

	// NoGlobalSequence refuses, with ErrInvalidArgument, files that need a sequence number of their own:
	// where they overlap with what is there, or with each other, or a snapshot is open.
	NoGlobalSequence bool

	// IgnoreSnapshots lets rows show in snapshots and iterators that are older, which may save a level.
	IgnoreSnapshots bool

	// NoFlush answers ErrWouldBlock where a memtable overlaps with the files. The default is to flush it,
	// while writes wait.
	NoFlush bool

	// BottommostOnly answers ErrTryAgain unless all files fit into the last level. ErrUnsupported before
	// RocksDB 8.1.
	BottommostOnly bool

	// Trusted leaves out the reading of all rows. RocksDB does not look at checksums here: of a file that
	// is damaged, rows may be lost without an error, and a library with assertions may end the process.
	// Files of an SSTWriter of this process that nobody touched since may be trusted.
	Trusted bool
}

// Ingest makes table files, made by an SSTWriter or RocksDB's own, part of the family: all of them or
// none, also over a crash. It is as one write: its rows replace rows that are there, and where files
// overlap, those of a later path win. Writers wait meanwhile; readers do not. Who reads sees all of it or
// nothing; snapshots and iterators that are older do not see it. It is durable when Ingest has returned.
//
// Each file is looked at before: ErrCorruption if it is no table file or damaged, ErrInvalidArgument
// if no SST writer made it, or if it was made with another comparator, or has operands of another
// merge operator than the family's. Where a disk is full, ErrNoSpace. ErrAborted once the file
// system has failed RocksDB since the database was opened, also after it has recovered: it would give the
// files wrong numbers. After an error the database is as it was, and so are the files.
//
// When ctx, which may be nil, ends, the caller leaves at once. Once the call into RocksDB is under way, it
// goes on behind: the error then says that the outcome is unknown, and the files must be left alone until
// the database has been closed.
func (c *ColumnFamily) Ingest(ctx context.Context, paths []string, o *IngestOptions) error {
	if o == nil {
		o = &IngestOptions{}
	}
	if err := c.enter(ctx, opIngest); err != nil {
		return err
	}
	err := c.mayIngest(ctx, paths, o)
	if err == nil {
		err = c.hold("ingest")
		if err != nil {
			c.release()
		}
	}
	if err != nil {
		c.db.guard.leave(opIngest)
		return c.describe(err, "ingest", nil)
	}
	return c.describe(c.ingest(ctx, slices.Clone(paths), o), "ingest", nil)
}

// ingest makes the call and gives back the family and the guard.
func (c *ColumnFamily) ingest(ctx context.Context, paths []string, o *IngestOptions) error {
	err := detached{
		call: func() error {
			if c.db.observed() {
				defer c.db.observe(ctx, opIngest, c, noKey)()
			}
			if !o.NoFlush {
				if err := c.db.pauses.begin(); err != nil {
					return err
				}
				defer c.db.pauses.done()
			}
			if err := c.db.refuseIngestion(); err != nil {
				return err
			}
			return o.meaning(shutDown(c.db.note(c.c.Ingest(paths, o.c()))))
		},
		end: func(bool) {
			c.release()
			c.db.guard.leave(opIngest)
		},
	}.run(ctx)
	if e, ok := err.(*Error); ok && ctx != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		e.Msg += ": the outcome is unknown"
	}
	return err
}

func (o *IngestOptions) c() cbridge.IngestOptions {
	return cbridge.IngestOptions{
		Move: o.Move, Behind: o.Behind, NoSequence: o.NoGlobalSequence, IgnoreSnapshots: o.IgnoreSnapshots,
		NoFlush: o.NoFlush, Bottommost: o.BottommostOnly,
	}
}

// meaning is RocksDB's answer as the options have it.
func (o *IngestOptions) meaning(err error) error {
	if e, ok := err.(*Error); ok && o.NoFlush && e.Code == dberr.InvalidArgument && strings.Contains(e.Msg, "requires flush") {
		e.Code = dberr.WouldBlock
	}
	return err
}

// mayIngest refuses what RocksDB would not.
func (c *ColumnFamily) mayIngest(ctx context.Context, paths []string, o *IngestOptions) error {
	if err := c.bytewiseOnly(""); err != nil {
		return err
	}
	if err := c.db.plainFiles(); err != nil {
		return err
	}
	switch {
	case c.db.readOnly:
		return dberr.New("", dberr.ReadOnly, "")
	case c.db.tx.mode != NoTx:
		return errUnlocked()
	case len(paths) == 0:
		return invalid("", "no files")
	case o.BottommostOnly && !Supports(IngestBottommost):
		return unsupported("ingest", IngestBottommost)
	}
	if err := c.db.full(); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(paths))
	for i, path := range sorted {
		if err := validateFile(path); err != nil {
			return err
		}
		if i > 0 && path == sorted[i-1] {
			return describe(invalid("", "the file is named twice"), "", path)
		}
	}
	for _, path := range paths {
		if err := c.mayIngestFile(ctx, path, o.Trusted); err != nil {
			return describe(err, "ingest", path)
		}
	}
	return nil
}

// mayIngestFile looks at a file, and reads it unless it is trusted.
func (c *ColumnFamily) mayIngestFile(ctx context.Context, path string, trusted bool) error {
	p, err := readTableProperties(path)
	if err != nil {
		return err
	}
	switch {
	case p.Comparator != "leveldb.BytewiseComparator":
		return invalid("", "it was made with comparator "+cut(p.Comparator))
	case !p.External:
		return invalid("", "no SST writer made it: files of databases cannot be ingested")
	case p.Merges > 0 && !c.ops.takeOperandsOf(p.MergeOperator):
		return invalid("", "its operands are for merge operator "+cut(p.MergeOperator)+", which is not the family's")
	case trusted:
		return nil
	}
	return readWhole(ctx, path, c.ops)
}

// takeOperandsOf tells whether a family's merge operator may merge operands of a file that names its own as RocksDB
// does.
func (o *operators) takeOperandsOf(name string) bool {
	if name == "UInt64AddOperator" {
		name = Uint64Add
	}
	return o.merges() && sameOperands(name, o.merge)
}

// readWhole reads every row of a table file, and so every checksum.
func readWhole(ctx context.Context, path string, ops operators) error {
	info, err := os.Stat(path)
	if err != nil {
		return dberr.Wrap("", dberr.IO, err)
	}
	temp, err := os.MkdirTemp("", "rockbridge-ingest-")
	if err != nil {
		return dberr.Wrap("", dberr.IO, err)
	}
	defer os.RemoveAll(temp)
	db, err := tableSet(filepath.Join(temp, "db"), []SSTInfo{{Path: path, Size: info.Size()}}, ops)
	if err != nil {
		return unplaced(err)
	}
	defer db.close()
	if ctx == nil {
		ctx = context.Background()
	}
	_, _, _, err = Count(ctx, db, &IterOptions{NoFillCache: true})
	return unplaced(err)
}

// unplaced takes the temporary directory out of an error.
func unplaced(err error) error {
	if e, ok := err.(*Error); ok {
		e.Path, e.Op = "", ""
	}
	return err
}
