package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Histories of transactions that append to lists and read them tell everything: each list, as it is in
// the end, gives the order of those who appended, and a list that was read says between which of them
// the reader stands. If the order that all keys ask for has a ring, no serial order explains what was
// seen. It is the way of the checker Elle, for the anomalies that it calls G0, G1c and G2.

// listTx is what one committed transaction saw and did.
type listTx struct {
	reads   map[string][]int // lists as they were before its own appends
	appends map[string][]int
}

type listHistory struct {
	mu  sync.Mutex
	all []listTx
}

func (h *listHistory) add(t listTx) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, t)
}

// check looks for what no serial order explains; empty if there is nothing. last is how the lists are.
func (h *listHistory) check(last map[string][]int) string {
	writer := map[int]int{} // element to the transaction that appended it
	for i, t := range h.all {
		for key, elements := range t.appends {
			for _, e := range elements {
				if !slices.Contains(last[key], e) {
					return fmt.Sprintf("an append to %s was lost", key)
				}
				writer[e] = i
			}
		}
	}
	after := make([]map[int]bool, len(h.all))
	edge := func(from, to int) {
		if from != to {
			if after[from] == nil {
				after[from] = map[int]bool{}
			}
			after[from][to] = true
		}
	}
	for _, list := range last {
		for i := range list {
			if _, known := writer[list[i]]; !known {
				return "an element comes from no commit"
			}
			if i > 0 {
				edge(writer[list[i-1]], writer[list[i]])
			}
		}
	}
	for i, t := range h.all {
		for key, list := range t.reads {
			if len(list) > len(last[key]) || !slices.Equal(list, last[key][:len(list)]) {
				return fmt.Sprintf("%s was read as it never was", key)
			}
			if len(list) > 0 {
				edge(writer[list[len(list)-1]], i)
			}
			if len(list) < len(last[key]) {
				edge(i, writer[last[key][len(list)]])
			}
		}
	}
	return findRing(after)
}

// findRing takes away whoever nobody stands before, until nobody is left.
func findRing(after []map[int]bool) string {
	before := make([]int, len(after))
	for _, next := range after {
		for i := range next {
			before[i]++
		}
	}
	var free []int
	for i, n := range before {
		if n == 0 {
			free = append(free, i)
		}
	}
	done := 0
	for ; len(free) > 0; done++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		for next := range after[i] {
			if before[next]--; before[next] == 0 {
				free = append(free, next)
			}
		}
	}
	if done < len(after) {
		return fmt.Sprintf("%d transactions stand in a ring, or behind one", len(after)-done)
	}
	return ""
}

type getCall func(key []byte, o *engine.ReadOptions) ([]byte, error)

// readList reads a list, and notes it unless the transaction appended to it before.
func (t *listTx) readList(get getCall, key string) ([]int, error) {
	value, err := get([]byte(key), nil)
	if err != nil && err != engine.ErrNotFound {
		return nil, err
	}
	var list []int
	for _, field := range strings.Fields(string(value)) {
		var e int
		fmt.Sscan(field, &e)
		list = append(list, e)
	}
	if _, known := t.reads[key]; !known && t.appends[key] == nil {
		t.reads[key] = list
	}
	return list, nil
}

// appendTo appends to a list that get reads.
func (t *listTx) appendTo(tx *engine.Tx, get getCall, key string, e int) error {
	list, err := t.readList(get, key)
	if err != nil {
		return err
	}
	t.appends[key] = append(t.appends[key], e)
	return tx.Put([]byte(key), []byte(strings.Trim(fmt.Sprint(append(list, e)), "[]")))
}

func newListTx() listTx { return listTx{map[string][]int{}, map[string][]int{}} }

// lastLists are the lists as they are in the database.
func lastLists(t *testing.T, db *engine.DB) map[string][]int {
	t.Helper()
	seen, keys := newListTx(), []string{}
	rows, done := engine.Scan(db, nil)
	for key := range rows {
		keys = append(keys, string(key))
	}
	says(t, "scan", done(), nil)
	for _, key := range keys {
		if _, err := seen.readList(db.Get, key); err != nil {
			t.Fatal(err)
		}
	}
	return seen.reads
}

func TestTransactionsThatReadForUpdateAreSerialisable(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for _, o := range []struct {
		mode engine.TxMode
		tx   engine.TxOptions
	}{{mode: engine.Optimistic}, {mode: engine.Pessimistic}, {engine.Pessimistic, engine.TxOptions{NoSnapshot: true}}} {
		t.Run(fmt.Sprint(o.mode, "/", o.tx.NoSnapshot), func(t *testing.T) {
			db := openTx(t, o.mode)
			var h listHistory
			var element atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range rounds {
						var seen listTx
						err := db.UpdateWith(context.Background(), &o.tx, func(tx *engine.Tx) error {
							seen = newListTx()
							for range 1 + rand.IntN(3) {
								key := fmt.Sprint("k", rand.IntN(5))
								if rand.IntN(2) == 0 {
									if _, err := seen.readList(tx.GetForShare, key); err != nil {
										return err
									}
								} else if err := seen.appendTo(tx, tx.GetForUpdate, key, int(element.Add(1))); err != nil {
									return err
								}
							}
							return nil
						})
						if err == nil {
							h.add(seen)
						} else if !errors.Is(err, engine.ErrBusy) { // 100 tries may not do
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if fault := h.check(lastLists(t, db)); fault != "" {
				t.Fatal(fault)
			}
			t.Logf("%d transactions", len(h.all))
		})
	}
}

// What snapshots do not exclude, and what reads outside of the transaction break, the checker finds.
func TestTheCheckerFindsWhatIsNotSerialisable(t *testing.T) {
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		skew := func(for1, for2 func(tx *engine.Tx) getCall) (fault string, err error) {
			var h listHistory
			first, second := beginTx(t, db, nil), beginTx(t, db, nil)
			one, two := newListTx(), newListTx()
			one.readList(for1(first), "a")
			two.readList(for2(second), "b")
			says(t, "append", one.appendTo(first, first.GetForUpdate, "c", 1), nil)
			says(t, "append", two.appendTo(second, second.GetForUpdate, "d", 2), nil)
			err = errors.Join(one.appendTo(first, first.Get, "b", 3), first.Commit(), two.appendTo(second, second.Get, "a", 4), second.Commit())
			h.add(one)
			h.add(two)
			return h.check(lastLists(t, db)), err
		}
		plain := func(tx *engine.Tx) getCall { return tx.Get }
		fault, err := skew(plain, plain)
		if err != nil || !strings.Contains(fault, "in a ring") {
			t.Fatalf("of a write skew the checker says %q, %v", fault, err)
		}
	})

	db := openTx(t, engine.Pessimistic)
	var h listHistory
	mine, theirs := newListTx(), newListTx()
	tx := beginTx(t, db, &engine.TxOptions{NoSnapshot: true})
	says(t, "append", mine.appendTo(tx, func(key []byte, o *engine.ReadOptions) ([]byte, error) {
		value, err := db.Get(key, o) // outside of the transaction
		says(t, "their update", db.Update(context.Background(), func(other *engine.Tx) error {
			return theirs.appendTo(other, other.GetForUpdate, "k", 1)
		}), nil)
		return value, err
	}, "k", 2), nil)
	says(t, "commit", tx.Commit(), nil)
	h.add(mine)
	h.add(theirs)
	if fault := h.check(lastLists(t, db)); !strings.Contains(fault, "lost") {
		t.Fatalf("of a lost update the checker says %q", fault)
	}
}

// Two doctors are on call, and each goes home if the other stays: under a snapshot both do, unless they
// lock, or track, what they have read.
func TestWriteSkewNeedsGetForUpdate(t *testing.T) {
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		for _, protected := range []bool{false, true} {
			mustPut(t, db.Writer(nil), "alice=on", "bob=on")
			o := &engine.TxOptions{}
			if mode == engine.Pessimistic {
				o.LockTimeout = -1
			}
			first, second := beginTx(t, db, o), beginTx(t, db, o)
			leave := func(tx *engine.Tx, me, other string) error {
				read := tx.Get
				if protected {
					read = tx.GetForShare
				}
				if value, err := read([]byte(other), nil); err != nil || string(value) != "on" {
					return err
				}
				return tx.Put([]byte(me), []byte("off"))
			}
			reads(t, first, "alice", "on")
			reads(t, second, "bob", "on")
			done := make(chan error, 2)
			for tx, who := range map[*engine.Tx][2]string{first: {"alice", "bob"}, second: {"bob", "alice"}} {
				go func() {
					err := leave(tx, who[0], who[1])
					if err == nil {
						err = tx.Commit()
					}
					tx.Rollback()
					done <- err
				}()
			}
			failed := 0
			for range 2 {
				if err := <-done; errors.Is(err, engine.ErrBusy) {
					failed++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if want := map[bool]int{false: 0, true: 1}[protected]; failed < want || !protected && failed > 0 {
				t.Fatalf("protected %v: %d failed", protected, failed)
			}
			a, _ := db.Get([]byte("alice"), nil)
			b, _ := db.Get([]byte("bob"), nil)
			if gone := string(a) == "off" && string(b) == "off"; gone == protected {
				t.Fatalf("protected %v: both gone %v", protected, gone)
			}
		}
	})
}
