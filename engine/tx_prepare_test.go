package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestPreparedTransactionOutlivesClose(t *testing.T) {
	dir := t.TempDir()
	o := txOptions(engine.Pessimistic)
	o.TxDB = engine.TxDBOptions{LockTimeout: 10 * time.Millisecond, WriteLockTimeout: 10 * time.Millisecond}
	db := openDir(t, dir, o)
	for i, name := range []string{"one", "two", strings.Repeat("n", 512)} {
		tx := beginTx(t, db, &engine.TxOptions{Sync: true, NoSnapshot: i == 0})
		other, _ := db.ColumnFamily("other")
		mustPut(t, tx, fmt.Sprintf("k%d=%s", i, name[:3]))
		mustPut(t, tx.In(other), fmt.Sprintf("o%d=12345678", i))
		says(t, "merge", tx.In(other).Merge(fmt.Appendf(nil, "o%d", i), []byte{1, 0, 0, 0, 0, 0, 0, 0}), nil)
		says(t, "delete", tx.Delete(fmt.Appendf(nil, "gone%d", i)), nil)
		says(t, "prepare", tx.Prepare(name), nil)
		says(t, "put after it", tx.Put([]byte("x"), nil), engine.ErrInvalidArgument)
		says(t, "prepare again", tx.Prepare("again"), engine.ErrInvalidArgument)
	}
	twice := beginTx(t, db, nil)
	mustPut(t, twice, "t=1")
	says(t, "a name twice", twice.Prepare("one"), engine.ErrInvalidArgument)
	says(t, "drop a family", db.DropColumnFamily(db.ColumnFamilies()[1]), engine.ErrBusy)
	reads(t, db, "k0", "")
	says(t, "close, and it is no leak", db.Close(), nil)

	readOnly(t, dir, "k0", "")
	_, err := engine.Open(dir, nil)
	says(t, "open without transactions", err, engine.ErrUnsupported)
	_, err = engine.Open(dir, &engine.Options{Transactions: engine.Optimistic})
	says(t, "open with optimistic ones", err, engine.ErrUnsupported)

	db = openDir(t, dir, o)
	found := preparedTxs(t, db)
	if len(found) != 3 {
		t.Fatalf("%d prepared transactions", len(found))
	}
	says(t, "put a locked key", db.Put([]byte("k0"), nil, nil), engine.ErrTimedOut)
	other := beginTx(t, db, nil)
	says(t, "lock a locked key", other.Put([]byte("gone1"), nil), engine.ErrTimedOut)
	says(t, "rollback", other.Rollback(), nil)
	says(t, "commit", found["one"].Commit(), nil)
	says(t, "rollback", found["two"].Rollback(), nil)
	says(t, "rollback again", found["two"].Rollback(), nil)
	says(t, "commit again", found["one"].Commit(), engine.ErrClosed)
	if n := found[strings.Repeat("n", 512)].Count(); n != 4 {
		t.Fatalf("the last one has %d records", n)
	}
	mustPut(t, db.Writer(nil), "k1=free")
	says(t, "close", db.Close(), nil)

	db = openDir(t, dir, o)
	found = preparedTxs(t, db)
	if len(found) != 1 {
		t.Fatalf("%d prepared transactions", len(found))
	}
	for _, tx := range found {
		says(t, "commit", tx.Commit(), nil)
	}
	family, _ := db.ColumnFamily("other")
	if got := rowsText(t, db, nil) + " " + rowsText(t, family, nil); got != "k0=one k1=free k2=nnn o0=22345678 o2=22345678" {
		t.Fatalf("the database shows %s", got)
	}
	says(t, "drop a family", db.DropColumnFamily(family), nil)
	says(t, "close", db.Close(), nil)
	readOnly(t, dir, "k0", "one")
	db = openDir(t, dir, nil)
	reads(t, db, "k0", "one")
	says(t, "close", db.Close(), nil)
}

// readOnly reads a key of a database whose log has prepared transactions, or had.
func readOnly(t *testing.T, dir, key, value string) {
	t.Helper()
	db := openDir(t, dir, &engine.Options{ReadOnly: true})
	reads(t, db, key, value)
	says(t, "close", db.Close(), nil)
	s, err := engine.OpenSecondary(dir, nil)
	says(t, "open secondary", err, nil)
	says(t, "view", s.View(context.Background(), func(db *engine.DB) error {
		reads(t, db, key, value)
		return nil
	}), nil)
	says(t, "close secondary", s.Close(), nil)
}

func preparedTxs(t *testing.T, db *engine.DB) map[string]*engine.Tx {
	t.Helper()
	all, err := db.PreparedTxs()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]*engine.Tx{}
	for _, tx := range all {
		m[tx.Name()] = tx
	}
	return m
}

func TestPrepareRefusesWhatCouldNotBeFoundAgain(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	tx := beginTx(t, db, &engine.TxOptions{DisableWAL: true})
	mustPut(t, tx, "a=1")
	says(t, "without a log", tx.Prepare("x"), engine.ErrInvalidArgument)
	says(t, "commit all the same", tx.Commit(), nil)
	tx = beginTx(t, db, nil)
	says(t, "of nothing", tx.Prepare("x"), engine.ErrInvalidArgument)
	mustPut(t, tx, "b=1")
	says(t, "without a name", tx.Prepare(""), engine.ErrInvalidArgument)
	says(t, "with a long name", tx.Prepare(strings.Repeat("n", 513)), engine.ErrInvalidArgument)
	says(t, "prepare", tx.Prepare("x"), nil)
	if len(preparedTxs(t, db)) != 1 {
		t.Fatal("it is not listed")
	}
	says(t, "commit", tx.Commit(), nil)
	reads(t, db, "b", "1")
	tx = beginTx(t, db, nil)
	reads(t, tx, "b", "1")
	mustPut(t, db.Writer(nil), "b=2")
	mustPut(t, tx, "b=3")
	says(t, "prepare over a change", tx.Prepare("x"), engine.ErrBusy)
	says(t, "after it", tx.Commit(), engine.ErrClosed)
}

// bankChild transfers money in 64 goroutines until it is killed, with Pessimistic half of it in two phases. It
// tells when the first transfer is committed, and acknowledges nothing else: whatever is there must add up.
func bankChild(args []string) {
	mode := engine.Optimistic
	if args[1] == "pessimistic" {
		mode = engine.Pessimistic
	}
	db, err := engine.Open(args[0], txOptions(mode))
	must(err)
	var n atomic.Uint64
	var first sync.Once
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				from := rand.IntN(accounts)
				to := (from + 1 + rand.IntN(accounts-1)) % accounts
				tx, err := db.Begin(context.Background(), &engine.TxOptions{Sync: rand.IntN(4) == 0})
				must(err)
				if transfer(tx, from, to) != nil {
					tx.Rollback()
					continue
				}
				if mode == engine.Pessimistic && tx.Count() > 0 && rand.IntN(2) == 0 {
					if tx.Prepare(fmt.Sprint("tx", os.Getpid(), "/", n.Add(1))) != nil {
						continue
					}
					time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
				}
				if tx.Commit() == nil {
					first.Do(func() { fmt.Println("committed") })
				}
			}
		})
	}
	wg.Wait()
}

// However a process ends, money is neither made nor lost: what is prepared is found again, and is
// committed or rolled back as a whole.
func TestMoneySurvivesKill(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for _, mode := range txModes {
		t.Run(mode.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			db := openDir(t, dir, txOptions(mode))
			openBank(t, db)
			says(t, "close", db.Close(), nil)
			recovered := 0
			for range rounds {
				killBank(t, dir, mode)
				recovered += settleBank(t, dir, mode)
			}
			t.Logf("%d prepared transactions were found", recovered)
		})
	}
}

// killBank has a child transfer money for a while, from the first commit on: mostly briefly, at most 300 ms.
func killBank(t *testing.T, dir string, mode engine.TxMode) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := childCommand(ctx, t, "bank", dir, mode.String())
	out, err := c.StdoutPipe()
	says(t, "pipe", err, nil)
	says(t, "start", c.Start(), nil)
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rand.Float64() * rand.Float64() * float64(300*time.Millisecond)))
	says(t, "kill", c.Process.Kill(), nil)
	c.Wait()
}

// settleBank ends what is prepared, and counts it.
func settleBank(t *testing.T, dir string, mode engine.TxMode) (recovered int) {
	t.Helper()
	db := openDir(t, dir, txOptions(mode))
	defer func() { says(t, "close", db.Close(), nil) }()
	if sum := total(t, db); sum != accounts*fortune {
		t.Fatalf("there are %d", sum)
	}
	if mode == engine.Optimistic {
		return 0
	}
	for _, tx := range preparedTxs(t, db) {
		change := int64(0)
		for r := range tx.Records() {
			now, err := db.Get(r.Key, nil)
			says(t, "get", err, nil)
			change += int64(binary.LittleEndian.Uint64(r.Value)) - int64(number(now))
		}
		if change != 0 {
			t.Fatalf("%s would change the sum by %d", tx.Name(), change)
		}
		end := tx.Commit
		if rand.IntN(2) == 0 {
			end = tx.Rollback
		}
		says(t, "end", end(), nil)
		recovered++
	}
	if sum := total(t, db); sum != accounts*fortune {
		t.Fatalf("there are %d", sum)
	}
	return recovered
}
