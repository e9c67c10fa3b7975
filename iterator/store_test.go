package iterator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// store is a database whose iterators are tested.
type store interface {
	put(key, value []byte) error
	delete(key []byte) error
	deleteRange(start, end []byte) error
	flush() error
	compact() error
	// open makes an iterator over the newest state, and what else walks over the same state.
	open(o *engine.IterOptions) (it *iterator.Iterator, others func() []walker, done func(), err error)
	close() error
}

// engineStore goes the way of programs: through package engine.
type engineStore struct {
	db         *engine.DB
	inSnapshot bool // iterators are made from snapshots
}

// Nothing is read after a reopen here, so nothing is logged.
var noWAL = &engine.WriteOptions{DisableWAL: true}

func (s *engineStore) put(key, value []byte) error { return s.db.Put(key, value, noWAL) }
func (s *engineStore) delete(key []byte) error     { return s.db.Delete(key, noWAL) }
func (s *engineStore) flush() error                { return s.db.Flush() }
func (s *engineStore) close() error                { return s.db.Close() }

func (s *engineStore) deleteRange(start, end []byte) error {
	return s.db.DeleteRange(start, end, noWAL)
}

func (s *engineStore) compact() error { return s.db.Compact(context.Background(), nil, nil) }

func (s *engineStore) open(o *engine.IterOptions) (*iterator.Iterator, func() []walker, func(), error) {
	var r engine.Reader = s.db
	if s.inSnapshot {
		snap, err := s.db.NewSnapshot()
		if err != nil {
			return nil, nil, nil, err
		}
		defer snap.Close()
		r = snap
	}
	it, err := r.NewIter(o)
	return it, func() []walker { return nil }, func() {}, err
}

// bridgeStore goes below engine, where the reference iterator can be had too.
type bridgeStore struct {
	db     *cbridge.DB
	family *cbridge.Family

	program []byte // of the predicate of iterators that are made; nil: none
	pause   uint64
	eager   func() bool // of an iterator: whether every fill is followed by one in the background; nil: none is
}

func openBridge(dir string, o cbridge.FamilyOptions, extra string) (*bridgeStore, error) {
	plan, err := cbridge.NewPlan(dir, cbridge.DBOptions{BlockCacheSize: 8 << 20})
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	if err := plan.Extra(noFlushAtEnd); err != nil {
		return nil, err
	}
	if err := plan.Family("default", o, extra); err != nil {
		return nil, err
	}
	db, err := plan.Open()
	if err != nil {
		return nil, err
	}
	f, err := db.Family("default")
	return &bridgeStore{db: db, family: f}, err
}

func (s *bridgeStore) put(key, value []byte) error {
	return s.family.Apply(cbridge.Put, cbridge.NoWAL, key, value)
}

func (s *bridgeStore) delete(key []byte) error {
	return s.family.Apply(cbridge.Delete, cbridge.NoWAL, key, nil)
}

func (s *bridgeStore) deleteRange(start, end []byte) error {
	return s.family.Apply(cbridge.DeleteRange, cbridge.NoWAL, start, end)
}

func (s *bridgeStore) flush() error   { return s.db.Flush([]*cbridge.Family{s.family}) }
func (s *bridgeStore) compact() error { return s.family.Compact(nil, nil) }

func (s *bridgeStore) close() error {
	s.db.Close()
	return nil
}

func (s *bridgeStore) open(o *engine.IterOptions) (*iterator.Iterator, func() []walker, func(), error) {
	io := cbridge.IterOptions{Lower: o.LowerBound, Upper: o.UpperBound, MaxValue: uint64(o.ValuesUpTo)}
	if o.KeysOnly {
		io.Flags = cbridge.KeysOnly
	}
	c, err := s.family.NewIter(nil, io)
	if err != nil {
		return nil, nil, nil, err
	}
	if s.program != nil {
		if err := c.SetPredicate(s.program, s.pause); err != nil {
			return nil, nil, nil, err
		}
	}
	owner := &bareOwner{c: c}
	cfg := iterator.Config{
		Owner: owner, Closed: &owner.dbClosed, Context: o.Context, Limit: o.Limit, KeysOnly: o.KeysOnly,
		ValuesUpTo: o.ValuesUpTo, Filtered: s.program != nil,
	}
	if s.eager != nil && s.eager() {
		cfg.Background, cfg.Eager = owner, true
	}
	it := iterator.New(c, cfg)
	if s.program != nil { // the reference knows no filter
		return it, func() []walker { return nil }, func() {}, nil
	}
	steps := &stepper{family: s.family, limit: o.Limit}
	// The reference looks at a snapshot of its own, taken where the iterator's state is the newest.
	others := func() []walker {
		steps.close()
		if steps.state != nil {
			steps.state.Free()
		}
		if steps.state, err = s.db.NewSnapshot(); err != nil {
			panic(err)
		}
		return []walker{steps}
	}
	return it, others, func() {
		steps.close()
		if steps.state != nil {
			steps.state.Free()
		}
	}, nil
}

// bareOwner stands where engine does, and checks that calls do not nest and are not made after the
// end.
type bareOwner struct {
	c        *cbridge.Iter
	dbClosed atomic.Bool
	inside   atomic.Bool
	enters   int
	refuse   func(n int) error // the answer to the n-th Enter; nil: let in
	tries    atomic.Int64      // of calls beside the user; every fifth is refused
}

var errMisuse = errors.New("the guard is used in the wrong order")

func (o *bareOwner) Enter(ctx context.Context) error {
	if ctx != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	o.enters++
	if o.refuse != nil {
		if err := o.refuse(o.enters); err != nil {
			return err
		}
	}
	o.begin()
	return nil
}

// TryEnter refuses every fifth call.
func (o *bareOwner) TryEnter(ctx context.Context) bool {
	if ctx != nil && ctx.Err() != nil || o.tries.Add(1)%5 == 0 {
		return false
	}
	o.begin()
	return true
}

// begin panics if a call is under way: nothing may run beside another use of the same C iterator.
func (o *bareOwner) begin() {
	if o.c == nil || o.inside.Swap(true) {
		panic(errMisuse)
	}
}

func (o *bareOwner) Leave() {
	if !o.inside.Swap(false) {
		panic(errMisuse)
	}
}

func (o *bareOwner) Free() {
	if o.inside.Load() || o.c == nil {
		panic(errMisuse)
	}
	o.c.Free()
	o.c = nil
}

func (o *bareOwner) Describe(op string, err error) error { return fmt.Errorf("%s: %w", op, err) }

// openTestDB opens a database in a directory of its own; it is closed when the test ends.
func openTestDB(t testing.TB, o *engine.Options) *engine.DB {
	t.Helper()
	db, err := engine.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fill puts rows in one batch.
func fill(t testing.TB, db *engine.DB, rows []row) {
	t.Helper()
	var b engine.Batch
	for _, r := range rows {
		if err := b.Put(r.key, r.value); err != nil {
			t.Fatal(err)
		}
		if b.Size() > 8<<20 {
			write(t, db, &b)
		}
	}
	write(t, db, &b)
}

func write(t testing.TB, db *engine.DB, b *engine.Batch) {
	t.Helper()
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	b.Reset()
}

// newIter makes an iterator that the test's end closes.
func newIter(t testing.TB, r engine.Reader, o *engine.IterOptions) *iterator.Iterator {
	t.Helper()
	it, err := r.NewIter(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { it.Close() })
	return it
}

func sameRow(a, b row) bool {
	return bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value) && (a.value == nil) == (b.value == nil)
}
