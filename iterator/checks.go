package iterator

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Range is what the debug build expects the rows of an iterator to lie in.
type Range struct {
	Lower, Upper []byte // nil: open
	ValuesUpTo   int    // 0: whole
}

// checks is what an iterator keeps in the debug build.
type checks struct {
	made       rbdebug.Stack
	key, value *rbdebug.Loan // of the current row, if lent
	want       Range
	last       []byte // key of the last row fetched since the last absolute move; nil: none
	back       bool   // direction of the last fill

	damage func(f *cbridge.Filled, buf []byte) // for tests: harms what C filled; nil: nothing
}

// begin notes where an iterator is made and what its rows lie in.
func (c *checks) begin(owner Owner) {
	c.made = rbdebug.Here(2)
	if o, ok := owner.(interface{ Extent() Range }); ok {
		c.want = o.Extent()
	}
}

// bound notes that the bounds were changed.
func (c *checks) bound(lower, upper []byte) {
	c.want.Lower, c.want.Upper = bytes.Clone(lower), bytes.Clone(upper)
}

const oneGoroutine = "one goroutine at a time may use an iterator"

// inside is the beginning of every call, and gives back its end: it panics when another goroutine has
// begun one.
func (it *Iterator) inside(op string) (leave func()) {
	if it == nil {
		return func() {}
	}
	if !it.live { // Next calls First, and Prev calls Last
		return rbdebug.EnterOuter(it, "Iterator."+op, oneGoroutine, it.checks.Of().made)
	}
	return rbdebug.Enter(it, "Iterator."+op, oneGoroutine, it.checks.Of().made)
}

// moving is inside for the calls that leave the current row: what was lent of it expires.
func (it *Iterator) moving(op string) func() {
	leave := it.inside(op)
	if it != nil {
		c := it.checks.Of()
		c.key.Expire()
		c.value.Expire()
		c.key, c.value = nil, nil
	}
	return leave
}

// lendKey lends the current row's key until the next move.
func (it *Iterator) lendKey() []byte {
	key := it.rowKey()
	if key == nil {
		return nil
	}
	c := it.checks.Of()
	if c.key == nil {
		c.key = rbdebug.Lend(key, "an iterator's unsafeKey")
	}
	return c.key.Data
}

// lendValue lends the current row's value until the next move.
func (it *Iterator) lendValue() []byte {
	value := it.rowValue()
	if value == nil {
		return nil
	}
	c := it.checks.Of()
	if c.value == nil {
		c.value = rbdebug.Lend(value, "an iterator's unsafeValue")
	}
	return c.value.Data
}

// expire poisons the window's rows, unless they were handed out for keeping.
func (w *window) expire() {
	if !w.lent {
		rbdebug.Poison(w.buf[:cap(w.buf)])
	}
}

// keepRow leaves a closed iterator the row on which it stood and nothing else.
func (it *Iterator) keepRow() {
	var own rows
	if it.on {
		own.take(&it.win.rows, it.i, it.i)
	}
	keysOnly, cut, stamp := it.win.keysOnly, it.win.cut, it.win.stamp
	it.win.expire()
	it.win.rows, it.i, it.win.lent = own, 0, false
	it.win.keysOnly, it.win.cut, it.win.stamp = keysOnly, cut, stamp
}
