package engine

import (
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// NewIters makes an iterator over each of the families, all over one state of their database, in one
// call into C: a batch that wrote to several of them is seen by all the iterators or by none. (With
// Options.UnorderedWrite see there.) A family may be named twice. The iterators stand nowhere yet,
// each must be closed, and each may be used by another goroutine. As long as one of them is open and
// was not refreshed, the database keeps what is overwritten and deleted, as for a Snapshot; Refresh
// moves one iterator alone to the newest state.
//
// On an error there are no iterators. ErrInvalidArgument if there are no families or these are of
// different databases, ErrFamilyDropped, and ErrClosed for a nil family too.
func NewIters(cfs ...*ColumnFamily) ([]*iterator.Iterator, error) { return NewItersWith(nil, cfs...) }

// NewItersWith is NewIters with options, which hold for each of the iterators. Nil means everything.
func NewItersWith(o *IterOptions, cfs ...*ColumnFamily) ([]*iterator.Iterator, error) {
	if o == nil {
		o = &IterOptions{}
	}
	if len(cfs) == 0 {
		return nil, invalid("new iterators", "there are no families")
	}
	first := cfs[0]
	if err := first.enter(o.Context, opNewIter); err != nil {
		return nil, err
	}
	defer first.db.guard.leave(opNewIter)
	families, err := first.alongside(cfs, o)
	if err != nil {
		return nil, err
	}
	if err := first.validateIter(o); err != nil {
		return nil, err
	}
	made, err := cbridge.NewIters(families, o.plan())
	if err != nil {
		return nil, first.explainIter(err, "new iterators", o)
	}
	for i, c := range made {
		if err := o.filter(c); err != nil {
			for j, other := range made {
				if j != i {
					other.Free()
				}
			}
			return nil, first.explainIter(err, "new iterators", o)
		}
	}
	its := make([]*iterator.Iterator, len(made))
	for i, c := range made {
		its[i] = view{cf: cfs[i]}.adoptIter(c, o)
	}
	return its, nil
}

// alongside gives the C side of families, c among them, whose database was entered, if they are all
// of that database and none was dropped.
func (c *ColumnFamily) alongside(cfs []*ColumnFamily, o *IterOptions) ([]*cbridge.Family, error) {
	families := make([]*cbridge.Family, len(cfs))
	for i, f := range cfs {
		switch {
		case f == nil || f.db == nil:
			return nil, ErrClosed
		case f.db != c.db:
			return nil, f.describe(invalid("new iterators", "the families belong to different databases"), "", nil)
		case f.dropped.Load():
			return nil, f.errDropped("new iterators")
		case f.stamped():
			return nil, f.describe(errStamped("new iterators"), "", nil)
		case o.Columns && !f.ops.wide:
			return nil, f.describe(f.wideOnly("new iterators"), "", nil)
		}
		if err := f.validateTables(o.Tables); err != nil {
			return nil, f.describe(err, "", nil)
		}
		families[i] = f.c
	}
	return families, nil
}
