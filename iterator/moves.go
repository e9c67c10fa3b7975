package iterator

import (
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// First goes to the first row of the range; false if there is none.
func (it *Iterator) First() bool {
	if rbdebug.On {
		defer it.moving("First")()
	}
	return it.absolute() && it.land(cbridge.MoveFirst, nil)
}

// Last goes to the last row of the range; false if there is none.
func (it *Iterator) Last() bool {
	if rbdebug.On {
		defer it.moving("Last")()
	}
	return it.absolute() && it.land(cbridge.MoveLast, nil)
}

// SeekGE goes to the first row whose key is >= key; false, in the gap at the end, if there is none.
func (it *Iterator) SeekGE(key []byte) bool {
	if rbdebug.On {
		defer it.moving("SeekGE")()
	}
	if !it.absolute() {
		return false
	}
	if it.covers(key) {
		i, _ := it.win.search(key)
		return it.landInside(i)
	}
	return it.land(cbridge.MoveGE, key)
}

// SeekLE goes to the last row whose key is <= key (RocksDB's SeekForPrev); false, in the gap at the
// beginning, if there is none.
func (it *Iterator) SeekLE(key []byte) bool {
	if rbdebug.On {
		defer it.moving("SeekLE")()
	}
	if !it.absolute() {
		return false
	}
	if it.covers(key) {
		if i, equal := it.win.search(key); equal {
			return it.landInside(i)
		}
		return it.seekBelow(key, cbridge.MoveLE)
	}
	return it.land(cbridge.MoveLE, key)
}

// SeekLT goes to the last row whose key is < key; false, in the gap at the beginning, if there is
// none.
func (it *Iterator) SeekLT(key []byte) bool {
	if rbdebug.On {
		defer it.moving("SeekLT")()
	}
	if !it.absolute() {
		return false
	}
	if it.covers(key) {
		return it.seekBelow(key, cbridge.MoveLT)
	}
	return it.land(cbridge.MoveLT, key)
}

// seekBelow lands on the row before the lowest one >= key, in the window if it is there.
func (it *Iterator) seekBelow(key []byte, m cbridge.Move) bool {
	i, _ := it.win.search(key)
	if it.win.back {
		i++
	} else {
		i--
	}
	if i >= 0 && i < it.win.n {
		return it.landInside(i)
	}
	return it.land(m, key)
}

// landInside ends an absolute move on a row of the window, without a call.
func (it *Iterator) landInside(i int) bool {
	it.i, it.on, it.ofs = i, true, 0
	it.from, it.read = i, 0
	return true
}

// land makes an absolute move by a fill.
func (it *Iterator) land(m cbridge.Move, key []byte) bool {
	if len(key) > cbridge.MaxKeySize {
		it.fail("seek", dberr.New("", dberr.TooLarge, "the key exceeds the largest key"))
		return false
	}
	it.size.reset(it.guess())
	if len(it.win.buf) > keepBuffer {
		it.win.lent = true // left behind by the fill, not before: a refused call leaves the rows
	}
	back := m == cbridge.MoveLast || m == cbridge.MoveLE || m == cbridge.MoveLT
	ok := it.refill(m, key, back, it.cfg.Limit)
	it.live = true
	it.win.outmost = it.err == nil && (m == cbridge.MoveFirst || m == cbridge.MoveLast)
	it.ofs, it.from, it.read = 0, 0, 0
	if !ok && !back {
		it.ofs = 1 // in the gap at the end: the row before it has offset 0
	}
	return ok
}

// guess is how many rows the first fill of an absolute move asks for. Limit may be far more than is read.
func (it *Iterator) guess() int {
	switch {
	case it.cfg.Limit > 0:
		return min(it.cfg.Limit, maxLimit)
	case !it.live:
		return it.cfg.Hint.guess()
	}
	return it.wasRead()
}

// wasRead is how many rows were read since the last absolute move: a guess at how many the next one
// will be followed by.
func (it *Iterator) wasRead() int { return it.read + it.i - it.from + 1 }

// Next goes to the next row. From a fresh iterator it goes to the first, from before the first row
// to the first; false at the end, and after an error until the next absolute move.
func (it *Iterator) Next() bool {
	if rbdebug.On {
		defer it.moving("Next")()
	}
	if it == nil {
		return false
	}
	// The common case: the next row lies in the window.
	if it.on && !it.win.back && it.i+1 < it.win.n && it.cfg.Limit == 0 && it.err == nil &&
		!it.closed && !it.cfg.Closed.Load() {
		it.i++
		return true
	}
	if !it.ready() {
		return false
	}
	if !it.live {
		return it.First()
	}
	return it.step(false)
}

// Prev goes to the row before. From a fresh iterator it goes to the last; it mirrors Next.
func (it *Iterator) Prev() bool {
	if rbdebug.On {
		defer it.moving("Prev")()
	}
	if !it.ready() {
		return false
	}
	if !it.live {
		return it.Last()
	}
	return it.step(true)
}

// step goes one row further in a direction.
func (it *Iterator) step(back bool) bool {
	target := it.target(back)
	if it.cfg.Limit > 0 && (target >= it.cfg.Limit || target <= -it.cfg.Limit) {
		it.stopAt(target, back)
		return false
	}
	i := it.ahead(back)
	if i >= 0 && i < it.win.n {
		it.i, it.on, it.ofs = i, true, target
		return true
	}
	if !it.beyond(i, back, it.room(target, back)) {
		it.gapAt(target, back)
		return false
	}
	it.ofs = target
	return true
}

// target is the offset of the next row in a direction.
func (it *Iterator) target(back bool) int {
	switch {
	case it.on && !back:
		return it.ofs + 1
	case back:
		return it.ofs - 1 // in a gap, ofs is that of the row above it
	default:
		return it.ofs
	}
}

// room is how many rows Limit leaves from an offset on in a direction, 0 meaning any number.
func (it *Iterator) room(target int, back bool) int {
	if it.cfg.Limit == 0 {
		return 0
	}
	if back {
		return it.cfg.Limit + target
	}
	return it.cfg.Limit - target
}

// ahead is the index in the window of the next row in a direction; it may lie outside.
func (it *Iterator) ahead(back bool) int {
	switch {
	case back != it.win.back:
		return it.i - 1
	case it.on:
		return it.i + 1
	default:
		return it.i
	}
}

// stopAt leaves the iterator in the gap before the row that Limit forbids, within the window.
func (it *Iterator) stopAt(target int, back bool) {
	if it.on && back == it.win.back {
		it.i++
	}
	it.on = false
	it.gapAt(target, back)
}

// gapAt records where the gap lies that a step towards target ended in.
func (it *Iterator) gapAt(target int, back bool) {
	it.ofs = target
	if back {
		it.ofs = target + 1
	}
}

// beyond fetches the rows past the window, on the side that index i names, and goes to the first.
func (it *Iterator) beyond(i int, back bool, room int) bool {
	m, key, ok := it.onward(i, back)
	if !ok {
		return false
	}
	return it.refill(m, key, back, room)
}

// onward tells the fill that gives the rows past the window in a direction, or false, with the
// iterator put into the gap there, if it is known that none follow.
func (it *Iterator) onward(i int, back bool) (m cbridge.Move, key []byte, ok bool) {
	w := &it.win
	if i >= w.n && back == w.back {
		if w.end {
			it.i, it.on = w.n, false
			if w.endErr != nil {
				it.err = w.endErr
			}
			return 0, nil, false
		}
		return cbridge.MoveOn, nil, true
	}
	switch {
	case w.n == 0 && w.turnHere && back:
		return cbridge.MoveLE, w.turnKey, true
	case w.n == 0 && w.turnHere:
		return cbridge.MoveGE, w.turnKey, true
	case w.n == 0 && back:
		return cbridge.MoveTurnBack, nil, true
	case w.n == 0:
		return cbridge.MoveTurnForward, nil, true
	case w.outmost:
		it.i, it.on = 0, false
		return 0, nil, false
	case back:
		return cbridge.MoveLT, w.key(0), true
	default:
		return cbridge.MoveGT, w.key(0), true
	}
}

// fail records an error.
func (it *Iterator) fail(op string, err error) { it.err = it.cfg.Owner.Describe(op, err) }
