package iterator

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// filling is a fill with all that is known of how it must be.
type filling struct {
	move     cbridge.Move
	key      []byte // that the move names
	back     bool
	last     []byte // the row before, for a fill that goes on; nil: unknown
	maxRows  uint32
	keysOnly bool
	filtered bool
	cut      int // bytes of a value that are in a row; 0: all
	want     Range
	buf      []byte
	f        cbridge.Filled
	order    func(a, b []byte) int // nil: bytewise
	stamp    int                   // bytes behind each value
}

// checkFill panics if what C filled in is not what it must be, in the debug build.
func (it *Iterator) checkFill(m cbridge.Move, key, buf []byte, maxRows uint32, f cbridge.Filled) {
	c := it.checks.Of()
	if c.damage != nil {
		c.damage(&f, buf)
	}
	if m != cbridge.MoveOn {
		c.last, c.back = nil, goesBack(m)
	}
	g := filling{m, key, c.back, c.last, maxRows, it.cfg.KeysOnly, it.cfg.Filtered, it.cfg.ValuesUpTo, c.want, buf, f, it.cfg.Compare, stampSize(it.cfg.Stamped)}
	fault := g.fault()
	if fault == "" && f.End && f.Err == nil && it.goesOn() {
		fault = "there are rows behind the end"
	}
	if fault != "" {
		rbdebug.Panic("a fill is damaged: "+fault+"; "+g.dump(), rbdebug.Part{Title: "the iterator was made by", Of: c.made})
	}
	if f.Rows > 0 {
		r := rows{buf: buf, n: f.Rows, cut: it.cfg.ValuesUpTo, stamp: g.stamp}
		c.last = bytes.Clone(r.key(f.Rows - 1))
	}
}

// checkAhead is checkFill for a fill that was made in the background.
func (it *Iterator) checkAhead(f fetched) {
	if it.cfg.Owner.Enter(nil) != nil { // closing: there is no call to ask C by
		return
	}
	defer it.cfg.Owner.Leave()
	it.checkFill(cbridge.MoveOn, nil, f.buf, anyRows, f.Filled)
}

// goesOn asks C once more at the end: it must be one.
func (it *Iterator) goesOn() bool {
	var room [rowOverhead]byte
	again := it.src.Fill(cbridge.MoveOn, nil, room[:], 1)
	return again.Rows > 0 || again.Need > 0 || !again.End
}

func goesBack(m cbridge.Move) bool {
	switch m {
	case cbridge.MoveLast, cbridge.MoveLE, cbridge.MoveLT, cbridge.MoveTurnBack:
		return true
	}
	return false
}

// fault is what is wrong with the fill, or empty.
func (g *filling) fault() string {
	if fault := g.countsFault(); fault != "" {
		return fault
	}
	var before []byte
	used := uint64(0)
	for i := range g.f.Rows {
		offset, klen, vlen, ok := g.row(i)
		switch end := offset + rowHeader + klen + vlen + uint64(g.stamp); {
		case offset != used:
			return fmt.Sprintf("row %d does not begin where the row before ends", i)
		case !ok || end > uint64(g.f.Used):
			return fmt.Sprintf("row %d reaches beyond what is used", i)
		case klen > cbridge.MaxKeySize || g.keysOnly && vlen > 0:
			return fmt.Sprintf("row %d is longer than asked for", i)
		default:
			used = end
		}
		key := g.buf[offset+rowHeader:][:klen]
		if fault := g.orderFault(i, before, key); fault != "" {
			return fmt.Sprintf("row %d %s", i, fault)
		}
		before = key
	}
	if used != uint64(g.f.Used) {
		return fmt.Sprintf("the rows end at %d", used)
	}
	if !g.thrownAway() && !rbdebug.Poisoned(g.buf[g.f.Used:len(g.buf)-rowOffset*g.f.Rows]) {
		return "the room between the rows and their offsets was written to"
	}
	return ""
}

// thrownAway tells a fill whose rows, if any, are not believed, since the order failed meanwhile.
func (g *filling) thrownAway() bool { return g.order != nil && g.f.Err != nil && g.f.Rows == 0 }

// countsFault is what is wrong with the numbers that came back.
func (g *filling) countsFault() string {
	f := g.f
	table := uint64(f.Rows) * rowOffset
	switch {
	case f.Rows < 0 || f.Used < 0 || f.Need < 0:
		return "a number is negative"
	case uint64(f.Rows) > uint64(g.maxRows):
		return "there are more rows than asked for"
	case table > uint64(len(g.buf)) || uint64(f.Used) > uint64(len(g.buf))-table:
		return "the rows do not fit"
	case f.Need > 0 && (f.Rows > 0 || f.End || f.Err != nil):
		return "a row that does not fit comes with others, or behind the end"
	case f.Need > 0 && f.Need <= len(g.buf):
		return "a row that fits was left out"
	case f.Rows == 0 && f.Need == 0 && !f.End && !g.filtered:
		return "there is neither a row nor an end"
	case f.Err != nil && !f.End:
		return "there is an error and no end"
	}
	return ""
}

// row reads offset and lengths of row i, that of the value as far as it is there; ok tells whether they lie in the buffer.
func (g *filling) row(i int) (offset, klen, vlen uint64, ok bool) {
	offset = uint64(binary.NativeEndian.Uint32(g.buf[len(g.buf)-rowOffset*(i+1):]))
	used := uint64(max(0, min(g.f.Used, len(g.buf)))) // dump is of fills whose numbers are wrong
	if offset+rowHeader > used {
		return offset, 0, 0, false
	}
	head := g.buf[offset:]
	klen, vlen = uint64(binary.NativeEndian.Uint32(head)), uint64(binary.NativeEndian.Uint32(head[4:]))
	if g.cut > 0 {
		vlen = min(vlen, uint64(g.cut))
	}
	return offset, klen, vlen, offset+rowHeader+klen+vlen+uint64(g.stamp) <= used
}

// compare orders two keys as the family does.
func (g *filling) compare(a, b []byte) int {
	if g.order != nil {
		return g.order(a, b)
	}
	return bytes.Compare(a, b)
}

// orderFault is what is wrong with the place of row i among the others, or empty.
func (g *filling) orderFault(i int, before, key []byte) string {
	if i == 0 && g.move == cbridge.MoveOn {
		before = g.last
	}
	order := g.compare(key, before)
	switch {
	case g.want.Lower != nil && g.compare(key, g.want.Lower) < 0, g.want.Upper != nil && g.compare(key, g.want.Upper) >= 0:
		return "lies outside the bounds"
	case (i > 0 || before != nil) && (order == 0 || order < 0 != g.back):
		return "is out of order"
	case i > 0:
		return ""
	}
	order = g.compare(key, g.key)
	if g.move == cbridge.MoveGE && order < 0 || g.move == cbridge.MoveGT && order <= 0 ||
		g.move == cbridge.MoveLE && order > 0 || g.move == cbridge.MoveLT && order >= 0 {
		return "lies on the wrong side of the key that was sought"
	}
	return ""
}

// dump has the numbers of the fill, and the lengths of its rows up to the first one that is elsewhere:
// what stands there may be bytes of a key or a value.
func (g *filling) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "move %d, key of %d bytes, backwards %v, at most %d rows; buffer %d, rows %d, used %d, need %d, end %v, error %v; lengths",
		g.move, len(g.key), g.back, g.maxRows, len(g.buf), g.f.Rows, g.f.Used, g.f.Need, g.f.End, g.f.Err != nil)
	const most = 20
	used := uint64(0)
	for i := range min(g.f.Rows, most, len(g.buf)/rowOffset) {
		offset, klen, vlen, ok := g.row(i)
		if offset != used || !ok {
			break
		}
		fmt.Fprintf(&b, " %d+%d", klen, vlen)
		used = offset + rowHeader + klen + vlen + uint64(g.stamp)
	}
	b.WriteString(" ...")
	return b.String()
}

// mustHave panics if row i does not lie in the buffer as rows do: the position has expired.
func (r *rows) mustHave(i int) {
	table, size := uint64(r.n)*rowOffset, uint64(len(r.buf))
	if i < 0 || i >= r.n || table > size {
		rbdebug.Panic(fmt.Sprintf("row %d of %d is used in a buffer of %d bytes: the position has expired", i, r.n, size))
	}
	g := filling{buf: r.buf, cut: r.cut, stamp: r.stamp, f: cbridge.Filled{Used: int(size - table)}}
	if _, _, _, ok := g.row(i); !ok {
		rbdebug.Panic(fmt.Sprintf("row %d of %d does not lie within a buffer of %d bytes: the position has expired, or the buffer is damaged", i, r.n, size))
	}
}

// checkCount panics if sums over rows cannot be, in the debug build.
func (it *Iterator) checkCount(c cbridge.Counted, most uint64) {
	fault := ""
	switch {
	case c.Rows < 0 || uint64(c.Rows) > most:
		fault = "more rows than asked for"
	case c.KeyBytes < 0 || c.Rows < math.MaxInt64/cbridge.MaxKeySize && c.KeyBytes > c.Rows*cbridge.MaxKeySize:
		fault = "more bytes of keys than rows can have"
	case c.ValueBytes < 0 || c.ValueBytes > 0 && (c.Rows == 0 || it.cfg.KeysOnly):
		fault = "bytes of values that no row has"
	case it.checks.Of().want.ValuesUpTo > 0 && c.ValueBytes/int64(it.checks.Of().want.ValuesUpTo) > c.Rows:
		fault = "more bytes of values than asked for"
	case uint64(c.Rows) < most && !c.End && c.Err == nil && !it.cfg.Filtered:
		fault = "fewer rows than asked for, and no end"
	}
	if fault != "" {
		rbdebug.Panic(fmt.Sprintf("a count is damaged: %s; rows %d of at most %d, key bytes %d, value bytes %d, end %v, error %v",
			fault, c.Rows, most, c.KeyBytes, c.ValueBytes, c.End, c.Err != nil),
			rbdebug.Part{Title: "the iterator was made by", Of: it.checks.Of().made})
	}
}
