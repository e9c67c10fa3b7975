package engine

import (
	"errors"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// with gives the options of a read the transaction's context, unless they have one.
func (s *txState) with(o *ReadOptions) *ReadOptions {
	switch {
	case o == nil:
		return &s.reads
	case o.Context != nil || s.ctx == nil:
		return o
	}
	own := *o
	own.Context = s.ctx
	return &own
}

// enterRead begins a read that takes no lock.
func (t *Tx) enterRead(op string) error {
	if err := t.enterKey(op); err != nil {
		return err
	}
	if err := t.s.begin(); err != nil {
		t.leave()
		return t.explain(err, op, nil)
	}
	return nil
}

// explain completes an error of a call that names a key.
func (t *Tx) explain(err error, op string, key []byte) error {
	if len(key) > MaxKeySize {
		key = nil
	}
	return t.cf.describe(err, op, key)
}

// Get returns a copy of key's value as the transaction sees it; a miss is ErrNotFound itself. See
// ColumnFamily.Get. Others may change the key: see GetForUpdate.
func (t *Tx) Get(key []byte, o *ReadOptions) ([]byte, error) {
	if rbdebug.On {
		defer t.alone("Tx.Get")()
	}
	if err := t.enterRead("get"); err != nil {
		return nil, err
	}
	defer t.leave()
	return t.b.Get(key, t.s.with(o))
}

// GetAppend appends key's value to dst and returns the longer slice; dst unchanged on an error.
func (t *Tx) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	if rbdebug.On {
		defer t.alone("Tx.GetAppend")()
	}
	if err := t.enterRead("get"); err != nil {
		return dst, err
	}
	defer t.leave()
	return t.b.GetAppend(dst, key, t.s.with(o))
}

// GetPinned lends memory to f, during f only: f must neither keep value nor write to it. f may use the
// transaction. f's error is returned as it is.
func (t *Tx) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	if rbdebug.On {
		defer t.alone("Tx.GetPinned")()
	}
	if err := t.enterRead("get pinned"); err != nil {
		return err
	}
	o = t.s.with(o)
	t.leave()
	return t.b.GetPinned(key, o, f)
}

// Has reports whether key is there, as the transaction sees it.
func (t *Tx) Has(key []byte, o *ReadOptions) (bool, error) {
	if rbdebug.On {
		defer t.alone("Tx.Has")()
	}
	if err := t.enterRead("has"); err != nil {
		return false, err
	}
	defer t.leave()
	return t.b.Has(key, t.s.with(o))
}

// MultiGet reads keys as ColumnFamily.MultiGet does, as the transaction sees them.
func (t *Tx) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	if rbdebug.On {
		defer t.alone("Tx.MultiGet")()
	}
	if err := t.enterRead("multi get"); err != nil {
		return nil, err
	}
	defer t.leave()
	return t.b.MultiGet(keys, t.s.with(o))
}

// MultiGetFamilies reads keys of several families as DB.MultiGetFamilies does, as the transaction sees
// them. The family that it is aimed at does not matter.
func (t *Tx) MultiGetFamilies(keys []FamilyKey, o *ReadOptions) ([]Value, error) {
	if rbdebug.On {
		defer t.alone("Tx.MultiGetFamilies")()
	}
	if err := t.enter("multi get"); err != nil {
		return nil, err
	}
	defer t.leave()
	if err := t.s.begin(); err != nil {
		return nil, describe(err, "multi get", t.s.db.path)
	}
	return t.b.MultiGetFamilies(keys, t.s.with(o))
}

// NewIter makes an iterator over what the transaction sees now: what it writes later does not show in
// it until its Refresh, which answers ErrClosed after the transaction's end; the iterator itself stays
// valid until its own. Rows that others add to the range are no conflict. It must be closed.
func (t *Tx) NewIter(o *IterOptions) (*iterator.Iterator, error) {
	if rbdebug.On {
		defer t.alone("Tx.NewIter")()
	}
	if err := t.enterRead("new iterator"); err != nil {
		return nil, err
	}
	defer t.leave()
	if o == nil {
		o = &IterOptions{}
	}
	if o.Context == nil && t.s.ctx != nil {
		own := *o
		own.Context = t.s.ctx
		o = &own
	}
	return t.b.NewIter(o)
}

// GetForUpdate reads as Get does and has the commit depend on key, whether it is there or not, for a
// write that rests on it. With Pessimistic it locks key, and waits for that as TxOptions.LockTimeout
// says: ErrTimedOut, ErrDeadlock where those who wait would wait for each other, and ErrBusy if key has
// changed since the transaction began, all of which leave the transaction as it was. With Optimistic
// it is Commit that answers ErrBusy.
func (t *Tx) GetForUpdate(key []byte, o *ReadOptions) ([]byte, error) {
	if rbdebug.On {
		defer t.alone("Tx.GetForUpdate")()
	}
	return t.getFor(key, o, true, "get for update")
}

// GetForShare is GetForUpdate for a key that others may read so as well, at the same time, but not
// change: for what a commit depends on and does not write.
func (t *Tx) GetForShare(key []byte, o *ReadOptions) ([]byte, error) {
	if rbdebug.On {
		defer t.alone("Tx.GetForShare")()
	}
	return t.getFor(key, o, false, "get for share")
}

func (t *Tx) getFor(key []byte, o *ReadOptions, exclusive bool, op string) ([]byte, error) {
	if err := t.enterKey(op); err != nil {
		return nil, err
	}
	defer t.leave()
	o = t.s.with(o)
	if err := t.lock(key, exclusive); err != nil {
		return nil, t.explain(err, op, key)
	}
	if t.s.c == nil { // the lock is all that it takes
		return t.b.Get(key, o)
	}
	value, err := t.track(key, o, exclusive)
	if err != nil && err != ErrNotFound {
		return nil, t.explain(t.s.met(timedOut(err, o.Context)), op, key)
	}
	if t.s.ib.s.batch.count > 0 { // it may have written the key itself
		return t.b.Get(key, o)
	}
	return value, err
}

// track tells RocksDB that the commit depends on key, and reads it: the value is the database's.
func (t *Tx) track(key []byte, o *ReadOptions, exclusive bool) (value []byte, err error) {
	d, r := t.s.db, o.read()
	if o.CacheOnly {
		return nil, invalid("", "what a commit depends on is not read from the cache alone")
	}
	if err := d.guard.enter(o.Context, opTx); err != nil {
		return nil, err
	}
	defer d.guard.leave(opTx)
	r.Snapshot = t.s.ib.s.base.c
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	waited := d.guard.lanes.read(o.Context, lookup{blind: true, call: func(bool) bool {
		if d.observed() {
			defer d.observe(o.Context, opTx, t.cf, len(key))()
		}
		var n int
		var pinned cbridge.Pinned
		if n, pinned, err = t.s.c.GetForUpdate(t.cf.c, r, exclusive, key, buf[:]); err != nil {
			return false
		}
		from := buf[:n]
		if pinned.Held() {
			from = pinned.Data
		}
		value = append(make([]byte, 0, len(from)), from...)
		pinned.Free()
		return false
	}})
	if waited != nil {
		return nil, waited
	}
	return value, err
}

// MultiGetForUpdate is GetForUpdate of many keys: it locks them all, in an order of its own so that such
// calls do not wait for each other in a ring, and then reads them as MultiGet does. The errors of
// GetForUpdate are those of the whole call; keys that were locked before stay so.
func (t *Tx) MultiGetForUpdate(keys [][]byte, o *ReadOptions) ([]Value, error) {
	const op = "multi get for update"
	if rbdebug.On {
		defer t.alone("Tx.MultiGetForUpdate")()
	}
	if err := t.enterKey(op); err != nil {
		return nil, err
	}
	defer t.leave()
	o = t.s.with(o)
	if err := t.lockMany(keys, o); err != nil {
		return nil, t.explain(t.s.met(timedOut(err, o.Context)), op, nil)
	}
	return t.b.MultiGet(keys, o)
}

func (t *Tx) lockMany(keys [][]byte, o *ReadOptions) error {
	s, db := t.s.txState, &t.s.db.tx
	size, lens := 0, make([]uint32, len(keys))
	for i, key := range keys {
		if len(key) > MaxKeySize {
			return dberr.New("", dberr.TooLarge, "a key exceeds MaxKeySize")
		}
		lens[i] = uint32(len(key))
		size += len(key)
	}
	if size > MaxBatchSize || len(keys) > MaxMultiGetKeys {
		return dberr.New("", dberr.TooLarge, "the keys exceed MaxMultiGetKeys or MaxBatchSize")
	}
	numbers := make([]uint64, len(keys))
	for i, key := range keys {
		numbers[i] = db.locks.of(t.cf.c.ID, key)
	}
	if err := s.lockAll(numbers); err != nil {
		return err
	}
	if err := s.begin(); err != nil || s.c == nil || len(keys) == 0 {
		return err
	}
	packed := make([]byte, 0, size)
	for _, key := range keys {
		packed = append(packed, key...)
	}
	return t.trackMany(lens, packed, o)
}

// trackMany is track for many keys, without their values.
func (t *Tx) trackMany(lens []uint32, packed []byte, o *ReadOptions) (err error) {
	d, r := t.s.db, o.read()
	if err := d.guard.enter(o.Context, opTx); err != nil {
		return err
	}
	defer d.guard.leave(opTx)
	r.Snapshot = t.s.ib.s.base.c
	waited := d.guard.lanes.read(o.Context, lookup{blind: true, call: func(bool) bool {
		if d.observed() {
			defer d.observe(o.Context, opTx, t.cf, noKey)()
		}
		err = t.s.c.Track(t.cf.c, r, true, lens, packed)
		return false
	}})
	if waited != nil {
		return waited
	}
	return err
}

// isConflict tells whether an error is of what others do: to begin anew may help.
func isConflict(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, ErrTryAgain) || errors.Is(err, ErrTimedOut)
}
