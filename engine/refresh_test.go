package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// An iterator that lives through random writes, flushes and compactions shows after each Refresh what a new one shows,
// with bounds that were given to it or changed. Refresh of RocksDB's own, where it has one, must agree with
// a new iterator.
func TestARefreshedIteratorShowsWhatANewOneShows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	key := func() []byte { return fmt.Appendf(nil, "%02d", r.IntN(50)) }
	bounds := func() engine.IterOptions {
		a, b := key(), key()
		return [...]engine.IterOptions{{}, {LowerBound: a}, {UpperBound: b}, {LowerBound: a, UpperBound: b}}[r.IntN(4)]
	}
	var its []*iterator.Iterator
	var of []engine.IterOptions
	for range 3 {
		o := bounds()
		it, err := db.NewIter(&o)
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		its, of = append(its, it), append(of, o)
	}
	for step := range 300 {
		if err := refreshStep(db, r, key); err != nil {
			t.Fatal(err)
		}
		n := r.IntN(len(its))
		if r.IntN(10) == 0 {
			of[n] = bounds()
			its[n].SetBounds(of[n].LowerBound, of[n].UpperBound)
		}
		if r.IntN(3) == 0 {
			its[n].Last()
		}
		if err := its[n].Refresh(); err != nil {
			t.Fatal(err)
		}
		fresh, err := db.NewIter(&of[n])
		if err != nil {
			t.Fatal(err)
		}
		got, want := rowsBothWays(its[n]), rowsBothWays(fresh)
		if err := fresh.Close(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("step %d, seed %d, %+v: refreshed %q, new %q", step, seed, of[n], got, want)
		}
	}
}

// refreshStep changes the database somehow.
func refreshStep(db *engine.DB, r *rand.Rand, key func() []byte) error {
	switch r.IntN(12) {
	case 0:
		return db.Flush()
	case 1:
		return db.Compact(nil, nil, nil)
	case 2:
		a, b := key(), key()
		if string(a) > string(b) {
			a, b = b, a
		}
		return db.DeleteRange(a, b, nil)
	case 3, 4:
		return db.Delete(key(), nil)
	}
	return db.Put(key(), fmt.Appendf(nil, "%d", r.Int()), nil)
}

// rowsBothWays lists the rows forwards and backwards.
func rowsBothWays(it *iterator.Iterator) (rows []string) {
	for ok := it.First(); ok; ok = it.Next() {
		rows = append(rows, string(it.Key())+"="+string(it.Value()))
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		rows = append(rows, string(it.Key())+"="+string(it.Value()))
	}
	if err := it.Error(); err != nil {
		rows = append(rows, err.Error())
	}
	return rows
}
