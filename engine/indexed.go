package engine

import (
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// IndexedBatch is a batch that can be read: its reads show the database as it would be if the batch
// had been committed, the newest state of the database at each call and the batch's records over it.
// It is aimed at one family, the default one or that given to In. Records are collected in Go; the
// first read after new ones takes them into an index in C, in the same call as it reads.
//
// One goroutine at a time may use it: calls from several are safe, but wait for each other. After
// Close, and after the database's Close, its calls answer ErrClosed. A nil or zero IndexedBatch
// answers as a closed one.
type IndexedBatch struct {
	s  *indexed
	cf *ColumnFamily
	b  *Batch // the records, aimed at cf
}

// indexed is what the views of an IndexedBatch share: when it is garbage, all views are.
type indexed struct {
	*indexedState
	batch Batch
	views []*IndexedBatch
}

// indexedState is what the database knows of an IndexedBatch.
type indexedState struct {
	db    *DB
	child child
	base  *snapshot // what is read of the database, for a transaction; nil: its newest state

	mu       sync.Mutex       // round all else, that of indexed too, and round every call on over
	over     *cbridge.Overlay // the index; nil: none yet
	replayed int              // up to where batch.rep is in the index
	garbage  int              // bytes of records in the index that were rolled back
	closed   bool
}

var (
	_ Reader = (*IndexedBatch)(nil)
	_ Writer = (*IndexedBatch)(nil)
)

// tolerated is how many bytes more than the batch has may lie rolled back in the index before it is
// built anew.
const tolerated = 64 << 10

// NewIndexedBatch makes an empty batch that can be read, aimed at the default family. It must be
// closed; committing it is not closing it. A database opened read only gives one that only Commit
// refuses.
func (d *DB) NewIndexedBatch() (*IndexedBatch, error) {
	if err := d.enter(nil, opBatch); err != nil {
		return nil, err
	}
	defer d.guard.leave(opBatch)
	s := &indexed{indexedState: &indexedState{db: d, replayed: batchrepr.HeaderLen}}
	s.batch.db = d
	d.children.add(&s.child, childBatch, s.indexedState)
	watch(s, &s.child, s.indexedState)
	s.views = append(s.views, &IndexedBatch{s, d.def, s.batch.In(d.def)})
	return s.views[0], nil
}

// In returns the same batch aimed at family c: its reads and its Put, Delete and so on name c, while
// Commit, Count, Size, Reset and Close are of the whole. It allocates at most once for each family.
func (b *IndexedBatch) In(c *ColumnFamily) *IndexedBatch {
	if b == nil || b.s == nil {
		return b
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for _, v := range b.s.views {
		if v.cf == c {
			return v
		}
	}
	v := &IndexedBatch{b.s, c, b.s.batch.In(c)}
	b.s.views = append(b.s.views, v)
	return v
}

// lock begins a call; unless it fails, s.mu must be unlocked after it.
func (b *IndexedBatch) lock() error {
	if b == nil || b.s == nil {
		return ErrClosed
	}
	b.s.mu.Lock()
	if b.s.closed || b.s.db.guard.closing.Load() {
		b.s.mu.Unlock()
		return ErrClosed
	}
	return nil
}

// lockRecord is lock for a record in the family that b is aimed at.
func (b *IndexedBatch) lockRecord() error {
	if err := b.lock(); err != nil {
		return err
	}
	if err := b.cf.bytewiseOnly("indexed batch"); err != nil {
		b.s.mu.Unlock()
		return err
	}
	return nil
}

// Commit writes the batch as DB.Write does: atomically, over all the families it names, in one call.
// The batch stays as it is, and its reads go on to show its records over the database, so that a
// committed Merge shows twice: Reset, or Close, comes next. On an error nothing was written.
func (b *IndexedBatch) Commit(o *WriteOptions) error {
	if err := b.lock(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.s.db.Write(&b.s.batch, o)
}

// Reset empties the batch for its next use, in all its views; see Batch.Reset. Iterators made before
// stay as they are.
func (b *IndexedBatch) Reset() {
	if b.lock() != nil {
		return
	}
	defer b.s.mu.Unlock()
	b.s.batch.Reset()
	b.s.batch.db = b.s.db
	if b.s.over == nil || b.s.db.guard.enter(nil, opBatch) != nil {
		return
	}
	defer b.s.db.guard.leave(opBatch)
	b.s.freeIndex()
}

// Close discards the batch, in all its views, unless it was committed. Iterators made from it stay
// valid. It is idempotent and returns nil.
func (b *IndexedBatch) Close() error {
	if b.lock() != nil {
		if b != nil && b.s != nil {
			b.s.child.closed()
		}
		return nil
	}
	defer b.s.mu.Unlock()
	s := b.s
	s.closed = true
	s.child.closed()
	s.batch.Reset()
	s.batch.rep = nil
	if s.db.guard.enter(nil, opBatch) != nil {
		return nil // the database's Close frees it
	}
	defer s.db.guard.leave(opBatch)
	s.db.children.remove(&s.child)
	s.freeIndex()
	return nil
}

// freeC is for the database's Close.
func (s *indexedState) freeC() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freeIndex()
}

func (s *indexedState) freeIndex() {
	if s.over != nil {
		s.over.Free()
	}
	s.over, s.replayed, s.garbage = nil, batchrepr.HeaderLen, 0
}

// plain reports that the batch has nothing to say, and never had: the database alone is read.
func (s *indexed) plain() bool { return s.over == nil && s.batch.count == 0 }

// replay makes the index ready for a call that brings it the records it lacks. It runs within the
// database's guard.
func (s *indexed) replay() (cbridge.Replay, error) {
	rep := s.batch.rep
	if s.over != nil && s.garbage > len(rep)+tolerated {
		s.freeIndex()
	}
	if s.over == nil {
		over, err := cbridge.NewOverlay()
		if err != nil {
			return cbridge.Replay{}, err
		}
		if s.base != nil {
			over.Base(s.base.c)
		}
		s.over = over
	}
	if rbdebug.On && s.replayed < len(rep) {
		s.batch.mustBeValid()
	}
	return cbridge.Replay{Keep: s.replayed, Records: rep[min(s.replayed, len(rep)):]}, nil
}

// taken notes that the index has the records of a replay.
func (s *indexed) taken(r cbridge.Replay) { s.replayed = r.Keep + len(r.Records) }

// Put adds a record that sets key to value; see Batch.Put. ErrTooLarge beyond MaxKeySize,
// MaxValueSize and MaxBatchSize. A refused record leaves the batch as it was, and Commit then fails.
func (b *IndexedBatch) Put(key, value []byte) error {
	if err := b.lockRecord(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.Put(key, value)
}

// Delete adds a record that deletes key; see Put for what is refused.
func (b *IndexedBatch) Delete(key []byte) error {
	if err := b.lockRecord(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.Delete(key)
}

// SingleDelete adds a record that deletes a key that was put once; see ColumnFamily.SingleDelete. The
// batch's reads show what Delete would.
func (b *IndexedBatch) SingleDelete(key []byte) error {
	if err := b.lockRecord(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.SingleDelete(key)
}

// Merge adds a record that merges operand into key. ErrInvalidArgument if the family has no merge
// operator. Reads ask the operator.
func (b *IndexedBatch) Merge(key, operand []byte) error {
	if err := b.lockRecord(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.Merge(key, operand)
}

// DeleteRange adds a record that deletes the keys in [start, end), in the database and in the batch
// so far; see Batch.DeleteRange.
func (b *IndexedBatch) DeleteRange(start, end []byte) error {
	if err := b.lockRecord(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.DeleteRange(start, end)
}

// LogData adds a record that goes to the write-ahead log only.
func (b *IndexedBatch) LogData(blob []byte) error {
	if err := b.lock(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.LogData(blob)
}

// Append adds the records of other, which is unchanged, in their families. What Commit would refuse
// is refused here: families of another database, unknown ones, and merges without an operator.
func (b *IndexedBatch) Append(other *Batch) error {
	if err := b.lock(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	if other != nil && other.state() == &b.s.batch {
		return b.b.refuse("append", nil, invalid("", "the batch is the same"))
	}
	if other != nil {
		families, err := b.s.db.resolve(other.state())
		for i := 0; i < len(families) && err == nil; i++ {
			err = families[i].bytewiseOnly("")
		}
		for _, u := range other.state().uses {
			if err == nil && u.wide {
				err = dberr.New("", dberr.Unsupported, "an indexed batch holds no entities: it could show values only")
			}
		}
		if err != nil {
			return b.b.refuse("append", nil, err)
		}
	}
	return b.b.Append(other)
}

// SetSavepoint remembers the present state for RollbackToSavepoint. Savepoints nest.
func (b *IndexedBatch) SetSavepoint() error {
	if err := b.lock(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	return b.b.SetSavepoint()
}

// RollbackToSavepoint takes back the records since the newest savepoint and forgets that savepoint.
// ErrInvalidArgument if there is none. Iterators made before still show those records.
func (b *IndexedBatch) RollbackToSavepoint() error {
	if err := b.lock(); err != nil {
		return err
	}
	defer b.s.mu.Unlock()
	s := b.s
	err := b.b.RollbackToSavepoint()
	s.batch.db = s.db
	if left := max(len(s.batch.rep), batchrepr.HeaderLen); left < s.replayed {
		s.garbage += s.replayed - left
		s.replayed = left
	}
	return err
}

// errOtherDB refuses a family whose reads would be served from the wrong place.
func errOtherDB() error {
	return dberr.New("indexed batch", dberr.InvalidArgument, "the family belongs to another database")
}
