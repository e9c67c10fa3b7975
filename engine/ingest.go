package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// IngestOptions say how table files become part of a family. Nil means the defaults.
type IngestOptions struct {
	// Move links the files into the database and removes their old names, instead of copying them. Over
	// file systems they are copied all the same.
	Move bool

	// Link links the files into the database and leaves their old names too: they are then files of the database, which
	// nobody may write to, and take no room of their own. Over file systems they are copied all the same. Not with
	// Move. ErrUnsupported before RocksDB 11.6.
	Link bool

	// NoCopy answers ErrIO, of which errors.Is finds syscall.EXDEV, where Move or Link cannot link the files, instead
	// of copying them. ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx (feature IngestNoCopy).
	NoCopy bool

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

	// NoFillCache keeps what RocksDB reads of the files, when it takes them, out of the block cache. ErrUnsupported
	// before RocksDB 11.6.
	NoFillCache bool

	// Threads is how many threads open the files, up to 64; 0: one. Writers wait as long as that takes.
	// ErrUnsupported before RocksDB 11.6 unless it is 0.
	Threads int

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
// files wrong numbers. After an error the database is as it was, and so are the files; but where RocksDB before 8.9 could
// not read the range of one of several files, the others were ingested, as the ErrIO then says.
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
	tables, err := c.mayIngest(ctx, paths, o)
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
	return c.describe(c.ingest(ctx, tables, o), "ingest", nil)
}

// ingest makes the call and gives back the family and the guard.
func (c *ColumnFamily) ingest(ctx context.Context, tables []ingestedTable, o *IngestOptions) error {
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
			c.refit.RLock()
			defer c.refit.RUnlock()
			if err := c.db.refuseIngestion(); err != nil {
				return err
			}
			return o.meaning(shutDown(c.db.note(c.ingestChecked(tables, o))))
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
		Link: o.Link, NoCopy: o.NoCopy, NoFill: o.NoFillCache, Threads: uint32(o.Threads),
	}
}

// check refuses what makes no sense, or is not there.
func (o *IngestOptions) check() error {
	switch {
	case o.Move && o.Link:
		return invalid("", "Move and Link exclude each other")
	case o.NoCopy && !o.Move && !o.Link:
		return invalid("", "NoCopy is for Move or Link")
	case o.Threads < 0 || o.Threads > 64:
		return invalid("", "Threads is not between 0 and 64")
	case o.BottommostOnly && !Supports(IngestBottommost):
		return unsupported("", IngestBottommost)
	case (o.Link || o.NoFillCache || o.Threads > 0) && !Supports(IngestLinks):
		return unsupported("", IngestLinks)
	case o.NoCopy && !Supports(IngestNoCopy):
		return unsupported("", IngestNoCopy)
	}
	return nil
}

// meaning is RocksDB's answer as the options have it.
func (o *IngestOptions) meaning(err error) error {
	e, ok := err.(*Error)
	switch {
	case !ok:
	case o.NoFlush && e.Code == dberr.InvalidArgument && strings.Contains(e.Msg, "requires flush"):
		e.Code = dberr.WouldBlock
	case o.NoCopy && e.Code == dberr.Unsupported && (strings.Contains(e.Msg, "FS links") || strings.Contains(e.Msg, "by FS")):
		return dberr.Wrap("", dberr.IO, syscall.EXDEV) // links over file systems, or on one that has none
	}
	return err
}

// mayIngest refuses what RocksDB would not, and tells what it saw of the files.
func (c *ColumnFamily) mayIngest(ctx context.Context, paths []string, o *IngestOptions) ([]ingestedTable, error) {
	if err := c.bytewiseOnly(""); err != nil {
		return nil, err
	}
	if err := c.db.plainFiles(); err != nil {
		return nil, err
	}
	switch {
	case c.db.readOnly:
		return nil, dberr.New("", dberr.ReadOnly, "")
	case c.db.tx.mode != NoTx:
		return nil, errUnlocked()
	case len(paths) == 0:
		return nil, invalid("", "no files")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := c.db.full(); err != nil {
		return nil, err
	}
	sorted := slices.Sorted(slices.Values(paths))
	for i, path := range sorted {
		if err := validateFile(path); err != nil {
			return nil, err
		}
		if i > 0 && path == sorted[i-1] {
			return nil, describe(invalid("", "the file is named twice"), "", path)
		}
	}
	tables := make([]ingestedTable, len(paths))
	for i, path := range paths {
		var err error
		if tables[i], err = c.mayIngestFile(ctx, path, o.Trusted); err != nil {
			return nil, describe(err, "ingest", path)
		}
	}
	return tables, nil
}

// mayIngestFile looks at a file, and reads it unless it is trusted.
func (c *ColumnFamily) mayIngestFile(ctx context.Context, path string, trusted bool) (t ingestedTable, err error) {
	p, size, err := readTableProperties(path)
	if err != nil {
		return t, err
	}
	t = newIngestedTable(path, size, p)
	switch {
	case p.Comparator != "leveldb.BytewiseComparator":
		return t, invalid("", "it was made with comparator "+cut(p.Comparator))
	case !p.External:
		return t, invalid("", "no SST writer made it: files of databases cannot be ingested")
	case p.RangeDeletions > 0 && c.db.rowCached:
		return t, errRowRange()
	case p.Merges > 0 && !c.ops.takeOperandsOf(p.MergeOperator):
		return t, invalid("", "its operands are for merge operator "+cut(p.MergeOperator)+", which is not the family's")
	case trusted:
		return t, nil
	}
	t.first, t.last, t.known, err = readWhole(ctx, path, c.ops)
	return t, err
}

// takeOperandsOf tells whether a family's merge operator may merge operands of a file that names its own as RocksDB
// does.
func (o *operators) takeOperandsOf(name string) bool {
	if name == "UInt64AddOperator" {
		name = Uint64Add
	}
	return o.merges() && sameOperands(name, o.merge)
}

// readWhole reads every row of a table file, and so every checksum. It gives the keys of the first and the last row that
// show, if there are any.
func readWhole(ctx context.Context, path string, ops operators) (first, last []byte, any bool, err error) {
	defer func() { err = unplaced(err) }()
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, false, dberr.Wrap("", dberr.IO, err)
	}
	temp, err := os.MkdirTemp("", "rockbridge-ingest-")
	if err != nil {
		return nil, nil, false, dberr.Wrap("", dberr.IO, err)
	}
	defer os.RemoveAll(temp)
	db, err := tableSet(filepath.Join(temp, "db"), []SSTInfo{{Path: path, Size: info.Size()}}, ops)
	if err != nil {
		return nil, nil, false, err
	}
	defer db.close()
	if ctx == nil {
		ctx = context.Background()
	}
	o := &IterOptions{NoFillCache: true}
	rows, _, _, err := Count(ctx, db, o)
	if err != nil || rows == 0 {
		return nil, nil, false, err
	}
	if first, err = FirstKey(ctx, db, o); err != nil {
		return nil, nil, false, err
	}
	last, err = LastKey(ctx, db, o)
	return first, last, err == nil, err
}

// unplaced takes the temporary directory out of an error.
func unplaced(err error) error {
	if e, ok := err.(*Error); ok {
		e.Path, e.Op = "", ""
	}
	return err
}
