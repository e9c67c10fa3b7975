package iterator

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Owner is what the engine stands behind an iterator with: the guard round every call into C, and
// the C iterator's end. The debug build asks it for Extent() Range too, if it has that: what the
// iterator was made for.
type Owner interface {
	// Enter begins a call into C; on an error there must be none. Leave ends it.
	Enter(ctx context.Context) error
	Leave()
	// Free ends the C iterator. It is called once, by Close.
	Free()
	// Describe puts operation, path and family into an error that came from below.
	Describe(op string, err error) error
}

// Config is what New needs besides the C iterator.
type Config struct {
	Owner    Owner
	Closed   *atomic.Bool    // the database's: true from the moment its Close begins
	Context  context.Context // looked at before each fill; may be nil
	Limit    int             // rows from each absolute move; 0: no limit
	KeysOnly bool
	Columns  bool // values are all columns of their rows
	Filtered bool // a call may end before it has found a row
	Frozen   bool // made from a snapshot: Refresh has nothing newer to show

	ValuesUpTo int // values are cut after so many bytes; 0: whole

	Stamped bool // rows have timestamps

	// Background, if not nil, lets fills be made beside the user, where that pays.
	Background Background
	Eager      bool // for tests: every fill is followed by one in the background

	Fill int // for tests: every fill is of a buffer of so many bytes, or of what one row needs; 0: as rows need it

	// Compare, if not nil, is the order of the keys, in the place of the bytewise one. It must not panic.
	Compare func(a, b []byte) int

	Stats *Stats // what its calls bring is counted there; may be nil
	Hint  *Hint  // of the family; may be nil

	Buffers *Buffers // of the Owner, which gives them back in Free; nil: windows are not pooled

	// Refresh, if not nil, moves the C iterator to the newest state, guard and all, in the place of its
	// own Refresh.
	Refresh func() error
}

// Iterator walks over the rows of one column family, in key order, over a consistent state from its
// creation. It stands on a row or in a gap. One goroutine at a time may use it. It keeps files alive
// until Close. A nil or zero Iterator answers as a closed one.
type Iterator struct {
	src    *cbridge.Iter
	checks rbdebug.State[checks]
	cfg    Config

	win  window
	i    int  // on a row: its index in win; in a gap: the index of the row after it
	on   bool // on a row
	live bool // positioned since the last SetBounds or Refresh

	// Offsets from the row on which the last absolute move landed, for Limit: of the current row, or,
	// in a gap, of the row with the next higher key.
	ofs int

	size    fillSize
	pace    pace
	filler  *filler // nil: no fill was made in the background yet
	pending bool    // one is under way or made, and not taken

	from    int  // index of the row in win that the last absolute move landed on, or its start
	read    int  // rows read since that move in windows before this one
	chunked bool // rows were read by chunks, too, which fetch many from the start
	keep    bool // All and its kin: rows handed out are kept, so every fill takes a new buffer
	err     error
	broken  error // SetBounds failed: no move works until one succeeds
	closed  bool
}

// New makes an iterator over src. For package engine only.
func New(src *cbridge.Iter, cfg Config) *Iterator {
	it := &Iterator{src: src, cfg: cfg, win: window{rows: rows{keysOnly: cfg.KeysOnly, cut: cfg.ValuesUpTo, stamp: stampSize(cfg.Stamped)}}}
	it.size.row = cfg.Hint.size()
	if rbdebug.On {
		it.checks.Of().begin(cfg.Owner)
	}
	return it
}

// Valid reports whether the iterator stands on a row. False after an error and after Close.
func (it *Iterator) Valid() bool {
	if rbdebug.On {
		defer it.inside("Valid")()
	}
	return it != nil && it.on && it.err == nil && !it.closed && !it.cfg.Closed.Load()
}

// Error is the first error since the last absolute move, nil if there was none: the end of the data
// is no error. Close keeps it; after a move on a closed iterator it is ErrClosed.
func (it *Iterator) Error() error {
	if rbdebug.On {
		defer it.inside("Error")()
	}
	if it == nil {
		return dberr.ErrClosed
	}
	return it.err
}

// Close frees the iterator and what it pins. It returns Error the first time, then nil.
func (it *Iterator) Close() error {
	if rbdebug.On {
		defer it.moving("Close")()
	}
	if it == nil || it.closed || it.cfg.Owner == nil {
		return nil
	}
	it.closed = true
	if it.live && !it.chunked {
		it.cfg.Hint.ended(it.wasRead())
	}
	it.settle()
	it.filler = nil
	if rbdebug.On {
		it.keepRow()
	} else if it.win.pooled {
		it.ownRows(it.i, it.i)
	}
	it.cfg.Owner.Free()
	return it.err
}

// ownRows has the window be its rows i to j only, in memory of its own, so that its buffer can be another's. In a gap, where there
// may be no rows, it has none.
func (it *Iterator) ownRows(i, j int) {
	own := rows{keysOnly: it.win.keysOnly, cut: it.win.cut, stamp: it.win.stamp}
	if it.on {
		own.take(&it.win.rows, i, j)
	}
	it.win.rows, it.win.pooled = own, false
	it.i = max(0, it.i-i)
}

// ready reports whether a move may go on; if not, Error says why.
func (it *Iterator) ready() bool {
	if it == nil {
		return false
	}
	if it.closed || it.cfg.Closed == nil || it.cfg.Closed.Load() {
		it.err = dberr.ErrClosed
		return false
	}
	return it.err == nil
}

// absolute begins an absolute move: it clears the error.
func (it *Iterator) absolute() bool {
	if it == nil {
		return false
	}
	it.err = it.broken
	return it.ready()
}

// SetBounds gives the iterator another range, over the same state: nil is open, an empty upper bound
// is an empty range, and a prefix given at its creation no longer counts. Bounds are copied. The
// iterator becomes fresh. An error shows in Error at the next move.
func (it *Iterator) SetBounds(lower, upper []byte) {
	if rbdebug.On {
		defer it.moving("SetBounds")()
	}
	if it == nil {
		return
	}
	it.err = nil
	it.broken = nil
	if !it.ready() {
		return
	}
	it.forget()
	if len(lower) > cbridge.MaxKeySize || len(upper) > cbridge.MaxKeySize {
		it.break_("set bounds", dberr.New("", dberr.TooLarge, "a bound exceeds the largest key"))
		return
	}
	if err := it.cfg.Owner.Enter(it.cfg.Context); err != nil {
		it.break_("set bounds", err)
		return
	}
	err := it.src.SetBounds(lower, upper)
	it.cfg.Owner.Leave()
	if err != nil {
		it.break_("set bounds", err)
	} else if rbdebug.On {
		it.checks.Of().bound(lower, upper)
	}
}

// Refresh moves the iterator to the newest state of its family, with the same bounds; one that was
// made from a snapshot stays on it. The iterator becomes fresh. On an error its state is the old one.
func (it *Iterator) Refresh() error {
	if rbdebug.On {
		defer it.moving("Refresh")()
	}
	if it == nil {
		return dberr.ErrClosed
	}
	it.err = it.broken
	if !it.ready() {
		return it.err
	}
	it.forget()
	if it.cfg.Frozen {
		return nil
	}
	refresh := it.cfg.Refresh
	if refresh == nil {
		refresh = it.refreshSource
	}
	if err := refresh(); err != nil {
		return it.cfg.Owner.Describe("refresh", err)
	}
	return nil
}

func (it *Iterator) refreshSource() error {
	if err := it.cfg.Owner.Enter(it.cfg.Context); err != nil {
		return err
	}
	defer it.cfg.Owner.Leave()
	return it.src.Refresh()
}

// forget makes the iterator fresh.
func (it *Iterator) forget() {
	it.settle()
	it.clear(false)
	it.live = false
	it.size.reset(1)
	it.read, it.from = 0, 0
	if rbdebug.On {
		it.checks.Of().last = nil
	}
}

// break_ makes every move fail with err until SetBounds succeeds.
func (it *Iterator) break_(op string, err error) {
	it.broken = it.cfg.Owner.Describe(op, err)
	it.err = it.broken
}

// clear empties the window and leaves the iterator in the gap there.
func (it *Iterator) clear(back bool) {
	w := &it.win
	if rbdebug.On {
		w.expire()
	}
	w.n, w.back, w.end, w.endErr, w.outmost, w.turnHere = 0, back, false, nil, false, false
	it.i, it.on = 0, false
}

// CompareKey compares the current row's key with k in the family's order: negative, 0 or positive.
// In a gap it is negative. It does not allocate.
func (it *Iterator) CompareKey(k []byte) int {
	if rbdebug.On {
		defer it.inside("CompareKey")()
	}
	if it == nil || !it.on {
		return -1
	}
	if it.cfg.Compare != nil {
		return it.cfg.Compare(it.unsafeKey(), k)
	}
	return bytes.Compare(it.unsafeKey(), k)
}

// covers reports whether key lies in the window. Of another order than the bytewise one C alone knows.
func (it *Iterator) covers(key []byte) bool { return it.cfg.Compare == nil && it.win.covers(key) }
