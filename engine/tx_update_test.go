package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestUpdateLosesNoUpdate(t *testing.T) {
	const goroutines, rounds = 16, 20
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		styles := map[string]func(tx *engine.Tx) error{
			"get":            func(tx *engine.Tx) error { return addOne(tx, tx.Get) },
			"get for update": func(tx *engine.Tx) error { return addOne(tx, tx.GetForUpdate) },
		}
		for name, f := range styles {
			mustPut(t, db.Writer(nil), "n=")
			var wg sync.WaitGroup
			for range goroutines {
				wg.Go(func() {
					for range rounds {
						err := db.Update(context.Background(), f)
						for errors.Is(err, engine.ErrBusy) { // 100 tries may not do
							err = db.Update(context.Background(), f)
						}
						if err != nil {
							t.Error(name, err)
						}
					}
				})
			}
			wg.Wait()
			value, err := db.Get([]byte("n"), nil)
			if err != nil || number(value) != goroutines*rounds {
				t.Fatalf("%s: %d of %d updates are there, %v", name, number(value), goroutines*rounds, err)
			}
		}
	})
}

// addOne adds one to n.
func addOne(tx *engine.Tx, get func(key []byte, o *engine.ReadOptions) ([]byte, error)) error {
	value, err := get([]byte("n"), nil)
	if err != nil {
		return err
	}
	return tx.Put([]byte("n"), binary.LittleEndian.AppendUint64(nil, number(value)+1))
}

func number(value []byte) uint64 {
	if len(value) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(value)
}

func TestUpdateRollsBackWhatFailsOrPanics(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		mine := errors.New("mine")
		calls := 0
		err := db.Update(context.Background(), func(tx *engine.Tx) error {
			calls++
			mustPut(t, tx, "a=1")
			return fmt.Errorf("wrapped: %w", mine)
		})
		if says(t, "update", err, mine); calls != 1 {
			t.Fatalf("f was called %d times", calls)
		}
		// An error that looks like a conflict but comes from elsewhere is no reason to try again.
		says(t, "update", db.Update(context.Background(), func(*engine.Tx) error { calls++; return engine.ErrBusy }), engine.ErrBusy)
		if calls != 2 {
			t.Fatalf("f was called %d times", calls)
		}
		func() {
			defer func() {
				if p := recover(); p != "mine" {
					t.Fatalf("the panic became %v", p)
				}
			}()
			db.Update(context.Background(), func(tx *engine.Tx) error {
				mustPut(t, tx, "a=1")
				panic("mine")
			})
		}()
		mustPut(t, db.Writer(nil), "b=1", "a=2") // nothing is locked
		says(t, "a commit in f", db.Update(context.Background(), func(tx *engine.Tx) error {
			mustPut(t, tx, "c=1")
			return tx.Commit()
		}), engine.ErrClosed)
		if got := rowsText(t, db, nil); got != "a=2 b=1 c=1" {
			t.Fatalf("the database shows %s", got)
		}
	})
}

func TestUpdateTriesUntilItsContextEnds(t *testing.T) {
	eachTxMode(t, func(t *testing.T, _ engine.TxMode, db *engine.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		tries := 0
		err := db.Update(ctx, func(tx *engine.Tx) error {
			if tries++; tries == 4 {
				time.AfterFunc(time.Millisecond, cancel)
			}
			if _, err := tx.Get([]byte("other"), nil); err != engine.ErrNotFound {
				return err
			}
			mustPut(t, db.Writer(nil), "a=theirs")
			return tx.Put([]byte("a"), []byte("mine"))
		})
		if says(t, "update", err, context.Canceled); tries < 4 {
			t.Fatalf("%d tries", tries)
		}
		reads(t, db, "a", "theirs")
	})
}

const accounts, fortune = 10, 1000

// openBank gives each account as much.
func openBank(t testing.TB, db *engine.DB) {
	t.Helper()
	b := db.NewBatch()
	for i := range accounts {
		b.Put(account(i), binary.LittleEndian.AppendUint64(nil, fortune))
	}
	if err := db.Write(b, engine.Sync); err != nil {
		t.Fatal(err)
	}
}

func account(i int) []byte { return fmt.Appendf(nil, "account/%02d", i) }

// transfer moves one unit between two accounts, if there is one.
func transfer(tx *engine.Tx, from, to int) error {
	var balance [2]uint64
	for i, n := range [...]int{from, to} {
		value, err := tx.GetForUpdate(account(n), nil)
		if err != nil {
			return err
		}
		balance[i] = number(value)
	}
	if balance[0] == 0 {
		return nil
	}
	if err := tx.Put(account(from), binary.LittleEndian.AppendUint64(nil, balance[0]-1)); err != nil {
		return err
	}
	return tx.Put(account(to), binary.LittleEndian.AppendUint64(nil, balance[1]+1))
}

// total is what all accounts have together.
func total(t testing.TB, r engine.Reader) (sum uint64) {
	t.Helper()
	rows, done := engine.Scan(r, nil)
	for _, value := range rows {
		sum += number(value)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestMoneyIsNeitherMadeNorLost(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	for _, o := range []struct {
		mode engine.TxMode
		tx   engine.TxOptions
	}{{mode: engine.Optimistic}, {mode: engine.Pessimistic}, {engine.Pessimistic, engine.TxOptions{NoSnapshot: true}}} {
		t.Run(fmt.Sprint(o.mode, "/", o.tx.NoSnapshot), func(t *testing.T) {
			db := openTx(t, o.mode)
			openBank(t, db)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for range rounds {
						from := rand.IntN(accounts)
						to := (from + 1 + rand.IntN(accounts-1)) % accounts
						err := db.UpdateWith(ctx, &o.tx, func(tx *engine.Tx) error { return transfer(tx, from, to) })
						if err != nil && !(o.mode == engine.Optimistic && errors.Is(err, engine.ErrBusy)) { // 100 tries may not do
							t.Error(err)
						}
					}
				})
			}
			for range rounds {
				if sum := total(t, db); sum != accounts*fortune {
					t.Fatalf("there are %d", sum)
				}
			}
			wg.Wait()
			if sum := total(t, db); sum != accounts*fortune {
				t.Fatalf("there are %d", sum)
			}
		})
	}
}

// Everybody wants the same keys, and those who have them need a slot to commit in: there are as few as can
// be. Tests before this one may have left threads behind, as many as are promised with wider lanes.
func TestACrowdThatWantsTheSameKeysNeedsFewThreads(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.FastLane, o.Gate = 2, 4
	o.TxDB = engine.TxDBOptions{LockTimeout: -1, WriteLockTimeout: -1}
	db := openTemp(t, o)
	openBank(t, db)
	most := mostThreads(engine.Options{}, poolThreads())
	w := watchThreads(t, 10*most, func(int) { panic("too many threads for this machine") })
	var wg sync.WaitGroup
	n := crowdSize()
	for i := range n {
		wg.Go(func() {
			if i%8 == 0 { // a plain write waits for the lock too
				if err := db.Put([]byte("account/plain"), nil, nil); err != nil {
					t.Error(err)
				}
				return
			}
			from, to := i%(accounts-1), accounts-1 // in one order: nobody waits in a ring
			to -= i / accounts % (to - from)
			err := db.UpdateWith(context.Background(), &engine.TxOptions{NoSnapshot: true}, func(tx *engine.Tx) error {
				return transfer(tx, from, to)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	peak := w.end()
	most = mostThreads(engine.Options{}, peak.pool)
	t.Logf("%d goroutines: %d threads at most, promised are %d", n, peak.total, most)
	if peak.total > most {
		t.Errorf("%d threads, promised are at most %d", peak.total, most)
	}
	if sum := total(t, db); sum != accounts*fortune {
		t.Fatalf("there are %d", sum)
	}
}

var txSeed = flag.Uint64("tx.seed", 0, "seed of the transactions' model test; 0: a new one each time")

// One transaction after the other, of random calls, shows what a map with savepoints would.
func TestTransactionsAreAsAModel(t *testing.T) {
	r, _ := seededRand(t, "tx.seed", *txSeed)
	steps := 4000
	if testing.Short() {
		steps = 800
	}
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		committed := map[string]string{}
		for done := 0; done < steps; {
			o := &engine.TxOptions{NoSnapshot: mode == engine.Pessimistic && r.IntN(2) == 0}
			m := &txModel{t: t, tx: beginTx(t, db, o), now: clone(committed)}
			for range 1 + r.IntN(30) {
				m.step(r)
				done++
			}
			if r.IntN(3) == 0 {
				says(t, "rollback", m.tx.Rollback(), nil)
			} else {
				says(t, "commit", m.tx.Commit(), nil)
				committed = m.now
			}
			if r.IntN(20) == 0 {
				says(t, "flush", db.Flush(), nil)
			}
			sameRowsOfTx(t, db, committed)
		}
	})
}

type txModel struct {
	t     *testing.T
	tx    *engine.Tx
	now   map[string]string
	saves []map[string]string
}

func clone(m map[string]string) map[string]string {
	c := map[string]string{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (m *txModel) step(r *rand.Rand) {
	key := fmt.Sprint("k", r.IntN(20))
	switch r.IntN(12) {
	case 0, 1, 2:
		value := fmt.Sprint(r.Uint32())
		mustPut(m.t, m.tx, key+"="+value)
		m.now[key] = value
	case 3:
		says(m.t, "delete", m.tx.Delete([]byte(key)), nil)
		delete(m.now, key)
	case 4:
		says(m.t, "savepoint", m.tx.Savepoint(), nil)
		m.saves = append(m.saves, clone(m.now))
	case 5, 6:
		n := len(m.saves) - 1
		if n < 0 {
			says(m.t, "rollback to none", m.tx.RollbackToSavepoint(), engine.ErrInvalidArgument)
			return
		}
		if r.IntN(2) == 0 {
			says(m.t, "release", m.tx.ReleaseSavepoint(), nil)
		} else {
			says(m.t, "rollback to savepoint", m.tx.RollbackToSavepoint(), nil)
			m.now = m.saves[n]
		}
		m.saves = m.saves[:n]
	case 7:
		reads(m.t, m.tx, key, m.now[key])
	case 8:
		value, err := m.tx.GetForUpdate([]byte(key), nil)
		if err == engine.ErrNotFound {
			err = nil
		}
		if err != nil || string(value) != m.now[key] {
			m.t.Fatalf("%s for update is %q, %v; want %q", key, value, err, m.now[key])
		}
	case 9:
		values, err := m.tx.MultiGetForUpdate([][]byte{[]byte(key), []byte("k1"), []byte("k1")}, nil)
		if err != nil || string(values[0].Data) != m.now[key] || string(values[2].Data) != m.now["k1"] {
			m.t.Fatalf("many for update are %v, %v", values, err)
		}
	case 10:
		sameRowsOfTx(m.t, m.tx, m.now)
	case 11:
		there, err := m.tx.Has([]byte(key), nil)
		if _, want := m.now[key]; err != nil || there != want {
			m.t.Fatalf("%s is there: %v, %v", key, there, err)
		}
	}
}

// sameRowsOfTx compares all rows, read both ways.
func sameRowsOfTx(t *testing.T, r engine.Reader, want map[string]string) {
	t.Helper()
	got := 0
	rows, done := engine.Scan(r, nil)
	for k, v := range rows {
		if want[string(k)] != string(v) {
			t.Fatalf("%s is %q, want %q", k, v, want[string(k)])
		}
		got++
	}
	says(t, "scan", done(), nil)
	if got != len(want) {
		t.Fatalf("%d rows, want %d: %s", got, len(want), strings.Join(mapKeys(want), " "))
	}
}

func mapKeys(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
