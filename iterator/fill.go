package iterator

import (
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// refill fills the window and goes to its first row. limit is how many rows Limit leaves, 0 any. If
// there is no row, the iterator stands in the gap there and Error tells whether an error is why.
func (it *Iterator) refill(m cbridge.Move, key []byte, back bool, limit int) bool {
	size, maxRows := it.size.next()
	if it.keep {
		size, maxRows = min(size, keptFill), 0
	}
	if it.cfg.Fill > 0 {
		size, maxRows = it.cfg.Fill, 0
	}
	f, ahead := it.fromAhead(m, it.spare())
	if !ahead {
		f = it.fetch(m, key, it.windowBuffer(size), least(maxRows, limit))
	}
	if f.err != nil {
		it.fail("iterate", f.err)
		return false
	}
	it.read += it.win.n - it.from
	it.from = 0
	it.clear(back)
	w := &it.win
	w.buf, w.n, w.end, w.lent, w.pooled = f.buf, f.Rows, f.End, it.keep, f.pooled
	it.size.saw(f.Rows, f.Used)
	it.cfg.Hint.saw(it.size.row)
	if f.Err != nil {
		w.endErr = it.cfg.Owner.Describe("iterate", f.Err)
	}
	if w.n == 0 {
		it.err = w.endErr
		return false
	}
	it.on = true
	it.fillAhead(nil, size)
	return true
}

// room is memory for a fill, or how much of it is wanted.
type room struct {
	buf    []byte // nil: to be made, or taken from the iterator's Buffers
	size   int
	pooled bool // buf is of these
}

// windowBuffer gives the window's memory if it is large enough, and was not lent.
func (it *Iterator) windowBuffer(size int) room {
	switch {
	case it.win.lent || it.keep || it.cfg.Fill > 0:
		return room{buf: make([]byte, size)}
	case cap(it.win.buf) < size:
		return room{size: size}
	case rbdebug.On:
		return room{buf: make([]byte, cap(it.win.buf))} // the old one stays poisoned
	}
	return room{buf: it.win.buf[:cap(it.win.buf)], pooled: it.win.pooled}
}

// newBuffer gives memory for a window, between the Owner's Enter and Leave.
func (it *Iterator) newBuffer(size int) (buf []byte, pooled bool) {
	if it.cfg.Buffers == nil {
		return make([]byte, size), false
	}
	return it.cfg.Buffers.take(size)
}

// anyRows is no limit to the rows of a fill.
const anyRows = 1<<32 - 1

// least is the smaller of two limits, where 0 means none.
func least(a, b int) uint32 {
	if a == 0 || (b > 0 && b < a) {
		a = b
	}
	if a == 0 || a > anyRows {
		return anyRows
	}
	return uint32(a)
}

// grown is the size of a buffer for a row that needs so many bytes.
func (it *Iterator) grown(need int) int {
	if it.cfg.Fill > 0 {
		return need
	}
	return grown(need)
}

// fetched is what a fill gave: rows in buf, or err if no call was made.
type fetched struct {
	cbridge.Filled
	buf    []byte
	pooled bool // buf is of the iterator's Buffers
	err    error
}

// fetch makes the call, and again with a larger buffer if a row asks for one. Between calls of a filtered
// iterator that have found nothing yet, the context is looked at, and Close may come in.
func (it *Iterator) fetch(m cbridge.Move, key []byte, in room, maxRows uint32) fetched {
	if err := it.cfg.Owner.Enter(it.cfg.Context); err != nil {
		return fetched{err: err}
	}
	buf, pooled := in.buf, in.pooled
	if buf == nil {
		buf, pooled = it.newBuffer(in.size)
	}
	if maxRows == anyRows && len(buf) >= keptFill {
		defer it.pace.filled(clock())
	}
	for {
		if rbdebug.On {
			rbdebug.Poison(buf)
		}
		f := it.src.Fill(m, key, buf, maxRows)
		if rbdebug.On {
			it.checkFill(m, key, buf, maxRows, f)
		}
		it.cfg.Stats.filled(m, &f)
		if f.Rows > 0 || f.End || f.Err != nil {
			it.cfg.Owner.Leave()
			return fetched{Filled: f, buf: buf, pooled: pooled}
		}
		m, key = cbridge.MoveOn, nil
		if f.Need > 0 {
			buf, pooled = make([]byte, it.grown(f.Need)), false
			continue
		}
		it.cfg.Owner.Leave()
		if err := it.cfg.Owner.Enter(it.cfg.Context); err != nil {
			// The C iterator has moved: this ends the fill, it is not one that was refused.
			return fetched{Filled: cbridge.Filled{End: true, Err: err}, buf: buf, pooled: pooled}
		}
	}
}
