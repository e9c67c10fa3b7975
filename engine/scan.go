package engine

import (
	"context"
	"iter"
)

// Scan ranges over the rows that o describes, in ascending order. It opens an iterator when it is
// ranged over and closes it afterwards; rows may be kept for ever. done, to be called after the loop,
// tells the error that ended it, or nil.
//
//	rows, done := engine.Scan(db, nil)
//	for key, value := range rows {
//		...
//	}
//	if err := done(); err != nil {
func Scan(r Reader, o *IterOptions) (rows iter.Seq2[[]byte, []byte], done func() error) {
	var err error
	rows = func(yield func([]byte, []byte) bool) {
		err = nil
		if r == nil {
			err = ErrClosed
			return
		}
		it, e := r.NewIter(o)
		if e != nil {
			err = e
			return
		}
		defer func() { err = it.Close() }()
		for key, value := range it.All() {
			if !yield(key, value) {
				return
			}
		}
	}
	return rows, func() error { return err }
}

// Count counts the rows that o describes and sums up the bytes of their keys and values. The counting
// runs in C; ctx, which may be nil, is looked at between stretches of it. On an error the sums are
// those of the rows before it. A deadline of ctx also ends a stretch.
func Count(ctx context.Context, r Reader, o *IterOptions) (rows, keyBytes, valueBytes int64, err error) {
	if r == nil {
		return 0, 0, 0, ErrClosed
	}
	o, stop := o.within(ctx)
	defer stop()
	it, err := r.NewIter(o)
	if err != nil {
		return 0, 0, 0, err
	}
	rows, keyBytes, valueBytes, err = it.Count(ctx)
	if closed := it.Close(); err == nil {
		err = closed
	}
	return rows, keyBytes, valueBytes, err
}

// within gives an iterator ctx as well, for its waits and for RocksDB, which gets the earlier deadline. stop
// must follow when the iterator is closed.
func (o *IterOptions) within(ctx context.Context) (w *IterOptions, stop func()) {
	if ctx == nil {
		return o, func() {}
	}
	w = &IterOptions{}
	if o != nil {
		*w = *o
	}
	if w.Context == nil {
		w.Context = ctx
		return w, func() {}
	}
	both, cancel := context.WithCancel(w.Context)
	apart := context.AfterFunc(ctx, cancel)
	stop = func() {
		apart()
		cancel()
	}
	w.Context = both
	if at, ok := ctx.Deadline(); ok {
		w.Context, cancel = context.WithDeadline(both, at)
		early := stop
		stop = func() {
			cancel()
			early()
		}
	}
	return w, stop
}
