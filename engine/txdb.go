package engine

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// txDB is what a database knows of its transactions. The zero value has none.
type txDB struct {
	mode     TxMode
	o        TxDBOptions
	locks    *keyLocks    // nil: NoTx
	prepared atomic.Int64 // transactions that are; no family is dropped meanwhile

	mu   sync.Mutex
	left []*tx // those that are prepared, in the order of their preparation
}

// start makes it ready for a database that is open.
func (t *txDB) start(o *Options) {
	t.mode, t.o = o.Transactions, o.TxDB
	if t.mode != NoTx {
		t.locks = newKeyLocks(t.o.MaxLocks)
	}
}

// familyExtra are settings of a new family that RocksDB makes itself for those that it opens: how much
// of what was flushed stays in memory, for transactions to see what has changed since they began.
func (t *txDB) familyExtra() string {
	if t.mode == NoTx {
		return ""
	}
	return "max_write_buffer_size_to_maintain=-1;"
}

// writeHow is how writes outside of transactions wait for locks. With Optimistic these are had by commits only, and in one order,
// so that there are no rings, and nobody has one for longer than a write takes.
func (t *txDB) writeHow() lockHow {
	if t.mode == Optimistic {
		return lockHow{timeout: -1, blind: true}
	}
	return lockHow{timeout: lockTimeout(t.o.WriteLockTimeout)}
}

// writeAlone tells whether a write outside of transactions keeps its keys from others like it, too. With Optimistic only commits
// must be kept out: RocksDB looks for conflicts before it writes, and would not see a write that comes between.
func (t *txDB) writeAlone() bool { return t.mode == Pessimistic }

// lockKey locks the key of a write outside of transactions, so that it waits for those that have it;
// nil if there are no locks. It is waited for without a slot of a lane, and before the write holds its
// family, as the commit of whoever has the lock takes both.
func (t *txDB) lockKey(ctx context.Context, c *ColumnFamily, key []byte) (*lockOwner, error) {
	if t.locks == nil {
		return nil, nil
	}
	o := &lockOwner{}
	return o, t.locks.acquire(ctx, o, t.locks.of(c.c.ID, key), t.writeAlone(), t.writeHow())
}

// lockBatch is lockKey for all keys of a batch. They are locked in one order, so that batches do not
// wait for each other in a ring. It also refuses what no database with transactions takes.
func (t *txDB) lockBatch(ctx context.Context, rep []byte) (*lockOwner, error) {
	if t.locks == nil {
		return nil, nil
	}
	var keys []uint64
	for r := range batchrepr.Records(rep) {
		switch r.Kind {
		case KindDeleteRange:
			return nil, errRange()
		case KindLogData:
		default:
			keys = append(keys, t.locks.of(r.Family, r.Key))
		}
	}
	o := &lockOwner{}
	err := t.lockAll(ctx, o, keys, t.writeAlone(), t.writeHow())
	if err != nil {
		t.locks.release(o)
		return nil, err
	}
	return o, nil
}

// lockAll locks keys, in one order whatever the caller's.
func (t *txDB) lockAll(ctx context.Context, o *lockOwner, keys []uint64, exclusive bool, how lockHow) error {
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if err := t.locks.acquire(ctx, o, key, exclusive, how); err != nil {
			return err
		}
	}
	return nil
}

// noop is a record that RocksDB puts before those of a transaction.
const noop = 0x0D

// recoverTxs takes over the transactions that were found prepared, and locks what they wrote.
func (d *DB) recoverTxs() error {
	if d.tx.mode != Pessimistic {
		return nil
	}
	found, err := d.c.Recovered()
	if err != nil {
		return err
	}
	for _, r := range found {
		rep := r.Batch
		if len(rep) > batchrepr.HeaderLen && rep[batchrepr.HeaderLen] == noop {
			rep = slices.Delete(rep, batchrepr.HeaderLen, batchrepr.HeaderLen+1)
		}
		b, err := ParseBatch(rep)
		if err != nil {
			return dberr.Wrap("open", dberr.Corruption, err)
		}
		t := d.newTx(context.Background(), TxOptions{})
		t.s.c, t.s.name, t.s.state = r.Tx, r.Name, txPrepared
		t.s.ib.s.batch.rep, t.s.ib.s.batch.count, t.s.ib.s.batch.uses = b.rep, b.count, b.uses
		for rec := range b.Records() {
			if rec.Kind != KindLogData {
				err = d.tx.locks.acquire(nil, &t.s.owner, d.tx.locks.of(rec.Family, rec.Key), true, lockHow{blind: true})
			}
			if err != nil {
				return err
			}
		}
		d.tx.keep(t.s)
	}
	return nil
}

// keep notes a transaction that is prepared.
func (t *txDB) keep(s *tx) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = append(t.left, s)
	t.prepared.Add(1)
}

// resolved notes the end of one.
func (t *txDB) resolved(s *txState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.left)
	t.left = slices.DeleteFunc(t.left, func(x *tx) bool { return x.txState == s })
	t.prepared.Add(int64(len(t.left) - n))
}

// PreparedTxs lists the transactions that are prepared and neither committed nor rolled back: those
// that were so when the database was opened, and those of this process, in no order. Until they are,
// what they write is locked, and no family can be dropped. They outlive Close. ErrUnsupported unless
// Options.Transactions is Pessimistic. Safe for concurrent use.
func (d *DB) PreparedTxs() ([]*Tx, error) {
	if d == nil || d.c == nil || d.guard.closing.Load() {
		return nil, ErrClosed
	}
	if d.tx.mode != Pessimistic {
		return nil, d.errMode("prepared transactions", "two phases need Options.Transactions to be Pessimistic")
	}
	d.tx.mu.Lock()
	defer d.tx.mu.Unlock()
	all := make([]*Tx, 0, len(d.tx.left))
	for _, s := range d.tx.left {
		all = append(all, s.views[0])
	}
	return all, nil
}

func (d *DB) errMode(op, msg string) error {
	return describe(dberr.New(op, dberr.Unsupported, msg), "", d.path)
}

// cFamilies are the C sides of families.
func cFamilies(families []*ColumnFamily) []*cbridge.Family {
	cs := make([]*cbridge.Family, len(families))
	for i, f := range families {
		cs[i] = f.c
	}
	return cs
}
