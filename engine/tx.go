package engine

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Tx is a transaction: a Reader and a Writer over the whole database, aimed at one family, the default
// one or that given to In. Its reads show the state in which it began, which is that of its first call
// on a key after Begin, and over that what it wrote itself. What it writes is collected in Go and
// committed as a whole.
//
// Nobody else's commit is lost: Commit answers ErrBusy, and writes nothing, if a key that the
// transaction wrote, or read with GetForUpdate or GetForShare, was changed by others since it began;
// ErrTryAgain if RocksDB does not remember that far back. With Pessimistic these calls lock their key,
// until the transaction ends, and who wants it waits for that; then ErrBusy comes from GetForUpdate
// already. What Get, Has, MultiGet and iterators read is not protected: see docs/transactions.md.
//
// One goroutine at a time may use it: calls from several wait for each other, and the debug build
// panics. Its context covers every call but Rollback: when it ends, they answer its error, Commit
// included. A transaction must be ended, by Commit or Rollback; then its calls answer ErrClosed. One with
// TxOptions.Expiration ends by itself as well: its calls then answer ErrExpired. A nil or zero Tx answers
// as one that has ended.
type Tx struct {
	s  *tx
	cf *ColumnFamily
	b  *IndexedBatch // what was written, aimed at cf
}

// tx is what the views of a Tx share: when it is garbage, all views are.
type tx struct {
	*txState
	views []*Tx
}

type txPhase uint8

const (
	txOpen     txPhase = iota
	txPrepared         // only Commit and Rollback are left
	txOver             //
)

// txState is what the database knows of a transaction.
type txState struct {
	db    *DB
	child child
	o     TxOptions
	ctx   context.Context
	reads ReadOptions // with its context

	mu       sync.Mutex // round every call
	state    txPhase
	ib       *IndexedBatch // what was written, and reads of it over the database
	c        *cbridge.Tx   // RocksDB's; nil: not begun
	owner    lockOwner
	touched  []uint64 // Optimistic: the locks for Commit, of keys that were written or are protected
	failed   error    // of the first write that was refused
	saves    []error  // what that was at each savepoint
	conflict bool     // a call has met others: to begin anew may help
	name     string
	expiry   expiry
}

var (
	_ Reader = (*Tx)(nil)
	_ Writer = (*Tx)(nil)
)

// Begin begins a transaction that is aimed at the default family. Nil options mean the defaults. ctx
// covers it until its end; its deadline ends waits for locks too. ErrUnsupported if Options.Transactions
// is NoTx, ErrInvalidArgument for options that contradict each other or the mode. Safe for concurrent
// use.
func (d *DB) Begin(ctx context.Context, o *TxOptions) (*Tx, error) {
	if err := d.enter(ctx, opTx); err != nil {
		return nil, err
	}
	defer d.guard.leave(opTx)
	t, err := d.begin(ctx, o)
	return t, describe(err, "begin", d.path)
}

func (d *DB) begin(ctx context.Context, o *TxOptions) (*Tx, error) {
	if d.tx.mode == NoTx {
		return nil, d.errMode("begin", "the database was opened without Options.Transactions")
	}
	if o == nil {
		o = &TxOptions{}
	}
	if err := o.validate(d.tx.mode); err != nil {
		return nil, err
	}
	t := d.newTx(ctx, *o)
	d.children.add(&t.s.child, childTx, t.s.txState)
	watch(t.s, &t.s.child, t.s.txState)
	t.s.startExpiry()
	return t, nil
}

// newTx makes a transaction that the database does not list yet.
func (d *DB) newTx(ctx context.Context, o TxOptions) *Tx {
	b := &indexed{indexedState: &indexedState{db: d, replayed: batchrepr.HeaderLen}}
	b.batch.db = d
	ib := &IndexedBatch{b, d.def, b.batch.In(d.def)}
	b.views = append(b.views, ib)
	s := &tx{txState: &txState{db: d, o: o, ctx: ctx, ib: ib}}
	s.reads.Context = ctx
	t := &Tx{s, d.def, ib}
	s.views = append(s.views, t)
	return t
}

// In returns the same transaction aimed at family c: its reads and writes name c, while Commit, Rollback,
// Prepare and savepoints are of the whole. It allocates at most once for each family.
func (t *Tx) In(c *ColumnFamily) *Tx {
	if t == nil || t.s == nil {
		return t
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for _, v := range t.s.views {
		if v.cf == c {
			return v
		}
	}
	v := &Tx{t.s, c, t.s.ib.In(c)}
	t.s.views = append(t.s.views, v)
	return v
}

// enter begins a call; unless it fails, leave must follow.
func (t *Tx) enter(op string) error {
	if t == nil || t.s == nil {
		return ErrClosed
	}
	t.s.mu.Lock()
	if err := t.s.usable(op); err != nil {
		t.s.mu.Unlock()
		return err
	}
	return nil
}

func (t *Tx) leave() { t.s.mu.Unlock() }

// alone is the debug build's look for a second goroutine.
func (t *Tx) alone(op string) (leave func()) {
	if t == nil || t.s == nil {
		return func() {}
	}
	return rbdebug.EnterOuter(t.s.txState, op, "one goroutine at a time may use a transaction", rbdebug.Stack{})
}

// usable tells why no call but the last ones can be made.
func (s *txState) usable(op string) error {
	switch {
	case s.state == txOver || s.db.guard.closing.Load():
		return s.errOver(op)
	case s.state == txPrepared:
		return describe(invalid(op, "the transaction is prepared: only Commit and Rollback are left"), "", s.db.path)
	case s.expiry.past():
		return describe(errExpired(op), "", s.db.path)
	case s.ctx != nil && s.ctx.Err() != nil:
		return describe(dberr.FromContext(op, s.ctx.Err()), "", s.db.path)
	}
	return nil
}

// enterKey begins a call that names the family.
func (t *Tx) enterKey(op string) error {
	if err := t.enter(op); err != nil {
		return err
	}
	err := error(nil)
	switch {
	case t.cf == nil || t.cf.db == nil:
		err = ErrClosed
	case t.cf.db != t.s.db:
		err = invalid(op, "the family belongs to another database")
	case t.cf.dropped.Load():
		err = t.cf.errDropped(op)
	}
	if err != nil {
		t.leave()
	}
	return err
}

// begin has RocksDB begin the transaction, if it has to know of it: then this is the state that it
// shows. It runs after the first lock was waited for, so that what the holder did is no conflict.
func (s *txState) begin() error {
	if s.c != nil || s.o.NoSnapshot {
		return nil
	}
	if err := s.db.guard.enter(s.ctx, opTx); err != nil {
		return err
	}
	defer s.db.guard.leave(opTx)
	if l := s.db.guard.lanes; l != nil {
		if err := l.quick.acquire(s.ctx); err != nil {
			return err
		}
		defer l.quick.release()
	}
	c, snap, err := s.db.c.Begin(s.o.flags(), true)
	if err != nil {
		return err
	}
	s.c = c
	s.ib.s.base = &snapshot{&snapshotState{db: s.db, c: snap}}
	s.ib.s.base.refs.Store(1)
	return nil
}

// how is how the transaction waits for locks.
func (s *txState) how() lockHow {
	return lockHow{
		timeout: s.expiry.bound(lockTimeout(s.o.LockTimeout, s.db.tx.o.LockTimeout)),
		blind:   s.o.NoDeadlockDetection, depth: s.o.DeadlockDepth,
	}
}

// lock locks a key, with Optimistic only once the transaction is committed, and begins the transaction.
func (t *Tx) lock(key []byte, exclusive bool) error {
	s, db := t.s.txState, &t.s.db.tx
	if len(key) > MaxKeySize {
		return dberr.New("", dberr.TooLarge, "the key exceeds MaxKeySize")
	}
	number := db.locks.of(t.cf.c.ID, key)
	if db.mode == Optimistic {
		s.touched = append(s.touched, number)
	} else if err := db.locks.acquire(s.ctx, &s.owner, number, exclusive, s.how()); err != nil {
		return s.met(s.expiry.explain(err))
	}
	return s.begin()
}

// lockAll locks keys by their numbers, in one order for all; with Optimistic only once the transaction is committed.
func (s *txState) lockAll(numbers []uint64) error {
	db := &s.db.tx
	if db.mode == Optimistic {
		s.touched = append(s.touched, numbers...)
		return nil
	}
	return s.expiry.explain(db.lockAll(s.ctx, &s.owner, numbers, true, s.how()))
}

// met notes that an error is of others' doing.
func (s *txState) met(err error) error {
	if isConflict(err) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		s.conflict = true
	}
	return err
}

// end frees what the transaction has. mu is held, and the guard was entered.
func (s *txState) end() {
	s.state = txOver
	s.expiry.stop()
	s.db.children.remove(&s.child)
	s.child.closed()
	s.free()
	s.db.tx.locks.release(&s.owner)
}

// freeC is for the database's Close.
func (s *txState) freeC() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free()
}

// free frees the C side.
func (s *txState) free() {
	if s.c != nil {
		s.c.Free()
		s.c = nil
	}
	b := s.ib.s
	b.mu.Lock()
	defer b.mu.Unlock()
	b.freeIndex()
	b.closed = true
	if b.base != nil {
		if b.base.refs.Add(-1) == 0 { // else a read is under way, and frees it
			b.base.freeC()
		}
		b.base = nil
	}
}

func (s *txState) report() lost { return lost{s.db, &s.child} }

func (s *txState) abandon() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != txOpen || s.db.guard.enter(nil, opTx) != nil {
		return false
	}
	defer s.db.guard.leave(opTx)
	s.end()
	return true
}

// Name is what Prepare was given; empty if the transaction is not prepared.
func (t *Tx) Name() string {
	if t == nil || t.s == nil {
		return ""
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.s.name
}

// Count is the number of records that Commit would write; 0 after the end.
func (t *Tx) Count() int {
	if t == nil || t.s == nil {
		return 0
	}
	return t.s.ib.Count()
}

// Records ranges over what Commit would write, in order, as it is when the loop begins; also of a
// transaction that was found prepared. The records may be kept. There are none after the end.
func (t *Tx) Records() iter.Seq[Record] {
	if t == nil || t.s == nil {
		return func(func(Record) bool) {}
	}
	return t.s.ib.Records()
}
