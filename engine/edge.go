package engine

import "context"

// FirstKey is the first key of the rows that o describes; ErrNotFound itself if there are none. One call
// into C, where an iterator takes three, unless r is no DB, ColumnFamily, Snapshot or AsOf, or o has a Filter.
// ctx, which may be nil, covers waits, and its deadline goes down to RocksDB. Limit has no say.
func FirstKey(ctx context.Context, r Reader, o *IterOptions) ([]byte, error) {
	return edgeKey(ctx, r, o, false)
}

// LastKey is the last key of the rows that o describes, and otherwise as FirstKey.
func LastKey(ctx context.Context, r Reader, o *IterOptions) ([]byte, error) {
	return edgeKey(ctx, r, o, true)
}

func edgeKey(ctx context.Context, r Reader, o *IterOptions, last bool) ([]byte, error) {
	if r == nil {
		return nil, ErrClosed
	}
	o, stop := o.within(ctx)
	defer stop()
	bare := IterOptions{}
	if o != nil {
		bare = *o
	}
	bare.KeysOnly, bare.Limit = true, min(bare.Limit, 0)
	v, ours, err := viewOf(r)
	switch {
	case err != nil:
		return nil, err
	case ours && bare.Filter == nil:
		return v.edge(&bare, last)
	}
	return edgeTwin(r, &bare, last)
}

// viewOf is what a Reader of ours looks at; false if it is not ours, or has a batch over it.
func viewOf(r Reader) (v view, ours bool, err error) {
	switch r := r.(type) {
	case *DB:
		if r == nil || r.c == nil {
			return view{}, true, ErrClosed
		}
		return view{cf: r.def}, true, nil
	case *ColumnFamily:
		return view{cf: r}, true, nil
	case *Snapshot:
		v, err = r.view()
		return v, true, err
	case *AsOf:
		v, err = r.view()
		return v, true, err
	}
	return view{}, false, nil
}

// edgeTwin finds the key by an iterator.
func edgeTwin(r Reader, o *IterOptions, last bool) ([]byte, error) {
	it, err := r.NewIter(o)
	if err != nil {
		return nil, err
	}
	move := it.First
	if last {
		move = it.Last
	}
	found := move()
	key := it.Key()
	switch err := it.Close(); {
	case err != nil:
		return nil, err
	case it.Error() != nil: // the Reader gave no iterator, or a closed one
		return nil, it.Error()
	case !found:
		return nil, ErrNotFound
	}
	return key, nil
}

func (v view) edge(o *IterOptions, last bool) ([]byte, error) {
	r, err := v.enter(opIterate, nil, &ReadOptions{Context: o.Context})
	if err != nil {
		return nil, err
	}
	defer v.leave(opIterate)
	if err := v.cf.validateIter(o); err != nil {
		return nil, err
	}
	if v.cf.db.observed() {
		defer v.cf.db.observe(o.Context, opIterate, v.cf, noKey)()
	}
	var small [256]byte
	buf := small[:]
	for {
		n, found, err := v.cf.c.Edge(r.Snapshot, v.plan(o), last, buf)
		err = v.unlessGone(err, opIterate)
		switch {
		case err != nil:
			return nil, v.cf.explainIter(err, "edge", o)
		case !found:
			return nil, ErrNotFound
		case n <= len(buf):
			return append(make([]byte, 0, n), buf[:n]...), nil
		}
		buf = make([]byte, n) // and again: without a snapshot another key may be there by then
	}
}
