package engine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var (
	boundsScans = flag.Int("bounds.scans", 10_000, "scans of the test that takes bounds away from under iterators")
	boundsSeed  = flag.Uint64("bounds.seed", 0, "its seed; 0: a new one each time")
)

// callersRange is a range in memory of the caller's, which it overwrites and lets go of.
type callersRange struct{ lower, upper, prefix, value []byte }

func (c *callersRange) scribble(r *rand.Rand) {
	for _, b := range [][]byte{c.lower, c.upper, c.prefix, c.value} {
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
	}
	*c = callersRange{}
}

// RocksDB keeps a pointer to a bound as long as the iterator lives. The caller's bytes are the caller's again as soon as
// a call returns: whatever becomes of them, the scan gives the rows of the range that was asked for.
func TestBoundsAreTheCallersAgain(t *testing.T) {
	const rows = 3000
	r, seed := seededRand(t, "bounds.seed", *boundsSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{BlockSize: 512}})
	var keys []string
	for i := range rows {
		key := fmt.Sprintf("%05d", i)
		mustDo(t, db.Put([]byte(key), fmt.Appendf(nil, "value %d", i%7), nil))
		keys = append(keys, key)
		if i == rows/2 {
			mustDo(t, db.Flush())
		}
	}
	found := 0
	for n := range *boundsScans {
		want, got, err := scribbledScan(db, keys, r)
		if err != nil || !slices.Equal(want, got) {
			t.Fatalf("seed %d, scan %d: %d rows, want %d; %v", seed, n, len(got), len(want), err)
		}
		found += len(got)
		if n%500 == 0 {
			runtime.GC()
		}
	}
	t.Logf("%d scans, %d rows", *boundsScans, found)
	if found < *boundsScans {
		t.Error("too few rows: the test shows nothing")
	}
}

// scribbledScan makes an iterator over some range, overwrites what named it, and reads.
func scribbledScan(db *engine.DB, keys []string, r *rand.Rand) (want, got []string, err error) {
	low := r.IntN(len(keys))
	high := low + r.IntN(60)
	c := callersRange{lower: fmt.Appendf(nil, "%05d", low), upper: fmt.Appendf(nil, "%05d", high)}
	o := &engine.IterOptions{LowerBound: c.lower, UpperBound: c.upper, NoBackground: r.IntN(2) == 0}
	want = keys[min(low, len(keys)):min(high, len(keys))]
	switch r.IntN(4) {
	case 0:
		c.prefix = fmt.Appendf(nil, "%04d", low/10)
		o.LowerBound, o.UpperBound, o.Prefix = nil, nil, c.prefix
		want = keys[low/10*10 : low/10*10+10]
	case 1:
		c.value = []byte("value 3")
		o.Filter = engine.RowValue.Contains(c.value)
		all := want
		want = nil
		for _, k := range all {
			if i := sort.SearchStrings(keys, k); i%7 == 3 {
				want = append(want, k)
			}
		}
	}
	it, err := db.NewIter(o)
	if err != nil {
		return nil, nil, err
	}
	defer it.Close()
	if o.Prefix == nil && r.IntN(3) == 0 {
		first := callersRange{lower: []byte("0"), upper: []byte("1")}
		it.SetBounds(first.lower, first.upper)
		first.scribble(r)
		it.SetBounds(c.lower, c.upper)
	}
	c.scribble(r)
	return want, keysOf(it, r), it.Error()
}

// keysOf reads all rows of an iterator, forward by steps or by chunks, or backward.
func keysOf(it *iterator.Iterator, r *rand.Rand) (keys []string) {
	switch r.IntN(3) {
	case 0:
		for it.First(); it.Valid(); it.Next() {
			keys = append(keys, string(it.Key()))
		}
	case 1:
		var c iterator.Chunk
		for it.NextChunk(&c) {
			for i := range c.Len() {
				keys = append(keys, string(c.Key(i)))
			}
		}
	default:
		for it.Last(); it.Valid(); it.Prev() {
			keys = append(keys, string(it.Key()))
		}
		slices.Reverse(keys)
	}
	return keys
}
