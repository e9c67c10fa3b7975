package engine

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// ReverseBytewise is RocksDB's own comparator that orders keys bytewise from the last to the first, for
// FamilyOptions.Comparator.
const ReverseBytewise = "rocksdb.ReverseBytewiseComparator"

// bytewise is the name of the order that a family has without a comparator.
const bytewise = "leveldb.BytewiseComparator"

// GoComparator is an order of keys written in Go, for FamilyOptions.GoComparator. A new family takes it for
// ever: the name goes into the OPTIONS file and every table, and the database is only opened with the
// comparator of this name after. Under one Name the order must never change.
//
// Compare is called many times in every read, write, flush and compaction, in Open, and on several threads
// at once. It must depend on nothing but its arguments, must not use the database, keep or change the keys,
// some of which are C memory and end with the call, or call runtime.Goexit.
//
// A call that panics, or that answers 0 for two keys that differ, has failed, and Health tells of it: see
// OperatorError. Keys are compared with themselves before they are written: where that fails, the write is
// ErrInvalidArgument, and nothing has happened. Where Compare fails in a read, that answers ErrAborted. Where it
// fails elsewhere, reads and all that changes the database answer ErrAborted until it is opened again with a mended
// function, as it was when Compare failed: no row is lost or misplaced. See docs/operators.md, also for file systems
// without hard links.
//
// What rests on the bytewise order answers ErrUnsupported for a family with another one: IterOptions.Prefix,
// PrefixStats, IndexedBatch, transactions, loaders, Ingest, Import, Export and DeleteFilesInRange. ScanParallel scans
// it in one part.
type GoComparator struct {
	// Name is 1 to 255 letters, digits, dots, hyphens and underscores, not beginning with "rockbridge.",
	// "rocksdb." or "leveldb.".
	Name string
	// Compare is negative where a comes before b, positive where it comes after, and 0 only where both
	// have the same bytes. Either may be empty.
	Compare func(a, b []byte) int
}

// order is how a family's keys lie: the zero one is bytewise.
type order struct {
	name    string
	stamped bool                  // bytewise, with timestamps
	compare func(a, b []byte) int // as Go calls it: it does not panic; nil: bytewise
	checked func(key []byte) error
}

// ordered tells whether the family's order is not the bytewise one.
func (c *ColumnFamily) ordered() bool { return c != nil && c.ops.order.name != "" }

// bytewiseOnly refuses what rests on the bytewise order.
func (c *ColumnFamily) bytewiseOnly(op string) error {
	if !c.ordered() {
		return nil
	}
	e := dberr.New(op, dberr.Unsupported, "it needs keys in bytewise order; the family's comparator is "+c.ops.order.name)
	e.Family, e.Path = c.name, c.db.path
	return e
}

// bytewiseReader is bytewiseOnly of what a Reader reads.
func bytewiseReader(op string, r Reader) error {
	switch r := r.(type) {
	case *DB:
		return r.family().bytewiseOnly(op)
	case *ColumnFamily:
		return r.bytewiseOnly(op)
	case *Snapshot:
		if v, err := r.view(); err == nil {
			return v.cf.bytewiseOnly(op)
		}
	}
	return nil
}

// checkKey refuses a key that the family's comparator cannot take.
func (c *ColumnFamily) checkKey(key []byte) error {
	if c.ops.order.checked == nil {
		return nil
	}
	return c.ops.order.checked(key)
}

// checkRange refuses a range to delete that ends before it starts, and one that cannot be.
func (c *ColumnFamily) checkRange(start, end []byte) error {
	if !c.ordered() {
		return checkRange(start, end)
	}
	if c.stamped() {
		return errStampedRange()
	}
	if err := checkRange(nil, end); err != nil {
		return err
	}
	if len(start) > MaxKeySize {
		return dberr.New("", dberr.TooLarge, "a bound exceeds MaxKeySize")
	}
	for _, key := range [][]byte{start, end} {
		if err := c.checkKey(key); err != nil {
			return err
		}
	}
	if c.ops.order.compare(start, end) > 0 {
		return invalid("", "the range ends before it starts")
	}
	return nil
}

// checkRecords refuses records of a batch whose keys the family's comparator cannot take, and ranges that
// end before they start by it.
func (c *ColumnFamily) checkRecords(b *Batch) error {
	if !c.ordered() || c.stamped() {
		return nil
	}
	for r := range batchrepr.Records(b.rep) {
		if r.Kind == KindLogData || r.Family != c.c.ID {
			continue
		}
		err := c.checkKey(r.Key)
		if r.Kind == KindDeleteRange {
			err = c.checkRange(r.Key, r.Value)
		}
		if err != nil {
			return describeFamily(err, c.name)
		}
	}
	return nil
}

// validateOrder refuses comparators that cannot be.
func (o *FamilyOptions) validateOrder() error {
	if g := o.GoComparator; g != nil {
		if !validGoName(g.Name) || strings.HasPrefix(g.Name, "leveldb.") || g.Compare == nil {
			return invalid("", "GoComparator has no function Compare, or no Name of 1 to 255 letters, digits, '.', '-' and '_' of its own")
		}
		if o.Comparator != "" {
			return invalid("", "GoComparator and Comparator exclude each other")
		}
		if settingsOf(o.Extra)["check_flush_compaction_key_order"] != "" {
			return invalid("", "GoComparator excludes check_flush_compaction_key_order: what is written is always checked")
		}
	}
	if o.Comparator != "" && o.Comparator != ReverseBytewise {
		return invalid("", "unknown Comparator "+cut(o.Comparator)+": known is ReverseBytewise")
	}
	if o.Timestamps && (o.Comparator != "" || o.GoComparator != nil) {
		return invalid("", "Timestamps and a comparator exclude each other")
	}
	return nil
}

// orderName is the comparator that the options name; empty: none.
func (o *FamilyOptions) orderName() string {
	if o.GoComparator != nil {
		return o.GoComparator.Name
	}
	if o.Timestamps {
		return u64ts
	}
	return o.Comparator
}

// setOrder adds the comparator of the options or, where they have none, the one that the database has.
func (o *operators) setOrder(f *FamilyOptions, before string) error {
	if before == bytewise {
		before = ""
	} else if before != "" && f.orderName() == "" {
		taken := *f
		taken.Comparator, taken.Timestamps = before, before == u64ts
		f = &taken
	}
	o.order.name = f.orderName()
	switch {
	case f.GoComparator != nil:
		o.order.compare = o.c.Go.Compare
	case f.Comparator == ReverseBytewise:
		o.c.Reversed = true
		o.order.compare = func(a, b []byte) int { return bytes.Compare(b, a) }
	case f.Timestamps:
		o.c.Stamped, o.order.stamped = true, true
	}
	return o.validateStamps(f)
}

// orderOver is setOrder for a family that the database may have, with another comparator.
func (o *operators) orderOver(f *FamilyOptions, disk *optionsFile, family string) error {
	before := disk.operator(family, "comparator")
	if want := f.orderName(); want != "" && before != "" && before != want {
		return invalid("", "the comparator is "+want+", but the keys in the database are ordered by "+cut(before))
	}
	return o.setOrder(f, before)
}

// serveOrder has Go's own calls of the comparator let no panic out, and tell of it.
func (o *operators) serveOrder() {
	g := o.c.Go
	if g == nil || g.OrderName == "" {
		return
	}
	o.order.compare = func(a, b []byte) int {
		n, err := o.tryCompare(a, b)
		if err != nil {
			return bytes.Compare(a, b)
		}
		return n
	}
	o.order.checked = func(key []byte) error {
		n, err := o.tryCompare(key, key)
		if err == nil && n != 0 {
			err = fmt.Errorf("a key differs from itself")
			g.Failed(g.OrderName, err, nil)
		}
		if err != nil {
			return dberr.Wrap("", dberr.InvalidArgument, fmt.Errorf("the comparator %s does not take the key: %w", g.OrderName, err))
		}
		return nil
	}
}

func (o *operators) tryCompare(a, b []byte) (n int, err error) {
	g := o.c.Go
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it panicked: %v", cause)
			g.Failed(g.OrderName, cause, debug.Stack())
		}
	}()
	return g.Compare(a, b), nil
}

// refuseOrder refuses a comparator beside transactions.
func (o *operators) refuseOrder(mode TxMode) error {
	if mode == NoTx || o.order.name == "" {
		return nil
	}
	return dberr.New("", dberr.Unsupported, "transactions need keys in bytewise order without timestamps; the comparator is "+o.order.name)
}
