package engine

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// ImportOptions say how exported rows are read and written. Nil means the defaults.
type ImportOptions struct {
	// Resume goes on with an import that stopped: the reader must stand at Resume.Offset.
	Resume *StreamPosition
	// MaxRow is how long a row's key and value may be together; 0: 256 MiB. Memory for a longer one is
	// not taken: it is ErrTooLarge.
	MaxRow int64
	// Write says how each block of rows is committed. Its Context and LowPriority are not used.
	Write *WriteOptions
}

const (
	defaultMaxRow = 256 << 20
	importBuffer  = 1 << 20
	importMost    = 16 << 20 // bytes of rows in a call into C, as exportWalk
)

// utoa64 is n in decimal.
func utoa64(n uint64) string { return strconv.FormatUint(n, 10) }

// Import reads rows that Export wrote into the default family: see ColumnFamily.Import.
func (d *DB) Import(ctx context.Context, rd io.Reader, o *ImportOptions) (StreamPosition, error) {
	return d.family().Import(ctx, rd, o)
}

// Import reads rows that Export wrote, whatever family or range they are of, and puts them into the
// family. Decompressing, verifying and writing happen in C, one call for each megabyte read. Rows come in
// blocks of about a megabyte, each of which is written in one batch, and none of it before all of it was
// verified. ctx, which may be nil, is looked at between the calls; a Read that blocks must end by itself.
//
// It returns the end of the last block that was written. When that is not Whole, there is an error, and the
// import can go on from there (ImportOptions.Resume), or from the beginning: to write rows again that are there
// already changes nothing. A file that is damaged, of another version, cut off or followed by other bytes
// is ErrCorruption, and the text names the byte; ErrTooLarge a row above MaxRow. An error of rd is
// found by errors.Is. Rows are as durable as o.Write makes them: by default a SyncWAL must follow.
func (c *ColumnFamily) Import(ctx context.Context, rd io.Reader, o *ImportOptions) (StreamPosition, error) {
	if c == nil || c.db == nil {
		return StreamPosition{}, ErrClosed
	}
	m := &importing{op: "import", cf: c, ctx: ctx}
	err := c.bytewiseOnly(m.op)
	if err == nil {
		err = m.ready()
	}
	if err == nil {
		err = m.run(rd, o)
	}
	return m.at, c.describe(err, m.op, nil)
}

// CheckExport reads what Export wrote and verifies all of it, without a database. It returns the end of the
// last whole frame: of a file whose export was interrupted, that is where ExportOptions.Resume goes on
// once the file was cut off there. Errors are those of ColumnFamily.Import; o.Write is not used.
func CheckExport(ctx context.Context, rd io.Reader, o *ImportOptions) (StreamPosition, error) {
	m := &importing{op: "check export", ctx: ctx}
	err := m.run(rd, o)
	return m.at, err
}

// importing is an import under way.
type importing struct {
	op    string
	ctx   context.Context
	cf    *ColumnFamily // nil: rows are only verified
	c     *cbridge.Import
	flags uint32
	at    StreamPosition
	named bool // the header is known
}

// ready refuses a family that cannot be written to, before anything is read.
func (m *importing) ready() error {
	if err := m.cf.enter(m.ctx, opImport); err != nil {
		return err
	}
	defer m.cf.db.guard.leave(opImport)
	if m.cf.db.readOnly {
		return dberr.New("", dberr.ReadOnly, "")
	}
	if m.cf.db.tx.mode != NoTx {
		return errUnlocked()
	}
	return nil
}

func (m *importing) run(rd io.Reader, o *ImportOptions) error {
	if o == nil {
		o = &ImportOptions{}
	}
	if err := m.begin(rd, o); err != nil {
		return err
	}
	defer m.c.Free()
	buf := make([]byte, importBuffer)
	for {
		if m.ctx != nil && m.ctx.Err() != nil {
			return dberr.FromContext(m.op, m.ctx.Err())
		}
		n, end := fullRead(rd, buf)
		if err := m.feed(buf[:n]); err != nil {
			return err
		}
		switch {
		case end == nil:
		case end != io.EOF:
			return dberr.Wrap(m.op, dberr.IO, end)
		case !m.at.Whole:
			return dberr.New(m.op, dberr.Corruption, "the export is not whole: nothing follows byte "+
				utoa64(uint64(m.at.Offset))+" but perhaps part of a frame")
		default:
			return nil
		}
	}
}

// begin checks the options and makes what C needs.
func (m *importing) begin(rd io.Reader, o *ImportOptions) (err error) {
	switch {
	case rd == nil:
		return invalid(m.op, "the reader is nil")
	case o.MaxRow < 0:
		return invalid(m.op, "MaxRow is negative")
	}
	if m.flags, err = o.Write.flags(m.op, lowPriorityMost+1); err != nil {
		return err
	}
	if o.Resume != nil {
		if err := o.Resume.check(m.op); err != nil {
			return err
		}
		m.at = *o.Resume
		m.named = m.at.Offset > 0
	}
	maxRow := o.MaxRow
	if maxRow == 0 {
		maxRow = defaultMaxRow
	}
	m.c, err = cbridge.NewImport(m.at.below(), uint64(maxRow))
	return describe(err, m.op, "")
}

// feed gives C what was read, until it is done with it.
func (m *importing) feed(p []byte) error {
	for more := false; len(p) > 0 || more; {
		x, err := m.step(p)
		if x.Position.Offset > 0 {
			m.at.advance(x.Position)
		}
		if x.Head != nil {
			if m.named = m.at.Header.parse(x.Head); !m.named {
				return dberr.New(m.op, dberr.Corruption, "the head, at byte 0, is malformed")
			}
		}
		if err != nil {
			return err
		}
		p, more = p[x.Taken:], x.More
	}
	return nil
}

// step is one call into C.
func (m *importing) step(p []byte) (x cbridge.Imported, err error) {
	if m.cf == nil {
		x = m.c.Feed(nil, 0, p, importMost, !m.named)
		return x, streamError(x.Err, m.op, &x)
	}
	d := m.cf.db
	if err := d.enterWrite(m.ctx, opImport); err != nil {
		return x, err
	}
	defer d.guard.leave(opImport)
	defer m.cf.release()
	if err := m.cf.hold(m.op); err != nil {
		return x, err
	}
	err = d.commits.alone(m.ctx, m.flags, pending{apply: func(flags uint32) error {
		if d.observed() {
			defer d.observe(m.ctx, opImport, m.cf, noKey)()
		}
		x = m.c.Feed(m.cf.c, flags, p, importMost, !m.named)
		return x.Err
	}})
	return x, streamError(blocked(shutDown(err), m.flags&cbridge.NoSlowdown != 0), m.op, &x)
}

// fullRead fills p as far as rd has bytes. The error is rd's: io.EOF only at the end.
func fullRead(rd io.Reader, p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil; {
		var more int
		more, err = rd.Read(p[n:])
		if more < 0 || more > len(p)-n {
			return n, errors.New("the reader says that it read more than there was room for")
		}
		n += more
		if idle++; more > 0 {
			idle = 0
		}
		if idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// streamError says where the stream is wrong, or completes another error of an import.
func streamError(err error, op string, x *cbridge.Imported) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	switch x.Wrong {
	case cbridge.StreamWrong:
		e.Msg += ", in the frame that begins at byte " + utoa64(x.Position.Offset)
	case cbridge.StreamTooLarge:
		e.Code = dberr.TooLarge
		e.Msg = "a row exceeds MaxRow, in the frame that begins at byte " + utoa64(x.Position.Offset)
	}
	return describe(e, op, "")
}
