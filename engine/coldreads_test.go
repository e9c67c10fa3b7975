package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// narrow are options under which every read of a file is cold, and soon waits for others.
func narrow() *engine.Options {
	return &engine.Options{
		BlockCacheSize: -1, FastLane: 2, Gate: 4,
		Families: map[string]engine.FamilyOptions{"f": {MergeOperator: engine.AppendDelimited(",")}},
	}
}

// Reads that are made together give each caller what it would have read alone: values of all sizes,
// empty ones and misses, in two families, merges among them, through every call that reads a key.
func TestReadsMadeTogetherGiveEachItsOwn(t *testing.T) {
	r, _ := seededRand(t, "close.seed", *closeSeed)
	db := openTemp(t, narrow())
	families := db.ColumnFamilies()
	model := map[string][]byte{} // by family and key
	for i := range 2000 {
		c := families[i%2]
		key := fmt.Sprintf("%06d", r.IntN(4000))
		value := valueOf([]int{0, 1, 100, 100, 100, 5000, 20_000}[r.IntN(7)])
		name := c.Name() + key
		if i%2 == 1 && model[name] != nil {
			model[name] = append(append(bytes.Clone(model[name]), ','), value...)
			if err := c.Merge([]byte(key), value, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		model[name] = value
		if err := c.Put([]byte(key), value, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	reads := 10_000
	if testing.Short() {
		reads = 2000
	}
	var left atomic.Int64
	left.Store(int64(reads))
	var wg sync.WaitGroup
	for range 100 {
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				c := families[r.IntN(2)]
				key := fmt.Sprintf("%06d", r.IntN(4000))
				want, there := model[c.Name()+key]
				if err := expectRead(c, key, want, there, r.IntN(5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Lookups that wait for a slot become one call into C when there is one.
func TestReadsThatWaitAreOneCall(t *testing.T) {
	db := openTemp(t, narrow())
	const n = 50
	for i := range n {
		if err := db.Put(fmt.Appendf(nil, "%d", i), fmt.Appendf(nil, "value %d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	release := engine.HoldColdReads(db)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			v, err := db.Get(fmt.Appendf(nil, "%d", i), nil)
			if err != nil || string(v) != fmt.Sprintf("value %d", i) {
				t.Errorf("%d: %q, %v", i, v, err)
			}
		})
	}
	for begin := time.Now(); engine.ColdReadsWaiting(db) != n; time.Sleep(100 * time.Microsecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d wait, want %d", engine.ColdReadsWaiting(db), n)
		}
	}
	before := runtime.NumCgoCall()
	release()
	wg.Wait()
	if calls := runtime.NumCgoCall() - before; calls > n/5 { // the values, and what did not fit into the first buffer
		t.Errorf("%d calls into C for %d lookups that waited", calls, n)
	}
}

// expectRead reads one key in the given way.
func expectRead(c *engine.ColumnFamily, key string, want []byte, there bool, way int) (err error) {
	var got []byte
	switch way {
	case 0:
		got, err = c.Get([]byte(key), nil)
	case 1:
		got, err = c.GetAppend(nil, []byte(key), nil)
	case 2:
		got, err = c.GetAppend(make([]byte, 0, 30_000), []byte(key), nil)
	case 3:
		err = c.GetPinned([]byte(key), nil, func(v []byte) error { got = bytes.Clone(v); return nil })
	case 4:
		has, err := c.Has([]byte(key), nil)
		if err != nil || has != there {
			return fmt.Errorf("Has of %s: %v, %v", key, has, err)
		}
		return nil
	}
	switch {
	case !there && err == engine.ErrNotFound:
		return nil
	case err != nil || !there || !bytes.Equal(got, want):
		return fmt.Errorf("way %d, %s: %d bytes and %v, want %d bytes, %v", way, key, len(got), err, len(want), there)
	}
	return nil
}

// A reader that waits leaves with its context, and Close sends all of them away; the others are served.
func TestColdReadersLeaveWithTheirContextAndWithClose(t *testing.T) {
	db := openTemp(t, narrow())
	for i := range 100 {
		if err := db.Put(fmt.Appendf(nil, "%d", i), fmt.Appendf(nil, "value %d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	var served, left, closed atomic.Int64
	var wg sync.WaitGroup
	for g := range 200 {
		wg.Go(func() {
			for i := 0; ; i++ {
				var o *engine.ReadOptions
				if g%2 == 0 {
					ctx, cancel := context.WithCancel(context.Background())
					time.AfterFunc(time.Duration(i%50)*time.Microsecond, cancel)
					o = &engine.ReadOptions{Context: ctx}
				}
				switch v, err := db.Get(fmt.Appendf(nil, "%d", i%100), o); {
				case err == nil && string(v) == fmt.Sprintf("value %d", i%100):
					served.Add(1)
				case err == engine.ErrClosed:
					closed.Add(1)
					return
				case errors.Is(err, context.Canceled) && o != nil:
					left.Add(1)
				default:
					t.Errorf("%q, %v", v, err)
					return
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if closed.Load() != 200 || served.Load() == 0 || left.Load() == 0 {
		t.Errorf("%d served, %d left, %d closed", served.Load(), left.Load(), closed.Load())
	}
}
