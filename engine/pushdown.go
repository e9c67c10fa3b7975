package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/iterator"
)

// push has C work through the rows of r that o describes, in calls of bounded length; ctx, which may be
// nil, is looked at between them.
func push(ctx context.Context, r Reader, o *IterOptions, p iterator.Pushdown) error {
	if r == nil {
		return ErrClosed
	}
	o, stop := o.within(ctx)
	defer stop()
	it, err := r.NewIter(o)
	if err != nil {
		return err
	}
	err = it.Push(ctx, p)
	if closed := it.Close(); err == nil {
		err = closed
	}
	return err
}
