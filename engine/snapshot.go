package engine

import (
	"context"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// Snapshot is one consistent state of the whole database, seen in one family: the default one, or
// that given to In. It is safe for concurrent use. A nil or zero Snapshot answers as a closed one.
type Snapshot struct {
	s  *snapshot
	cf *ColumnFamily
}

// snapshot is what the views of a Snapshot share. Readers hold it while they read: when it is garbage,
// all views are and nobody reads.
type snapshot struct{ *snapshotState }

// snapshotState is what the database knows of a snapshot. Readers hold it while they read, so that
// Close in another goroutine cannot free it under them.
type snapshotState struct {
	db     *DB
	c      *cbridge.Snapshot
	refs   atomic.Int64 // 1 for the open handle, 1 for each read under way
	closed atomic.Bool
	child  child
}

// NewSnapshot takes a snapshot. It must be closed: it keeps what is overwritten and deleted
// afterwards on disk.
func (d *DB) NewSnapshot() (*Snapshot, error) {
	s, err := d.snapshot()
	if err == nil {
		watch(s.s, &s.s.child, s.s.snapshotState)
	}
	return s, err
}

// snapshot takes a snapshot that its maker will not lose.
func (d *DB) snapshot() (*Snapshot, error) {
	if err := d.enter(nil, opSnapshot); err != nil {
		return nil, err
	}
	defer d.guard.leave(opSnapshot)
	c, err := d.c.NewSnapshot()
	if err != nil {
		return nil, describe(err, "snapshot", d.path)
	}
	s := &snapshot{&snapshotState{db: d, c: c}}
	s.refs.Store(1)
	d.children.add(&s.child, childSnapshot, s.snapshotState)
	return &Snapshot{s: s, cf: d.def}, nil
}

// View calls f with a snapshot, which is closed after f. It returns f's error, or the context's if
// that has ended before.
func (d *DB) View(ctx context.Context, f func(s *Snapshot) error) error {
	if ctx != nil && ctx.Err() != nil {
		return dberr.FromContext("view", ctx.Err())
	}
	s, err := d.snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

func (s *snapshotState) acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 || s.closed.Load() {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release drops a reference; the last one frees. It runs within the database's guard.
func (s *snapshotState) release() {
	if s.refs.Add(-1) == 0 {
		s.db.children.remove(&s.child)
		s.freeC()
	}
}

func (s *snapshotState) freeC() { s.c.Free() }

// In returns the same snapshot seen in family c. Close on either closes both.
func (s *Snapshot) In(c *ColumnFamily) *Snapshot {
	if s == nil || s.s == nil {
		return s
	}
	return &Snapshot{s: s.s, cf: c}
}

// view is what the read calls go through. A family of another database is refused: its reads would
// be served from the wrong place.
func (s *Snapshot) view() (view, error) {
	switch {
	case s == nil || s.s == nil || s.cf == nil || s.s.closed.Load():
		return view{}, ErrClosed
	case s.cf.db != s.s.db:
		return view{}, invalid("snapshot", "the family belongs to another database")
	}
	return view{cf: s.cf, snap: s.s}, nil
}

// Get reads as ColumnFamily.Get does, in the snapshot's state.
func (s *Snapshot) Get(key []byte, o *ReadOptions) ([]byte, error) {
	v, err := s.view()
	if err != nil {
		return nil, err
	}
	return v.get(key, o)
}

// GetAppend reads as ColumnFamily.GetAppend does, in the snapshot's state.
func (s *Snapshot) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	v, err := s.view()
	if err != nil {
		return dst, err
	}
	return v.getAppend(dst, key, o)
}

// GetPinned lends C memory to f, during f only, as ColumnFamily.GetPinned does.
func (s *Snapshot) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	return v.getPinned(key, o, f)
}

// Has reports whether key was there.
func (s *Snapshot) Has(key []byte, o *ReadOptions) (bool, error) {
	v, err := s.view()
	if err != nil {
		return false, err
	}
	return v.has(key, o)
}

// NewIter makes an iterator over the snapshot's state. It stays valid after the snapshot's Close.
func (s *Snapshot) NewIter(o *IterOptions) (*iterator.Iterator, error) {
	v, err := s.view()
	if err != nil {
		return nil, err
	}
	return v.newIter(o)
}

// Sequence is the number of the newest write that the snapshot shows. ErrUnsupported before RocksDB
// 9.0.
func (s *Snapshot) Sequence() (uint64, error) {
	v, err := s.view()
	if err != nil {
		return 0, err
	}
	if _, err := v.enter(opSnapshot, nil, nil); err != nil {
		return 0, err
	}
	defer v.leave(opSnapshot)
	if !Supports(SnapshotSequence) {
		return 0, unsupported("snapshot sequence", SnapshotSequence)
	}
	n, err := v.snap.c.Sequence()
	return n, describe(err, "snapshot sequence", v.cf.db.path)
}

// Close releases the snapshot in all its views. It is idempotent.
func (s *Snapshot) Close() error {
	if s == nil || s.s == nil || s.s.closed.Swap(true) {
		return nil
	}
	s.s.child.closed()
	if err := s.s.db.guard.enter(nil, opSnapshot); err != nil {
		return nil // the database's Close frees it
	}
	defer s.s.db.guard.leave(opSnapshot)
	s.s.release()
	return nil
}
