package serial

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var histories = flag.Int("serial.histories", 30, "histories that are recorded and checked of each kind of transaction")

// bank is a database whose families have the keys of a state.
type bank struct {
	db    *engine.DB
	other *engine.ColumnFamily
	tx    engine.TxOptions
	last  atomic.Uint64 // value that was written
}

func open(t *testing.T, mode engine.TxMode, o engine.TxOptions) *bank {
	t.Helper()
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{
		Transactions: mode, Families: map[string]engine.FamilyOptions{"other": {}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	other, err := db.ColumnFamily("other")
	must(t, err)
	return &bank{db: db, other: other, tx: o}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func name(key int) []byte { return fmt.Append(nil, "k", key) }

// text is the value that stands for n.
func text(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func number(value []byte) uint64 {
	if value == nil {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// run is a transaction that notes what it does.
type run struct {
	*bank
	in  [2]*engine.Tx // the default family, and the other
	all []access
}

func (b *bank) run(tx *engine.Tx) *run { return &run{bank: b, in: [2]*engine.Tx{tx, tx.In(b.other)}} }

func (r *run) of(key int) *engine.Tx {
	if key < inDefault {
		return r.in[0]
	}
	return r.in[1]
}

// way is a method of Tx that reads.
type way func(tx *engine.Tx, key []byte, o *engine.ReadOptions) ([]byte, error)

var plain, forUpdate, forShare way = (*engine.Tx).Get, (*engine.Tx).GetForUpdate, (*engine.Tx).GetForShare

func (r *run) read(get way, key int) error {
	value, err := get(r.of(key), name(key), nil)
	if err == nil || err == engine.ErrNotFound {
		r.all = append(r.all, read(key, number(value)))
		err = nil
	}
	return err
}

// write writes a new value, or, unless it must be there, may delete the key.
func (r *run) write(key int, there bool) error {
	if !there && rand.IntN(6) == 0 {
		r.all = append(r.all, write(key, 0))
		return r.of(key).Delete(name(key))
	}
	n := r.last.Add(1)
	r.all = append(r.all, write(key, n))
	return r.of(key).Put(name(key), text(n))
}

// scan reads all keys of one family by an iterator.
func scan(in engine.Reader, from, to int) ([]access, error) {
	rows, done := engine.Scan(in, nil)
	found := map[string]uint64{}
	for key, value := range rows {
		found[string(key)] = number(value)
	}
	var all []access
	for key := from; key < to; key++ {
		all = append(all, read(key, found[string(name(key))]))
	}
	return all, done()
}

// both reads all keys of both families.
func both(one, other engine.Reader) ([]access, error) {
	first, err := scan(one, 0, inDefault)
	second, err2 := scan(other, inDefault, keys)
	return append(first, second...), errors.Join(err, err2)
}

// protected reads and writes some keys, and reads in no other way than those that are protected.
func (r *run) protected() error {
	for range 1 + rand.IntN(4) {
		key := rand.IntN(keys)
		var err error
		switch rand.IntN(6) {
		case 0:
			err = r.read(forUpdate, key)
		case 1, 2:
			err = r.read(forShare, key)
		case 3:
			err = r.write(key, false)
		default:
			if err = r.read(forUpdate, key); err == nil {
				err = r.write(key, false)
			}
		}
		if err != nil {
			return err
		}
		if rand.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
	return nil
}

// onlyReads reads in ways that protect nothing. It shows one state, unless the transaction has no snapshot: then an iterator of one
// family does.
func (r *run) onlyReads() (err error) {
	if r.tx.NoSnapshot {
		r.all, err = scan(r.in[0], 0, inDefault)
		return err
	}
	for range 1 + rand.IntN(3) {
		if err := r.read(plain, rand.IntN(keys)); err != nil {
			return err
		}
	}
	if rand.IntN(2) == 0 {
		rest, err := both(r.in[0], r.in[1])
		r.all = append(r.all, rest...)
		return err
	}
	return nil
}

// update runs f in a transaction: what it did if it was committed, for which 100 tries may not do.
func (b *bank) update(f func(r *run) error) (done []access, err error) {
	err = b.db.UpdateWith(context.Background(), &b.tx, func(tx *engine.Tx) error {
		r := b.run(tx)
		err := f(r)
		done = r.all
		return err
	})
	return unlessInTheWay(done, err)
}

// unlessInTheWay is nothing where nothing was written since others were in the way: that is no error.
func unlessInTheWay(done []access, err error) ([]access, error) {
	if errors.Is(err, engine.ErrBusy) || errors.Is(err, engine.ErrDeadlock) || errors.Is(err, engine.ErrTimedOut) {
		return nil, nil
	}
	return done, err
}

// one is a transaction, or what is as whole as one: a snapshot, a batch or a put.
func (b *bank) one() (done []access, err error) {
	switch rand.IntN(7) {
	case 0:
		return b.update((*run).onlyReads)
	case 1:
		err = b.db.View(context.Background(), func(s *engine.Snapshot) error {
			done, err = both(s, s.In(b.other))
			return err
		})
		return done, err
	case 5:
		batch, n := b.db.NewBatch(), b.last.Add(2)
		batch.Put(name(0), text(n))
		batch.In(b.other).Put(name(inDefault), text(n-1))
		return unlessInTheWay([]access{write(0, n), write(inDefault, n-1)}, b.db.Write(batch, nil))
	case 6:
		n := b.last.Add(1)
		return unlessInTheWay([]access{write(1, n)}, b.db.Put(name(1), text(n), nil))
	default:
		return b.update((*run).protected)
	}
}

// record has clients do as many operations each from a state on, and then reads the last state, with which it ends.
func (b *bank) record(t *testing.T, first state, clients, each int, one func() ([]access, error)) (*history, state) {
	t.Helper()
	h := &history{first: first}
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for range each {
				call := clock()
				done, err := one()
				if err != nil {
					t.Error(err)
				} else if done != nil {
					h.add(client, call, done)
				}
			}
		})
	}
	wg.Wait()
	call := clock()
	done, err := both(b.db, b.other)
	must(t, err)
	h.add(clients, call, done)
	_, last := step(state{}, nil, asWrites(done))
	return h, last.(state)
}

func asWrites(all []access) (writes []access) {
	for _, a := range all {
		writes = append(writes, write(a.key, a.value))
	}
	return writes
}

func TestProtectedTransactionsAreStrictlySerialisable(t *testing.T) {
	n := *histories
	if testing.Short() {
		n = min(n, 15)
	}
	for _, c := range []struct {
		mode engine.TxMode
		tx   engine.TxOptions
	}{{mode: engine.Optimistic}, {mode: engine.Pessimistic}, {engine.Pessimistic, engine.TxOptions{NoSnapshot: true}}} {
		t.Run(fmt.Sprint(c.mode, "/", c.tx.NoSnapshot), func(t *testing.T) {
			b := open(t, c.mode, c.tx)
			var last state
			total := 0
			for range n {
				var h *history
				h, last = b.record(t, last, 6, 10, b.one)
				if t.Failed() || !h.serialisable(t) {
					t.Fatalf("no order explains this: %v", h)
				}
				total += len(h.all)
			}
			t.Logf("%d transactions in %d histories", total, n)
		})
	}
}

// The same clients and the same recorder, but what is read is not protected: the checker must find it in the end.
func TestUnprotectedReadsAreFoundNotSerialisable(t *testing.T) {
	skew := func(r *run) error { // reads two keys, and writes one of them: two of these may write one each
		key := rand.IntN(2)
		for _, k := range []int{key, inDefault} {
			if err := r.read(plain, k); err != nil {
				return err
			}
		}
		runtime.Gosched()
		return r.write([]int{key, inDefault}[rand.IntN(2)], true)
	}
	lost := func(r *run) error {
		if err := r.read(plain, 0); err != nil {
			return err
		}
		runtime.Gosched()
		return r.write(0, true)
	}
	for _, c := range []struct {
		name string
		mode engine.TxMode
		tx   engine.TxOptions
		f    func(r *run) error
	}{
		{"write skew", engine.Optimistic, engine.TxOptions{}, skew},
		{"write skew", engine.Pessimistic, engine.TxOptions{}, skew},
		{"lost update", engine.Pessimistic, engine.TxOptions{NoSnapshot: true}, lost},
	} {
		t.Run(fmt.Sprint(c.mode, "/", c.name), func(t *testing.T) {
			b := open(t, c.mode, c.tx)
			var last state
			for i := range 1000 {
				var h *history
				h, last = b.record(t, last, 6, 10, func() ([]access, error) { return b.update(c.f) })
				if !h.serialisable(t) {
					t.Logf("history %d", i)
					return
				}
			}
			t.Fatal("1000 histories were serialisable")
		})
	}
}

// Two transactions read two keys, and then write one of them each: both commit where the reads are plain, and the checker refuses the
// history; where they are protected, one of them fails.
func TestWriteSkewIsFoundUnlessReadsAreProtected(t *testing.T) {
	pair := [2]int{0, inDefault}
	for _, c := range []struct {
		mode      engine.TxMode
		tx        engine.TxOptions
		get       way
		committed int
	}{
		{engine.Optimistic, engine.TxOptions{}, plain, 2},
		{engine.Optimistic, engine.TxOptions{}, forShare, 1},
		{engine.Pessimistic, engine.TxOptions{LockTimeout: 1}, plain, 2},
		{engine.Pessimistic, engine.TxOptions{LockTimeout: 1}, forShare, 1},
	} {
		b := open(t, c.mode, c.tx)
		h, call := &history{}, clock()
		var runs [2]*run
		for i := range runs {
			tx, err := b.db.Begin(context.Background(), &b.tx)
			must(t, err)
			defer tx.Rollback()
			runs[i] = b.run(tx)
			must(t, errors.Join(runs[i].read(c.get, pair[0]), runs[i].read(c.get, pair[1])))
		}
		var ended [2]error
		for i, r := range runs {
			if ended[i] = r.write(pair[i], true); ended[i] != nil {
				must(t, r.in[0].Rollback())
			}
		}
		for i, r := range runs {
			if ended[i] == nil {
				ended[i] = r.in[0].Commit()
			}
			if ended[i] == nil {
				h.add(i, call, r.all)
			}
		}
		if ok := h.serialisable(t); len(h.all) != c.committed || ok != (c.committed == 1) {
			t.Errorf("%v: %d committed, %v; serialisable is %v", c.mode, len(h.all), ended, ok)
		}
	}
}
