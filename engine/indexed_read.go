package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// lockView begins a read; unless it fails, s.mu must be unlocked after it.
func (b *IndexedBatch) lockView() (view, error) {
	if err := b.lock(); err != nil {
		return view{}, err
	}
	var err error
	switch {
	case b.cf == nil:
		err = ErrClosed
	case b.cf.db != b.s.db:
		err = errOtherDB()
	case b.cf.ordered():
		err = b.cf.bytewiseOnly("indexed batch")
	default:
		return view{cf: b.cf, snap: b.s.base}, nil
	}
	b.s.mu.Unlock()
	return view{}, err
}

// lookup is the call into C for a read of one key that v.enter began: it brings the index the records
// it lacks, and looks into it and the database.
func (s *indexed) lookup(v view, r cbridge.Read, op opKind, key, buf []byte, o *ReadOptions) (n int, lent cbridge.Lent, _ error) {
	err := s.look(v, r, o, func(rep cbridge.Replay, r cbridge.Read) (taken bool, err error) {
		if s.db.observed() {
			defer s.db.observe(o.context(), op, v.cf, len(key))()
		}
		n, lent, taken, err = s.over.Get(rep, v.cf.c, r, key, buf)
		return taken, err
	})
	if err != nil {
		return 0, cbridge.Lent{}, v.explain(err, op, key, o)
	}
	return n, lent, nil
}

// look takes a read of one key through the lanes. call is the call into C, which says whether it took
// the replay.
func (s *indexed) look(v view, r cbridge.Read, o *ReadOptions,
	call func(rep cbridge.Replay, r cbridge.Read) (taken bool, err error),
) (err error) {
	cacheOnly, blind := r.Flags&cbridge.CacheOnly != 0, v.cf.blind()
	if cacheOnly && blind {
		return errBlind()
	}
	t := lookup{cacheOnly: cacheOnly, blind: blind, call: func(probe bool) bool {
		how := r
		if probe {
			how.Flags |= cbridge.CacheOnly
		}
		var rep cbridge.Replay
		if rep, err = s.replay(); err != nil {
			return false
		}
		var taken bool
		if taken, err = call(rep, how); taken {
			s.taken(rep)
		}
		return probe && notCached(err)
	}}
	if waited := v.cf.db.guard.lanes.read(o.context(), t); waited != nil {
		return waited
	}
	return err
}

// Get returns a copy of the value that key would have if the batch had been committed; a miss is
// ErrNotFound itself. The errors are those of ColumnFamily.Get, and those of the merge operator. One
// call into C, and one more for the first read after creation and Reset.
func (b *IndexedBatch) Get(key []byte, o *ReadOptions) ([]byte, error) {
	v, err := b.lockView()
	if err != nil {
		return nil, err
	}
	defer b.s.mu.Unlock()
	if b.s.plain() {
		return v.get(key, o)
	}
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	value, err := b.s.get(v, opGet, key, buf[:], o)
	if err != nil {
		return nil, err
	}
	return append(make([]byte, 0, len(value)), value...), nil
}

// get reads into buf, or into new memory if the value is longer.
func (s *indexed) get(v view, op opKind, key, buf []byte, o *ReadOptions) ([]byte, error) {
	r, err := v.enter(op, key, o)
	if err != nil {
		return nil, err
	}
	defer v.leave(op)
	n, lent, err := s.lookup(v, r, op, key, buf, o)
	if err != nil {
		return nil, err
	}
	if lent.Data == nil {
		return buf[:n], nil
	}
	defer lent.Free()
	return append(make([]byte, 0, len(lent.Data)), lent.Data...), nil
}

// GetAppend appends key's value to dst and returns the longer slice, without an allocation if dst has
// room. On an error, a miss included, it returns dst unchanged.
func (b *IndexedBatch) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	v, err := b.lockView()
	if err != nil {
		return dst, err
	}
	defer b.s.mu.Unlock()
	if b.s.plain() {
		return v.getAppend(dst, key, o)
	}
	r, err := v.enter(opGet, key, o)
	if err != nil {
		return dst, err
	}
	defer v.leave(opGet)
	n, lent, err := b.s.lookup(v, r, opGet, key, dst[len(dst):cap(dst)], o)
	switch {
	case err != nil:
		return dst, err
	case lent.Data != nil:
		defer lent.Free()
		return append(dst, lent.Data...), nil
	case dst == nil:
		return []byte{}, nil // an empty value is there, unlike a missing one
	}
	return dst[:len(dst)+n], nil
}

// GetPinned lends memory to f, during f only: f must neither keep value nor write to it. Here it is a
// copy, so that f may use the batch; while the batch never had a record it is what
// ColumnFamily.GetPinned lends. f's error is returned as it is.
func (b *IndexedBatch) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	v, err := b.lockView()
	if err != nil {
		return err
	}
	if b.s.plain() {
		b.s.mu.Unlock()
		return v.getPinned(key, o, f)
	}
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	value, err := b.s.get(v, opGetPinned, key, buf[:], o)
	b.s.mu.Unlock()
	if err != nil {
		return err
	}
	if rbdebug.On {
		return lend(value, f)
	}
	return f(value)
}

// Has reports whether key would be there if the batch had been committed. A key that the batch merges
// into is: the operator is not asked.
func (b *IndexedBatch) Has(key []byte, o *ReadOptions) (bool, error) {
	v, err := b.lockView()
	if err != nil {
		return false, err
	}
	defer b.s.mu.Unlock()
	if b.s.plain() {
		return v.has(key, o)
	}
	r, err := v.enter(opHas, key, o)
	if err != nil {
		return false, err
	}
	defer v.leave(opHas)
	err = b.s.look(v, r, o, func(rep cbridge.Replay, r cbridge.Read) (taken bool, err error) {
		return b.s.over.Has(rep, v.cf.c, r, key)
	})
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, v.explain(err, opHas, key, o)
}

// NewIter makes an iterator over the database's newest state and the batch as they are now: what
// either gets later does not show in it. Its Refresh moves it to both as they are then, and answers
// ErrClosed after the batch's Close; the iterator itself stays valid until its own. It stands nowhere
// yet, and must be closed.
func (b *IndexedBatch) NewIter(o *IterOptions) (*iterator.Iterator, error) {
	if o == nil {
		o = &IterOptions{}
	}
	v, err := b.lockView()
	if err != nil {
		return nil, err
	}
	defer b.s.mu.Unlock()
	if _, err := v.enter(opNewIter, nil, &ReadOptions{Context: o.Context}); err != nil {
		return nil, err
	}
	defer v.leave(opNewIter)
	if err := v.cf.validateIter(o); err != nil {
		return nil, err
	}
	if o.Columns {
		return nil, v.cf.describe(dberr.New("new iterator", dberr.Unsupported, "Columns: an indexed batch shows values only"), "", nil)
	}
	rep, err := b.s.replay()
	if err != nil {
		return nil, v.cf.describe(err, "new iterator", nil)
	}
	c, err := b.s.over.NewIter(rep, v.cf.c, o.plan())
	if err != nil {
		return nil, v.cf.explainIter(err, "new iterator", o)
	}
	b.s.taken(rep)
	if err := o.filter(c); err != nil {
		return nil, v.cf.explainIter(err, "new iterator", o)
	}
	owner, cfg := v.cf.own(c, o, false)
	cfg.Refresh = func() error { return b.s.refresh(owner, o.Context) }
	it := iterator.New(c, cfg)
	watch(it, &owner.child, owner)
	return it, nil
}

// refresh moves one of the batch's iterators to the newest state.
func (s *indexed) refresh(owner *iterOwner, ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := owner.Enter(ctx); err != nil {
		return err
	}
	defer owner.Leave()
	rep, err := s.replay()
	if err != nil {
		return err
	}
	if err := owner.c.RefreshOver(s.over, rep); err != nil {
		return err
	}
	s.taken(rep)
	return nil
}
