package engine

import (
	"bytes"
	"context"
	"math"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// iterOwner is what stands behind an iterator: its C part, its registration, and the guard round
// each of its calls into C.
type iterOwner struct {
	extent rbdebug.State[iterator.Range]

	cf    *ColumnFamily
	child child
	stats iterator.Stats
	o     IterOptions // what an error has to do with: CacheOnly, and the Context whose deadline RocksDB has

	buffers iterator.Buffers // under mu

	observed func() // ends the observation of the call under way; nil: there is none

	mu   sync.Mutex // misuse by two goroutines must not reach C at the same time
	c    *cbridge.Iter
	gone error // why what it would show must not be believed
}

func (v view) newIter(o *IterOptions) (*iterator.Iterator, error) {
	if o == nil {
		o = &IterOptions{}
	}
	r, err := v.enter(opNewIter, nil, &ReadOptions{Context: o.Context})
	if err != nil {
		return nil, err
	}
	defer v.leave(opNewIter)
	if err := v.cf.validateIter(o); err != nil {
		return nil, err
	}
	if v.cf.db.observed() {
		defer v.cf.db.observe(o.Context, opNewIter, v.cf, noKey)()
	}
	c, err := v.cf.c.NewIter(r.Snapshot, v.plan(o))
	if err == nil {
		err = o.filter(c)
		if gone := v.unlessGone(nil, opNewIter); err == nil && gone != nil {
			c.Free()
			err = gone
		}
	}
	if err != nil {
		return nil, v.cf.explainIter(err, "new iterator", o)
	}
	return v.adoptIter(c, o), nil
}

// plan is that of o, as of the view's timestamp.
func (v view) plan(o *IterOptions) cbridge.IterOptions {
	p := o.plan()
	p.Timed, p.At, p.Versions, p.Since = v.timed, v.at, v.versions, v.since
	return p
}

// explainIter completes an error of an iterator that was asked for with o.
func (c *ColumnFamily) explainIter(err error, op string, o *IterOptions) error {
	return c.describe(timedOut(blocked(err, o.CacheOnly), o.Context), op, nil)
}

// adoptIter registers a new iterator of C and makes one for the user of it. One of a snapshot keeps its
// state when it is refreshed.
func (v view) adoptIter(it *cbridge.Iter, o *IterOptions) *iterator.Iterator {
	owner, cfg := v.cf.own(it, o, v.snap != nil)
	if cfg.Stamped = v.timed; v.timed {
		cfg.Refresh = func() error { return owner.refreshAt(v, o.Context) }
	}
	if !o.NoBackground {
		cfg.Background, cfg.Eager = owner, o.eager
	}
	user := iterator.New(it, cfg)
	watch(user, &owner.child, owner)
	return user
}

// mostReadAhead bounds IterOptions.ReadAhead. RocksDB takes that much memory for it, and ends the process if there is none.
const mostReadAhead = 256 << 20

// own registers an iterator of C and says what the one for its user needs to know.
func (c *ColumnFamily) own(it *cbridge.Iter, o *IterOptions, frozen bool) (*iterOwner, iterator.Config) {
	owner := &iterOwner{cf: c, c: it, o: IterOptions{CacheOnly: o.CacheOnly, Context: o.Context}}
	c.db.children.add(&owner.child, childIterator, owner)
	if rbdebug.On {
		*owner.extent.Of() = o.extent()
	}
	return owner, iterator.Config{
		Owner: owner, Closed: &c.db.guard.closing, Context: o.Context, Limit: o.Limit,
		KeysOnly: o.KeysOnly, Columns: o.Columns && !o.KeysOnly, ValuesUpTo: o.ValuesUpTo, Filtered: o.Filter != nil, Frozen: frozen, Stats: &owner.stats,
		Hint: c.hint(o), Buffers: &owner.buffers,
		Compare: c.ops.order.compare, Fill: o.fill,
	}
}

// hint is that of iterators over rows as they are: of others, rows are smaller, or cost more to be found.
func (c *ColumnFamily) hint(o *IterOptions) *iterator.Hint {
	if o.KeysOnly || o.Columns || o.ValuesUpTo > 0 || o.Filter != nil || o.fill > 0 {
		return nil
	}
	return &c.scans
}

func (c *ColumnFamily) validateIter(o *IterOptions) error {
	if o.Limit < 0 || o.ValuesUpTo < 0 || o.ReadAhead < 0 || o.Limit > math.MaxInt/4 || o.ReadAhead > mostReadAhead {
		return c.describe(invalid("new iterator", "Limit, ValuesUpTo or ReadAhead is out of range"), "", nil)
	}
	if o.Prefix != nil && !c.stamped() {
		if err := c.bytewiseOnly("new iterator"); err != nil {
			return err
		}
	}
	if o.Columns {
		if err := c.wideOnly("new iterator"); err != nil {
			return c.describe(err, "", nil)
		}
		if o.ValuesUpTo != 0 {
			return c.describe(invalid("new iterator", "ValuesUpTo would cut columns off"), "", nil)
		}
	}
	if o.AsyncIO && !Supports(AsyncIO) {
		return c.describe(unsupported("new iterator", AsyncIO), "", nil)
	}
	if o.AdaptiveReadAhead && o.ReadAhead > 0 {
		return c.describe(invalid("new iterator", "AdaptiveReadAhead is for the automatic read-ahead"), "", nil)
	}
	if o.AdaptiveReadAhead && !Supports(AdaptiveReadAhead) {
		return c.describe(unsupported("new iterator", AdaptiveReadAhead), "", nil)
	}
	if err := o.Filter.check(); err != nil {
		return c.describe(err, "new iterator", nil)
	}
	if err := c.validateTables(o.Tables); err != nil {
		return c.describe(err, "", nil)
	}
	if max(len(o.LowerBound), len(o.UpperBound), len(o.Prefix)) > MaxKeySize {
		return c.describe(dberr.New("new iterator", dberr.TooLarge, "a bound exceeds MaxKeySize"), "", nil)
	}
	return nil
}

// plan gives the options to the C glue in its terms; the prefix becomes bounds.
func (o *IterOptions) plan() cbridge.IterOptions {
	lower, upper := o.LowerBound, o.UpperBound
	if len(o.Prefix) > 0 {
		if lower == nil || bytes.Compare(o.Prefix, lower) > 0 {
			lower = o.Prefix
		}
		if end := prefixEnd(o.Prefix); end != nil && (upper == nil || bytes.Compare(end, upper) < 0) {
			upper = end
		}
	}
	return cbridge.IterOptions{
		Lower: lower, Upper: upper, MaxValue: uint64(o.ValuesUpTo), ReadAhead: uint64(o.ReadAhead),
		Deadline: deadline(o.Context), Columns: o.Columns && !o.KeysOnly,
		Flags: bit(o.KeysOnly, cbridge.KeysOnly) | bit(o.NoFillCache, cbridge.NoFill) |
			bit(o.NoVerifyChecksums, cbridge.NoVerify) | bit(o.CacheOnly, cbridge.CacheOnly) |
			bit(o.AsyncIO, cbridge.AsyncIO) | bit(o.AdaptiveReadAhead, cbridge.Adaptive),
		Tables: tableRanges(o.Tables),
	}
}

// prefixEnd is the lowest key above all keys with prefix p; nil if there is none.
func prefixEnd(p []byte) []byte {
	n := len(p)
	for n > 0 && p[n-1] == 0xff {
		n--
	}
	if n == 0 {
		return nil
	}
	end := bytes.Clone(p[:n])
	end[n-1]++
	return end
}

// refreshAt moves the iterator to the newest state as of the same timestamp, if the history has it.
func (o *iterOwner) refreshAt(v view, ctx context.Context) error {
	if err := o.Enter(ctx); err != nil {
		return err
	}
	defer o.Leave()
	if err := v.unlessGone(nil, opIterate); err != nil {
		return err
	}
	if err := o.c.Refresh(); err != nil {
		return v.unlessGone(err, opIterate)
	}
	o.gone = v.unlessGone(nil, opIterate)
	return o.gone
}

// Enter begins a call into C on the iterator.
func (o *iterOwner) Enter(ctx context.Context) error {
	if err := o.enter(ctx); err != nil {
		return err
	}
	if o.gone != nil {
		o.Leave()
		return o.gone
	}
	return nil
}

// enter is Enter, whatever the iterator would show.
func (o *iterOwner) enter(ctx context.Context) error {
	if err := o.cf.db.guard.enter(ctx, opIterate); err != nil {
		return err
	}
	return o.entered(ctx)
}

// TryEnter begins a call into C as Enter does, for a fill beside the user: not if it would have to wait for its
// turn, as others wait for theirs.
func (o *iterOwner) TryEnter(ctx context.Context) bool {
	if ctx != nil && ctx.Err() != nil || !o.cf.db.guard.tryEnter(opIterate) {
		return false
	}
	return o.entered(ctx) == nil
}

// entered is the rest of Enter, within the guard.
func (o *iterOwner) entered(ctx context.Context) error {
	o.mu.Lock()
	if o.c == nil {
		o.mu.Unlock()
		o.cf.db.guard.leave(opIterate)
		return ErrClosed
	}
	if o.cf.db.observed() {
		o.observed = o.cf.db.observe(ctx, opIterate, o.cf, noKey)
	}
	return nil
}

// Leave ends what Enter or TryEnter began.
func (o *iterOwner) Leave() {
	if o.observed != nil {
		o.observed()
		o.observed = nil
	}
	o.mu.Unlock()
	o.cf.db.guard.leave(opIterate)
}

// Free ends the C iterator, unless the database's Close does or did.
func (o *iterOwner) Free() {
	o.child.closed()
	if err := o.enter(nil); err != nil {
		return
	}
	defer o.Leave()
	o.cf.db.children.remove(&o.child)
	o.freeC()
	o.buffers.GiveBack() // not where the database's Close frees it: the user's iterator keeps its row
}

func (o *iterOwner) freeC() {
	if o.c != nil {
		o.c.Free()
		o.c = nil
		o.cf.iteratorClosed()
	}
}

// Describe puts operation, path and family into an error of the iterator.
func (o *iterOwner) Describe(op string, err error) error {
	return o.cf.explainIter(err, op, &o.o)
}
