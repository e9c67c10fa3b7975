package engine

import (
	"bytes"
	"context"
	"io"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// ExportOptions say how rows are exported. Nil means the defaults.
type ExportOptions struct {
	Level int // zstd's, 1 to 19; 0: 3

	// Resume goes on with an export of the same range that stopped: w must stand at Resume.Offset, with
	// what was behind it cut off. One without an Offset begins anew.
	Resume *StreamPosition
	// OtherState lets it go on over another state than the one before, or over one that is not known to
	// be the same: the file then has the rows up to Resume.LastKey as they were, those behind it as they
	// are, and says so (StreamPosition.Mixed). Without it that is ErrInvalidArgument.
	OtherState bool
}

const (
	defaultLevel = 3
	mostLevel    = 19
)

// exportWalk is how many bytes of rows a call into C goes over at most, by level: between calls the
// context is looked at, and Close may come in. High levels compress a few megabytes a second.
func exportWalk(level int) uint64 {
	switch {
	case level <= 5:
		return 16 << 20
	case level <= 12:
		return 4 << 20
	}
	return 1 << 20
}

// Export writes the rows that o describes to w, as a series of zstd frames with checksums, whose format
// is in docs/export.md: Import reads it, and so does any program by way of zstd. The rows are of one
// state, that of r's iterator. Walking, framing and compressing happen in C, one call for each megabyte
// that is written; w sees as many bytes at a time. ctx, which may be nil, is looked at between the calls;
// its deadline also ends one.
//
// It returns how far it came. When that is not Whole, there is an error, and the export can go on from
// there or from what CheckExport finds in the file: see ExportOptions.Resume. ErrInvalidArgument for
// options under which rows are not whole (KeysOnly, ValuesUpTo), ErrUnsupported for a family with WideColumns: streams have
// values only. An error of w is found by errors.Is.
func Export(ctx context.Context, r Reader, o *IterOptions, w io.Writer, eo *ExportOptions) (StreamPosition, error) {
	if r == nil {
		return StreamPosition{}, ErrClosed
	}
	if err := bytewiseReader("export", r); err != nil {
		return StreamPosition{}, err
	}
	if err := plainReader("export", r); err != nil {
		return StreamPosition{}, err
	}
	if o == nil {
		o = &IterOptions{}
	}
	if eo == nil {
		eo = &ExportOptions{}
	}
	from, err := eo.from(o, w)
	if err != nil {
		return from, err
	}
	o, stop := o.within(ctx)
	defer stop()
	known := stateOf(r)
	it, err := r.NewIter(o)
	if err != nil {
		return from, err
	}
	defer it.Close()
	known.settle()
	at, open, err := eo.begin(from, known, o)
	if err != nil {
		return from, err
	}
	rows := uint64(math.MaxUint64)
	if o.Limit > 0 {
		rows = uint64(max(0, int64(o.Limit)-at.Rows))
	}
	level := eo.level()
	e, err := cbridge.NewExport(at.below(), open, rows, level)
	if err != nil {
		return from, describe(err, "export", "")
	}
	defer e.Free()
	end, err := it.Export(ctx, e, exportWalk(level), w)
	if end.Offset <= uint64(from.Offset) {
		at.Mixed = from.Mixed // nothing of the other state got out
		return at, err
	}
	end.Mixed = at.Mixed
	at.advance(end)
	return at, err
}

func (eo *ExportOptions) level() int {
	if eo.Level == 0 {
		return defaultLevel
	}
	return eo.Level
}

// from checks what can be checked before anything is opened, and gives where the export begins.
func (eo *ExportOptions) from(o *IterOptions, w io.Writer) (StreamPosition, error) {
	var from StreamPosition
	switch {
	case o.KeysOnly || o.ValuesUpTo > 0:
		return from, invalid("export", "KeysOnly and ValuesUpTo leave nothing that could be imported")
	case eo.Level < 0 || eo.Level > mostLevel:
		return from, invalid("export", "Level must be 0, or between 1 and 19")
	case w == nil:
		return from, invalid("export", "the writer is nil")
	case eo.Resume == nil || eo.Resume.Offset == 0:
		return from, nil
	}
	return *eo.Resume, eo.Resume.check("export")
}

// begin gives the position where the export begins, and its first section.
func (eo *ExportOptions) begin(from StreamPosition, known *state, o *IterOptions) (at StreamPosition, open []byte, err error) {
	plan := o.plan()
	at = from
	at.snapshot = known.snapshot
	if from.Offset == 0 {
		at.Header = StreamHeader{
			Identity: known.identity, Family: known.family, Sequence: known.sequence,
			LowerBound: bytes.Clone(plan.Lower), UpperBound: bytes.Clone(plan.Upper),
		}
		return at, at.Header.section(), nil
	}
	h := &from.Header
	switch {
	case !sameBound(h.LowerBound, plan.Lower) || !sameBound(h.UpperBound, plan.Upper):
		return at, nil, invalid("export", "Resume is of another range")
	case h.Family != known.family:
		return at, nil, invalid("export", "Resume is of another family")
	case known.same(&from):
		return at, nil, nil
	case !eo.OtherState:
		return at, nil, invalid("export", "the state is another than that of Resume, or not known to be the same: see ExportOptions.OtherState")
	}
	at.Mixed = true
	return at, otherState(known.sequence), nil
}

func sameBound(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// state is what is known of the state that an export reads.
type state struct {
	db       *DB
	identity string
	family   string
	sequence uint64 // 0: not known
	snapshot *snapshotState
}

// stateOf looks at a reader before its iterator is made; settle must follow.
func stateOf(r Reader) *state {
	s := &state{}
	switch r := r.(type) {
	case *DB:
		s.read(r.family())
	case *ColumnFamily:
		s.read(r)
	case *Snapshot:
		if v, err := r.view(); err == nil {
			s.of(v.cf)
			s.snapshot = v.snap.snapshotState
			if n, err := r.Sequence(); err == nil {
				s.sequence = n
			}
		}
	}
	return s
}

// of takes what a family tells.
func (s *state) of(c *ColumnFamily) {
	if c == nil || c.db == nil {
		return
	}
	s.family = c.name
	if c.db.files != nil {
		return
	}
	// A database may have no such file: then it is not known.
	s.identity, _ = identityOnDisk(c.db.path)
}

// read is of for one whose newest state is read.
func (s *state) read(c *ColumnFamily) {
	s.of(c)
	if c != nil && c.db != nil {
		s.db = c.db
		s.sequence = c.db.LatestSequence()
	}
}

// settle comes after the iterator was made: a number that is still the newest is that of its state.
func (s *state) settle() {
	if s.db != nil && s.db.LatestSequence() != s.sequence {
		s.sequence = 0
	}
}

// same tells whether the rows of a position are known to be of this state.
func (s *state) same(p *StreamPosition) bool {
	if s.snapshot != nil && s.snapshot == p.snapshot {
		return true
	}
	return s.sequence != 0 && s.sequence == p.Header.Sequence &&
		s.identity != "" && s.identity == p.Header.Identity && !p.Mixed
}
