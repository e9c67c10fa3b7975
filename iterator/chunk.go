package iterator

import (
	"iter"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Chunk holds rows in one buffer of Go memory that belongs to whoever holds the chunk, like p in
// Read(p). Passing it to NextChunk or PrevChunk again overwrites it, and nothing else ever does: it
// survives the Close of everything. The zero value is ready. A copy shares the rows. One goroutine
// at a time may fill it; any number may read it. A nil Chunk has no rows and cannot be filled. In the
// debug build rows that were overwritten are poisoned, and to use a chunk panics while it is filled,
// and once a fill of its copy has overwritten its rows.
type Chunk struct {
	life rbdebug.State[chunkLife]
	r    rows
}

// Len is the number of rows.
func (c *Chunk) Len() int {
	if c == nil {
		return 0
	}
	return c.r.n
}

// Key is the key of row i, without a copy: it aliases the chunk until the chunk is passed to a fill
// again. Its capacity is its length. One kept key keeps the whole chunk: bytes.Clone it. It panics
// if i is out of range.
func (c *Chunk) Key(i int) []byte {
	if rbdebug.On {
		c.reading("Chunk.Key")
	}
	c.check(i)
	return c.r.key(i)
}

// Value is the value of row i, as Key is its key; nil if the iterator fetches keys only.
func (c *Chunk) Value(i int) []byte {
	if rbdebug.On {
		c.reading("Chunk.Value")
	}
	c.check(i)
	return c.r.value(i)
}

// ValueLen is the length of the value of row i in bytes, before a cut by ValuesUpTo; 0 if the iterator
// fetches keys only. It panics if i is out of range.
func (c *Chunk) ValueLen(i int) int {
	if rbdebug.On {
		c.reading("Chunk.ValueLen")
	}
	c.check(i)
	return c.r.valueLen(i)
}

// Timestamp is the timestamp of row i, of a family with timestamps; 0 of other families. It panics if i is
// out of range.
func (c *Chunk) Timestamp(i int) uint64 {
	if rbdebug.On {
		c.reading("Chunk.Timestamp")
	}
	c.check(i)
	return c.r.timestamp(i)
}

func (c *Chunk) check(i int) {
	if uint(i) >= uint(c.Len()) {
		outOfRange(i, c.Len())
	}
}

func outOfRange(i, n int) {
	panic("rockbridge: chunk row " + strconv.Itoa(i) + " out of range with " + strconv.Itoa(n) + " rows")
}

// All ranges over the rows in their order; the slices are those of Key and Value.
func (c *Chunk) All() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for i := range c.Len() {
			if rbdebug.On {
				c.reading("Chunk.All")
			}
			if !yield(c.r.row(i)) {
				return
			}
		}
	}
}

// Take moves the rows out for keeping: c becomes zero, and what is returned is never overwritten
// unless it is itself passed to a fill.
func (c *Chunk) Take() Chunk {
	if c == nil {
		return Chunk{}
	}
	if rbdebug.On {
		defer c.inside("Chunk.Take")()
	}
	taken := *c
	*c = Chunk{}
	return taken
}

// NextChunk fills c with the current row, if the iterator stands on one, and rows after it, in
// ascending order, and leaves the iterator in the gap after them. False, with c empty, at the end or
// after an error: Error tells; a nil c is ErrInvalidArgument.
func (it *Iterator) NextChunk(c *Chunk) bool {
	if rbdebug.On {
		defer it.filling(c, "NextChunk")()
	}
	return it.chunk(c, false)
}

// PrevChunk mirrors NextChunk: the current row and rows before it, in descending order.
func (it *Iterator) PrevChunk(c *Chunk) bool {
	if rbdebug.On {
		defer it.filling(c, "PrevChunk")()
	}
	return it.chunk(c, true)
}

func (it *Iterator) chunk(c *Chunk, back bool) bool {
	if c == nil {
		if it.ready() {
			it.fail("fill chunk", dberr.New("", dberr.InvalidArgument, "the chunk is nil"))
		}
		return false
	}
	c.r.n = 0
	if !it.ready() {
		return false
	}
	if !it.live {
		return it.landChunk(c, back)
	}
	it.chunked = true
	target := it.ofs // of the first row to hand over
	if !it.on && back {
		target--
	}
	room := it.room(target, back)
	if it.cfg.Limit > 0 && room <= 0 {
		it.on = false
		return false
	}
	if it.chunkFromWindow(c, back, target, room) {
		return true
	}
	m, key, ok := it.onward(it.ahead(back), back)
	if !ok {
		it.gapAt(target, back)
		return false
	}
	return it.fillChunk(c, m, key, back, target, room)
}

// landChunk fills c from an end of the range: the first call on a fresh iterator.
func (it *Iterator) landChunk(c *Chunk, back bool) bool {
	m := cbridge.MoveFirst
	if back {
		m = cbridge.MoveLast
	}
	it.chunked = true
	it.size.reset(1)
	ok := it.fillChunk(c, m, nil, back, 0, it.cfg.Limit)
	it.live = it.live || it.err == nil
	return ok
}

// chunkFromWindow hands over the rows that the window holds already, if there are any.
func (it *Iterator) chunkFromWindow(c *Chunk, back bool, target, room int) bool {
	i := it.i // on a row: that row
	if !it.on {
		i = it.ahead(back)
	}
	if i < 0 || i >= it.win.n {
		return false
	}
	j := it.win.n - 1
	if back != it.win.back {
		j = 0
	}
	n := max(i, j) - min(i, j) + 1
	if room > 0 && n > room {
		n = room
		if j > i {
			j = i + n - 1
		} else {
			j = i - n + 1
		}
	}
	c.r.take(&it.win.rows, i, j)
	it.i, it.on = j, false
	if back == it.win.back {
		it.i = j + 1
	}
	it.passed(target, n, back)
	return true
}

// fillChunk fills c by a call; the window is empty afterwards.
func (it *Iterator) fillChunk(c *Chunk, m cbridge.Move, key []byte, back bool, target, limit int) bool {
	size := it.size.nextChunk()
	f, ahead := it.fromAhead(m, c.r.buf)
	if !ahead {
		buf := c.r.buf
		if it.cfg.Fill > 0 {
			size, buf = it.cfg.Fill, nil
		}
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		f = it.fetch(m, key, room{buf: buf[:cap(buf)]}, least(0, limit))
	}
	if f.err != nil {
		it.fail("iterate", f.err)
		return false
	}
	c.r = rows{buf: f.buf, n: f.Rows, keysOnly: it.cfg.KeysOnly, cut: it.cfg.ValuesUpTo, stamp: stampSize(it.cfg.Stamped)}
	it.clear(back)
	it.win.end = f.End
	if f.Err != nil {
		it.endOfChunk(c, f.Err)
	}
	it.passed(target, f.Rows, back)
	if f.Rows > 0 {
		it.fillAhead(c, max(size, min(len(f.buf), maxFill)))
	}
	return f.Rows > 0
}

// endOfChunk remembers an error that follows the rows of c, and where they end: after an error the C
// iterator does not know.
func (it *Iterator) endOfChunk(c *Chunk, err error) {
	it.win.endErr = it.cfg.Owner.Describe("iterate", err)
	if c.r.n == 0 {
		it.err = it.win.endErr
		return
	}
	it.win.turnKey = append(it.win.turnKey[:0], c.r.key(c.r.n-1)...)
	it.win.turnHere = true
}

// passed puts the iterator into the gap behind n rows from target on.
func (it *Iterator) passed(target, n int, back bool) {
	if back {
		it.ofs = target - n + 1
	} else {
		it.ofs = target + n
	}
}
