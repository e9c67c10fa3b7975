package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// counterFamilies is a database whose families all hold the same counter.
func counterFamilies(t *testing.T) (*engine.DB, []*engine.ColumnFamily) {
	small := engine.FamilyOptions{WriteBufferSize: 64 << 10}
	db := openTemp(t, &engine.Options{FamilyOptions: small, Families: map[string]engine.FamilyOptions{"a": small, "b": small, "c": small}})
	return db, db.ColumnFamilies()
}

// count writes n into all the families at once.
func count(db *engine.DB, families []*engine.ColumnFamily, n uint64) error {
	b := db.NewBatch()
	for _, c := range families {
		b.In(c).Put([]byte("counter"), binary.BigEndian.AppendUint64(nil, n))
		b.In(c).Put(fmt.Appendf(nil, "row %d", n%50), make([]byte, 1000))
	}
	return db.Write(b, nil)
}

// counters reads what the iterators see.
func counters(its []*iterator.Iterator) ([]uint64, error) {
	var seen []uint64
	for _, it := range its {
		if !it.SeekGE([]byte("counter")) || string(it.Key()) != "counter" {
			return nil, fmt.Errorf("no counter: %w", it.Error())
		}
		seen = append(seen, binary.BigEndian.Uint64(it.Value()))
	}
	return seen, nil
}

func closeAll(t *testing.T, its []*iterator.Iterator) {
	t.Helper()
	for _, it := range its {
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One writer counts in all families by atomic batches, others flush and compact, and each set of
// iterators sees the same number everywhere, for as long as it lives.
func TestIteratorsOverSeveralFamiliesSeeOneState(t *testing.T) {
	db, families := counterFamilies(t)
	sets := 400
	if testing.Short() {
		sets /= 4
	}
	if err := count(db, families, 0); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint64(1); !done.Load(); n++ {
			if err := count(db, families, n); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for n := 0; !done.Load(); n++ {
			c := families[n%len(families)]
			if err := errors.Join(c.Flush(), c.Compact(nil, nil, nil)); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	defer done.Store(true)
	last := uint64(0)
	for n := 0; n < sets || last < 100; n++ {
		its, err := engine.NewIters(families...)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			seen, err := counters(its)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range seen {
				if n != seen[0] || n < last {
					t.Fatalf("the iterators see %v, after %d", seen, last)
				}
			}
			last = seen[0]
		}
		closeAll(t, its)
	}
	t.Logf("the counter stood at %d", last)
}

// Refresh moves one iterator; the others keep their state, also when the one that is refreshed was
// the first.
func TestRefreshMovesOneOfSeveralIterators(t *testing.T) {
	db, families := counterFamilies(t)
	if err := count(db, families, 1); err != nil {
		t.Fatal(err)
	}
	its, err := engine.NewIters(families...)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, its)
	if err := errors.Join(count(db, families, 2), db.Flush(), db.Compact(nil, nil, nil), its[0].Refresh()); err != nil {
		t.Fatal(err)
	}
	seen, err := counters(its)
	if err != nil || fmt.Sprint(seen) != "[2 1 1 1]" {
		t.Errorf("the iterators see %v; %v", seen, err)
	}
}

func TestOptionsHoldForEachOfSeveralIterators(t *testing.T) {
	db, families := counterFamilies(t)
	for i, c := range families {
		for _, key := range []string{"a", "b/1", "b/2", "b/3", "c"} {
			if err := c.Put([]byte(key), bytes.Repeat([]byte{byte(i)}, 10), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	twice := append(families, families[1]) // a family may come twice
	its, err := engine.NewItersWith(&engine.IterOptions{Prefix: []byte("b/"), ValuesUpTo: 1, Limit: 2}, twice...)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, its)
	for i, it := range its {
		var got string
		for key, value := range it.All() {
			got += fmt.Sprintf("%s=%x ", key, value)
		}
		of := slices.Index(families, twice[i])
		if want := fmt.Sprintf("b/1=%02x b/2=%02x ", of, of); got != want || it.Error() != nil {
			t.Errorf("iterator %d: %s, want %s; %v", i, got, want, it.Error())
		}
	}
	if n := engine.Children(db); n != len(its) {
		t.Errorf("%d handles are registered, want %d", n, len(its))
	}
}

func TestIteratorsOverSeveralFamiliesAreMadeAllOrNone(t *testing.T) {
	db, families := counterFamilies(t)
	other := openTemp(t, nil)
	gone, err := db.CreateColumnFamily("gone", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.DropColumnFamily(gone); err != nil {
		t.Fatal(err)
	}
	a, b := families[0], families[1]
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, x := range map[string]struct {
		o    *engine.IterOptions
		cfs  []*engine.ColumnFamily
		want error
	}{
		"no families":          {nil, nil, engine.ErrInvalidArgument},
		"nil family first":     {nil, []*engine.ColumnFamily{nil, a}, engine.ErrClosed},
		"nil family":           {nil, []*engine.ColumnFamily{a, nil}, engine.ErrClosed},
		"zero family":          {nil, []*engine.ColumnFamily{a, {}}, engine.ErrClosed},
		"dropped family first": {nil, []*engine.ColumnFamily{gone, a}, engine.ErrFamilyDropped},
		"dropped family":       {nil, []*engine.ColumnFamily{a, b, gone}, engine.ErrFamilyDropped},
		"another database":     {nil, []*engine.ColumnFamily{a, other.ColumnFamilies()[0]}, engine.ErrInvalidArgument},
		"bad options":          {&engine.IterOptions{Limit: -1}, families, engine.ErrInvalidArgument},
		"too long a bound":     {&engine.IterOptions{Prefix: make([]byte, engine.MaxKeySize+1)}, families, engine.ErrTooLarge},
		"ended context":        {&engine.IterOptions{Context: canceled}, families, canceled.Err()},
	} {
		its, err := engine.NewItersWith(x.o, x.cfs...)
		if its != nil || !errors.Is(err, x.want) {
			t.Errorf("%s: %d iterators and %v, want %v", name, len(its), err, x.want)
		}
		if x.want == engine.ErrClosed && err != engine.ErrClosed {
			t.Errorf("%s: %v, want ErrClosed itself", name, err)
		}
	}
	if n := engine.Children(db); n != 0 {
		t.Errorf("%d handles are registered after failures", n)
	}
	if its, err := engine.NewIters(families...); err != nil {
		t.Errorf("after the failures: %v", err)
	} else {
		closeAll(t, its)
	}
}

// Close frees the iterators that were left open, and the state that they share.
func TestCloseFreesIteratorsOverSeveralFamilies(t *testing.T) {
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	families := db.ColumnFamilies()
	its, err := engine.NewIters(families...)
	if err != nil {
		t.Fatal(err)
	}
	its[1].Close()
	err = db.Close()
	var leak *engine.LeakError
	if !errors.As(err, &leak) || leak.Iterators != 1 {
		t.Errorf("Close: %v, want one iterator left open", err)
	}
	if its[0].First() || its[0].Error() != engine.ErrClosed || its[0].Close() != engine.ErrClosed {
		t.Errorf("an iterator of a closed database: %v", its[0].Error())
	}
	if its, err := engine.NewIters(families...); its != nil || err != engine.ErrClosed {
		t.Errorf("NewIters after Close: %v", err)
	}
}
