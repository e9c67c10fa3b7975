package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// ColumnFamily is one family of an open database. It is safe for concurrent use, belongs to its DB
// and is not closed by hand. After DropColumnFamily its calls answer ErrFamilyDropped. A nil
// ColumnFamily answers ErrClosed.
type ColumnFamily struct {
	db       *DB
	c        *cbridge.Family
	name     string
	merges   bool        // it has a merge operator
	operand  operandKind // what its operator takes
	ops      operators   // as it was opened or created with
	dropped  atomic.Bool
	prefixes prefixUse
	blobs    atomic.Bool // it has, or may write, files of blobs

	valueSize valueSize     // of the values that MultiGet reads
	scans     iterator.Hint // of the rows that iterators read

	refit sync.RWMutex // who changes files' levels has it alone, who ingests or drops files with others: RocksDB before 7.10 looks at neither

	ingesting sync.Mutex // one call at a time, where what becomes of the files is looked at

	changes atomic.Uint64 // calls of SetOptions

	history   atomic.Uint64 // where it begins, of a family with timestamps: raised before RocksDB's
	historyMu sync.Mutex    // one raise at a time

	// A write that names a dropped family would leave the whole database in a failed state. So each
	// write holds the families that it names for reading while it runs, and a drop takes for writing.
	claim sync.RWMutex
}

// Name is the family's name.
func (c *ColumnFamily) Name() string {
	if c == nil {
		return ""
	}
	return c.name
}

// ID is the number under which batches name the family.
func (c *ColumnFamily) ID() uint32 {
	if c == nil || c.c == nil {
		return 0
	}
	return c.c.ID
}

// enter begins a call that names the family.
func (c *ColumnFamily) enter(ctx context.Context, op opKind) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	if err := c.db.guard.enter(ctx, op); err != nil {
		return c.describe(err, opNames[op], nil)
	}
	if c.dropped.Load() {
		c.db.guard.leave(op)
		return c.errDropped(opNames[op])
	}
	return nil
}

func (c *ColumnFamily) errDropped(op string) error {
	e := dberr.New(op, dberr.FamilyDropped, "")
	e.Family = c.name
	e.Path = c.db.path
	return e
}

// Get returns a copy of key's value; a miss is ErrNotFound itself. One call into C and one allocation
// up to values of 16 KiB. ErrWouldBlock with CacheOnly, ErrTimedOut past the context's deadline.
func (c *ColumnFamily) Get(key []byte, o *ReadOptions) ([]byte, error) {
	return (&view{cf: c}).get(key, o)
}

// GetAppend appends key's value to dst and returns the longer slice, without an allocation if dst has
// room. On an error, a miss included, it returns dst unchanged.
func (c *ColumnFamily) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	return (&view{cf: c}).getAppend(dst, key, o)
}

// GetPinned lends C memory to f, during f only: f must neither keep value nor write to it. It saves
// the copy of a large value. f's error is returned as it is. Close of the database within f answers
// ErrBusy. In the debug build value is a copy, and to use it after f is a fault.
func (c *ColumnFamily) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	return (&view{cf: c}).getPinned(key, o, f)
}

// Has reports whether key is there.
func (c *ColumnFamily) Has(key []byte, o *ReadOptions) (bool, error) {
	return (&view{cf: c}).has(key, o)
}

// MayHave tells, without reading a file, whether key may be there: false is certain, true is a guess where memtables, filters
// and what is in the cache do not tell. Safe for concurrent use; the errors are those of Has.
func (c *ColumnFamily) MayHave(key []byte) (bool, error) {
	there, err := c.Has(key, &ReadOptions{CacheOnly: true})
	if errors.Is(err, ErrWouldBlock) {
		return true, nil
	}
	return there, err
}

// NewIter makes an iterator over the family's state at this moment. It stands nowhere yet, and must
// be closed.
func (c *ColumnFamily) NewIter(o *IterOptions) (*iterator.Iterator, error) {
	return view{cf: c}.newIter(o)
}

// ColumnFamily finds a family by name, "default" too. ErrFamilyNotFound if there is none.
func (d *DB) ColumnFamily(name string) (*ColumnFamily, error) {
	if d == nil || d.c == nil || d.guard.closing.Load() {
		return nil, ErrClosed
	}
	for _, c := range *d.families.Load() {
		if c.name == name {
			return c, nil
		}
	}
	e := dberr.New("column family", dberr.FamilyNotFound, "")
	e.Family, e.Path = name, d.path
	return nil, e
}

// ColumnFamilies lists the families in the order of their creation, the default one first. It is nil
// on a closed database.
func (d *DB) ColumnFamilies() []*ColumnFamily {
	if d == nil || d.c == nil || d.guard.closing.Load() {
		return nil
	}
	return slices.Clone(*d.families.Load())
}

// setFamilies replaces the list that calls look families up in.
func (d *DB) setFamilies(all []*ColumnFamily) {
	slices.SortFunc(all, func(a, b *ColumnFamily) int { return int(int64(a.c.ID) - int64(b.c.ID)) })
	d.families.Store(&all)
}

// CreateColumnFamily creates a family. ErrInvalidArgument if one of that name exists, which has at most 1 MiB, or RocksDB does
// not know an option.
func (d *DB) CreateColumnFamily(name string, o *FamilyOptions) (*ColumnFamily, error) {
	c, err := d.createFamily(name, o)
	if err != nil {
		return nil, describeFamily(describe(err, "create column family", d.Path()), name)
	}
	return c, nil
}

func (d *DB) createFamily(name string, o *FamilyOptions) (*ColumnFamily, error) {
	if o == nil {
		o = &FamilyOptions{}
	}
	if err := d.enterWrite(nil, opFamily); err != nil {
		return nil, err
	}
	defer d.guard.leave(opFamily)
	n, err := d.newFamily(name, o)
	if err != nil {
		return nil, err
	}
	return n.make(func() (*cbridge.Family, error) { return d.c.CreateFamily(name, n.plan, n.extra) })
}

// newFamily is a family that can be made.
type newFamily struct {
	db    *DB
	name  string
	plan  cbridge.FamilyOptions
	extra string
	ops   operators
}

// newFamily looks at a name and options.
func (d *DB) newFamily(name string, o *FamilyOptions) (*newFamily, error) {
	if err := validateFamilyName(name); err != nil {
		return nil, err
	}
	if len(name) > maxFamilyName {
		return nil, invalid("", "a name has at most 1 MiB")
	}
	if err := o.validate(name); err != nil {
		return nil, err
	}
	if err := o.validateRowTTL(d.timed); err != nil {
		return nil, err
	}
	if why := o.refuseWithoutCache(); d.uncached && why != "" {
		return nil, invalid("", why)
	}
	if d.rowCached {
		if err := o.refuseRows(); err != nil {
			return nil, err
		}
	}
	if d.memory != nil {
		if err := refuseOwnMemory("FamilyOptions.Extra", o.Extra); err != nil {
			return nil, err
		}
	}
	if err := refuseAligned(d.checksums, aligned.MatchString(o.Extra)); err != nil {
		return nil, err
	}
	ops, err := o.operators()
	if err != nil {
		return nil, err
	}
	ops.serve(name, &d.operatorFailures)
	if err := ops.refuseTimed(d.timed); err != nil {
		return nil, err
	}
	if err := ops.refuseOrder(d.tx.mode); err != nil {
		return nil, err
	}
	if err := ops.refuseWide(d.timed, d.tx.mode); err != nil {
		return nil, err
	}
	n := &newFamily{db: d, name: name, plan: o.plan(), extra: d.tx.familyExtra() + o.Extra, ops: ops}
	n.ops.c.RowTTL = int32(o.RowTTL / time.Second)
	n.plan.Operators = n.ops.c
	d.memory.fit(&n.plan, o.Extra)
	return n, nil
}

// make makes the family by a call into C, one at a time.
func (n *newFamily) make(create func() (*cbridge.Family, error)) (*ColumnFamily, error) {
	d := n.db
	d.familyMu.Lock()
	defer d.familyMu.Unlock()
	var c *cbridge.Family
	err := d.manifestCall(func() (err error) {
		c, err = create()
		return err
	})
	if err != nil {
		return nil, err
	}
	f := n.made(c)
	d.setFamilies(append(slices.Clone(*d.families.Load()), f))
	d.files.tellOptions(d, nil)
	return f, nil
}

// made is the family that C has made.
func (n *newFamily) made(c *cbridge.Family) *ColumnFamily {
	f := &ColumnFamily{db: n.db, c: c, name: n.name, merges: n.ops.merges(), operand: n.ops.check, ops: n.ops}
	f.blobs.Store(c.Blobs)
	return f
}

// DropColumnFamily drops a family. It waits for the writes that name it; later calls on c answer
// ErrFamilyDropped, open iterators live on. The default family cannot be dropped. It is dropped too where RocksDB could only
// not write its OPTIONS file afterwards, which is an error from 8.8 on. The family's files go, in the background,
// when the calls have ended that were under way, its iterators are closed, and no backup or checkpoint is at
// them.
func (d *DB) DropColumnFamily(c *ColumnFamily) error {
	if c == nil || d == nil {
		return ErrClosed
	}
	return describeFamily(describe(d.dropFamily(c), "drop column family", d.path), c.name)
}

func (d *DB) dropFamily(c *ColumnFamily) error {
	if err := d.enterWrite(nil, opFamily); err != nil {
		return err
	}
	defer d.guard.leave(opFamily)
	switch {
	case c.db != d:
		return invalid("", "the family belongs to another database")
	case c == d.def:
		return invalid("", "the default family cannot be dropped")
	}
	return d.drop(c)
}

// drop drops a family within the guard.
func (d *DB) drop(c *ColumnFamily) error {
	d.familyMu.Lock() // one drop at a time, so that writers of several families cannot wait in a ring
	defer d.familyMu.Unlock()
	c.claim.Lock()
	defer c.claim.Unlock()
	if c.dropped.Load() {
		return c.errDropped("")
	}
	if d.tx.prepared.Load() > 0 {
		return dberr.New("", dberr.Busy, "transactions are prepared, and may have written to the family")
	}
	gone, err := d.dropInC(c)
	if gone {
		d.setFamilies(slices.DeleteFunc(slices.Clone(*d.families.Load()),
			func(f *ColumnFamily) bool { return f == c }))
		d.files.tellOptions(d, nil)
	}
	return err
}

// dropInC makes the call. A family that is gone is freed as soon as nobody uses it.
func (d *DB) dropInC(c *ColumnFamily) (gone bool, err error) {
	err = d.manifestCall(func() (err error) {
		gone, err = c.c.Drop()
		return err
	})
	if gone {
		c.dropped.Store(true)
		d.retired.add(d, c)
	}
	return gone, err
}
