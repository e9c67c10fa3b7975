package iterator

import (
	"context"
	"io"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// exportBuffer is how many compressed bytes a call brings at most.
const exportBuffer = 1 << 20

// Export writes the rows of the range to w, framed and compressed by e in C: one call for each
// megabyte of what it writes, or for each walk bytes of rows. It looks at ctx, which may be nil, before
// each call and leaves the iterator fresh. It returns where the last whole frame ends that w has taken;
// an error of w is that of the *Error returned. For package engine only, as Export is of cbridge.
func (it *Iterator) Export(ctx context.Context, e *cbridge.Export, walk uint64, w io.Writer) (cbridge.Position, error) {
	if rbdebug.On {
		defer it.moving("Export")()
	}
	var at cbridge.Position
	switch {
	case it == nil:
		return at, dberr.ErrClosed
	case !it.absolute():
		return at, it.err
	case e == nil || w == nil || it.cfg.KeysOnly:
		return at, it.cfg.Owner.Describe("export", dberr.New("", dberr.InvalidArgument, "an export needs values, and a place to go to"))
	}
	it.forget()
	buf := make([]byte, exportBuffer)
	for {
		x, err := it.exportFill(ctx, e, buf, walk)
		if err == nil && x.Used > 0 {
			err = writeAll(w, buf[:x.Used])
		}
		if err != nil {
			return at, it.cfg.Owner.Describe("export", err)
		}
		at = x.Position
		if x.Err != nil {
			return at, it.cfg.Owner.Describe("export", x.Err)
		}
		if at.Whole {
			return at, nil
		}
	}
}

// exportFill is one call into C.
func (it *Iterator) exportFill(ctx context.Context, e *cbridge.Export, buf []byte, walk uint64) (cbridge.Exported, error) {
	if err := it.cfg.Owner.Enter(ctx); err != nil {
		return cbridge.Exported{}, err
	}
	defer it.cfg.Owner.Leave()
	x := e.Fill(it.src, buf, walk)
	it.cfg.Stats.counted(x.Rows)
	return x, nil
}

// writeAll is w.Write, whose error is made ours.
func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err == nil {
		return nil
	}
	return dberr.Wrap("", dberr.IO, err)
}
