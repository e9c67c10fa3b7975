package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func expiring(after time.Duration) *engine.TxOptions {
	return &engine.TxOptions{Expiration: after, LockTimeout: -1}
}

// Those who wait get the lock though nobody calls the transaction that has it.
func TestAnExpiredTransactionGivesItsLocksToOthers(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.TxDB = engine.TxDBOptions{LockTimeout: -1, WriteLockTimeout: -1}
	db := openDir(t, t.TempDir(), o)
	mustPut(t, db.Writer(nil), "a=1", "b=1")
	for name, take := range map[string]func(tx *engine.Tx) error{
		"put":        func(tx *engine.Tx) error { return tx.Put([]byte("a"), []byte("never")) },
		"for update": func(tx *engine.Tx) error { _, err := tx.GetForUpdate([]byte("a"), nil); return err },
		"many": func(tx *engine.Tx) error {
			_, err := tx.MultiGetForUpdate([][]byte{[]byte("b"), []byte("a")}, nil)
			return err
		},
	} {
		for _, waits := range []func() error{
			func() error { return db.Put([]byte("a"), []byte("plain"), nil) },
			func() error {
				return db.Update(context.Background(), func(tx *engine.Tx) error { return tx.Put([]byte("a"), []byte("plain")) })
			},
		} {
			tx, err := db.Begin(context.Background(), expiring(30*time.Millisecond))
			says(t, "begin", err, nil)
			if err := take(tx); errors.Is(err, engine.ErrExpired) {
				continue // a machine that slow shows nothing
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			says(t, name+", who waits", waits(), nil)
			says(t, name+", get", errOf(tx.Get([]byte("b"), nil)), engine.ErrExpired)
			says(t, name+", put", tx.Put([]byte("c"), nil), engine.ErrExpired)
			says(t, name+", savepoint", tx.Savepoint(), engine.ErrExpired)
			says(t, name+", prepare", tx.Prepare("x"), engine.ErrExpired)
			says(t, name+", commit", tx.Commit(), engine.ErrExpired)
			says(t, name+", rollback", tx.Rollback(), nil)
			if got := rowsText(t, db, nil); got != "a=plain b=1" {
				t.Fatalf("%s: the database shows %s", name, got)
			}
		}
	}
	tx, err := db.Begin(context.Background(), expiring(time.Nanosecond))
	says(t, "begin", err, nil)
	for engine.Children(db) > 0 {
		time.Sleep(time.Millisecond)
	}
	says(t, "close", db.Close(), nil) // none is a leak
	says(t, "get after it", errOf(tx.Get([]byte("b"), nil)), engine.ErrClosed)
	says(t, "commit after it", tx.Commit(), engine.ErrClosed)
}

func errOf(_ []byte, err error) error { return err }

func TestAWaitForALockEndsWhenTheTransactionExpires(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	mustPut(t, db.Writer(nil), "b=1")
	holder := beginTx(t, db, nil)
	mustPut(t, holder, "a=mine")
	batch := db.NewBatch()
	mustPut(t, batch, "a=theirs")
	for name, wait := range map[string]func(tx *engine.Tx) error{
		"put":        func(tx *engine.Tx) error { return tx.Put([]byte("a"), nil) },
		"for update": func(tx *engine.Tx) error { return errOf(tx.GetForUpdate([]byte("a"), nil)) },
		"many":       func(tx *engine.Tx) error { _, err := tx.MultiGetForUpdate([][]byte{[]byte("a")}, nil); return err },
		"a batch":    func(tx *engine.Tx) error { return tx.Append(batch) },
	} {
		tx := beginTx(t, db, expiring(5*time.Millisecond))
		says(t, name, wait(tx), engine.ErrExpired)
		says(t, name+", commit", tx.Commit(), engine.ErrExpired)
	}
	tries := 0
	err := db.UpdateWith(context.Background(), expiring(5*time.Millisecond), func(tx *engine.Tx) error {
		tries++
		return tx.Put([]byte("a"), nil)
	})
	if !errors.Is(err, engine.ErrExpired) || tries != 1 {
		t.Errorf("Update tries %d times: %v", tries, err)
	}
	says(t, "commit", holder.Commit(), nil)
	reads(t, db, "a", "mine")
}

func TestWhatIsPreparedOrDoneDoesNotExpire(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	for after := 10 * time.Millisecond; ; after *= 2 {
		tx := beginTx(t, db, expiring(after))
		err := tx.Put([]byte("a"), []byte("prepared"))
		if err == nil {
			err = tx.Prepare("name")
		}
		if errors.Is(err, engine.ErrExpired) {
			continue // a slow machine
		}
		says(t, "prepare", err, nil)
		time.Sleep(2 * after)
		says(t, "commit", tx.Commit(), nil)
		reads(t, db, "a", "prepared")
		says(t, "commit again", tx.Commit(), engine.ErrClosed)
		break
	}
	tx := beginTx(t, db, expiring(time.Hour))
	mustPut(t, tx, "b=1")
	says(t, "commit", tx.Commit(), nil)
	reads(t, db, "b", "1")
	_, err := db.Begin(context.Background(), expiring(-1))
	says(t, "negative", err, engine.ErrInvalidArgument)
}

// Money moves between accounts while transactions expire at any moment: none of it is lost or made.
func TestExpiringTransactionsAreAllOrNothing(t *testing.T) {
	db := openTx(t, engine.Pessimistic)
	const accounts, each = 4, 100
	for i := range accounts {
		mustPut(t, db.Writer(nil), fmt.Sprintf("%d=%d", i, each))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, expired := 0, 0
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 40 {
				o := &engine.TxOptions{NoSnapshot: true, Expiration: time.Duration(1 + r.IntN(12_000_000)), LockTimeout: -1}
				err := expiringTransfer(db, o, r)
				mu.Lock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, engine.ErrExpired):
					expired++
				case !errors.Is(err, engine.ErrDeadlock):
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum := 0
	for i := range accounts {
		v, err := db.Get(fmt.Append(nil, i), nil)
		must(err)
		n, err := strconv.Atoi(string(v))
		must(err)
		sum += n
	}
	t.Logf("%d transfers, %d have expired", done, expired)
	if sum != accounts*each || expired == 0 {
		t.Errorf("there are %d, %d have expired", sum, expired)
	}
}

// expiringTransfer moves 1 from one account to another.
func expiringTransfer(db *engine.DB, o *engine.TxOptions, r *rand.Rand) error {
	tx, err := db.Begin(context.Background(), o)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	from := r.IntN(4)
	for i, account := range []int{from, (from + 1 + r.IntN(3)) % 4} {
		key := fmt.Append(nil, account)
		v, err := tx.GetForUpdate(key, nil)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(v))
		if err != nil {
			return err
		}
		if err := tx.Put(key, strconv.AppendInt(nil, int64(n+2*i-1), 10)); err != nil {
			return err
		}
		time.Sleep(time.Duration(r.IntN(500_000)))
	}
	return tx.Commit()
}
