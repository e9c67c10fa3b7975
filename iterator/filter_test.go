package iterator_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// filter is a random predicate and, worked out by other means, which rows it keeps.
func (d *data) filter(depth int) (*engine.Predicate, func(r row) bool) {
	if depth > 0 && oneIn(d.r, 2) {
		a, keepsA := d.filter(depth - 1)
		b, keepsB := d.filter(depth - 1)
		switch d.r.IntN(3) {
		case 0:
			return engine.And(a, b), func(r row) bool { return keepsA(r) && keepsB(r) }
		case 1:
			return engine.Or(a, b), func(r row) bool { return keepsA(r) || keepsB(r) }
		default:
			return engine.Not(a), func(r row) bool { return !keepsA(r) }
		}
	}
	part := pick(d.r, engine.RowKey, engine.RowKey, engine.RowValue)
	of := func(r row) []byte { return r.key }
	if part == engine.RowValue {
		of = func(r row) []byte { return r.value }
	}
	x := d.key()
	x = x[:min(len(x), d.r.IntN(4))]
	switch d.r.IntN(6) {
	case 0:
		return part.HasPrefix(x), func(r row) bool { return bytes.HasPrefix(of(r), x) }
	case 1:
		return part.HasSuffix(x), func(r row) bool { return bytes.HasSuffix(of(r), x) }
	case 2:
		return part.Contains(x), func(r row) bool { return bytes.Contains(of(r), x) }
	case 3:
		least, most := d.r.IntN(8), pick(d.r, 0, 5, 10, 1000)
		return part.Length(least, most), func(r row) bool { return len(of(r)) >= least && len(of(r)) <= most }
	case 4:
		return part.Is(engine.LessOrEqual, x), func(r row) bool { return bytes.Compare(of(r), x) <= 0 }
	default:
		at := d.r.IntN(4)
		return part.At(at, engine.Greater, x), func(r row) bool {
			return len(of(r)) >= at+len(x) && bytes.Compare(of(r)[at:at+len(x)], x) > 0
		}
	}
}

// lengthProgram is a program of one test: the key has at least n bytes.
func lengthProgram(n int) []byte {
	p := []byte{1, 0, 0, 0, cbridge.TestLength, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}
	p = binary.LittleEndian.AppendUint64(p, uint64(n))
	p = binary.LittleEndian.AppendUint64(p, 1<<40)
	return append(p, 0, 0, 0, 0)
}

// filtered gives random options a filter at times. Below engine, calls look at few rows each, so that
// many end before they have found one.
func (d *data) filtered(o *engine.IterOptions, s *shape) {
	bridge, below := d.store.(*bridgeStore)
	if below {
		bridge.program = nil
	}
	switch {
	case !oneIn(d.r, 3):
	case below:
		n := pick(d.r, 1, 3, 8, 30)
		bridge.program, bridge.pause = lengthProgram(n), uint64(pick(d.r, 1, 2, 7))
		s.keep = func(r row) bool { return len(r.key) >= n }
	default:
		o.Filter, s.keep = d.filter(2)
	}
}

// sparse is a database whose keys are 0 to n-1, and a filter that keeps few of them.
func sparse(t *testing.T, n, every int) (*engine.DB, *engine.Predicate) {
	t.Helper()
	db := openTestDB(t, nil)
	var rows []row
	for i := range n {
		value := "dull"
		if i%every == every/2 {
			value = "kept"
		}
		rows = append(rows, row{fmt.Appendf(nil, "%06d", i), []byte(value)})
	}
	fill(t, db, rows)
	return db, engine.RowValue.Is(engine.Equal, []byte("kept"))
}

func TestAFilterThatFindsLittleLooksAtItsContextBetweenCalls(t *testing.T) {
	const n, every = 60_000, 20_000
	db, filter := sparse(t, n, every)
	for _, back := range []bool{false, true} {
		left := 1 << 30
		it := newIter(t, db, &engine.IterOptions{Filter: filter, KeysOnly: true, Context: countedContext{context.Background(), &left}})
		move, land := it.Next, it.First
		if back {
			move, land = it.Prev, it.Last
		}
		seen := 0
		for ok := land(); ok; ok = move() {
			seen++
		}
		if seen != n/every || it.Error() != nil {
			t.Fatalf("%d rows, %v", seen, it.Error())
		}
		// Each call looks at 4,096 rows: between two kept rows lie several.
		if asked := 1<<30 - left; asked < n/4096 || asked > 2*n/4096 {
			t.Errorf("the context was asked %d times", asked)
		}
		left = 2 // the first gap is longer than two calls
		if land() || !errors.Is(it.Error(), context.Canceled) {
			t.Fatalf("on a row: %v, %v", it.Valid(), it.Error())
		}
		if move() || it.Valid() || !errors.Is(it.Error(), context.Canceled) {
			t.Errorf("it goes on after an error: %v", it.Error())
		}
		left = 1 << 30
		if !land() || it.Error() != nil || !it.HasPrefix([]byte{'0'}) {
			t.Errorf("an absolute move after it: %v", it.Error())
		}
	}
}

// TestAnAbandonedSearchLeavesNoRowsBehind seeks far away in vain and then lands where it was before: what
// follows there must come from there.
func TestAnAbandonedSearchLeavesNoRowsBehind(t *testing.T) {
	const n, every = 60_000, 6000
	db, filter := sparse(t, n, every)
	left := 1 << 30
	it := newIter(t, db, &engine.IterOptions{Filter: filter, Context: countedContext{context.Background(), &left}})
	if !it.First() || string(it.Key()) != "003000" {
		t.Fatalf("%q, %v", it.Key(), it.Error())
	}
	left = 1
	if it.SeekGE([]byte("033001")) || !errors.Is(it.Error(), context.Canceled) {
		t.Fatalf("%q, %v", it.Key(), it.Error())
	}
	left = 1 << 30
	if !it.SeekGE([]byte("003000")) || !it.Next() || string(it.Key()) != "009000" {
		t.Errorf("%q, %v", it.Key(), it.Error())
	}
	var c iterator.Chunk
	left = 1
	if !it.SeekGE([]byte("009000")) || !it.NextChunk(&c) || c.Len() != 1 {
		t.Errorf("%d rows, %v", c.Len(), it.Error())
	}
	left = 0
	if it.NextChunk(&c) || c.Len() != 0 || !errors.Is(it.Error(), context.Canceled) {
		t.Errorf("%d rows, %v", c.Len(), it.Error())
	}
}

// countedContext ends after it was asked so many times.
type countedContext struct {
	context.Context
	left *int
}

func (c countedContext) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestCountOfAFilteredIteratorHonoursItsLimit(t *testing.T) {
	db, filter := sparse(t, 30_000, 3000)
	for limit, want := range map[int]int64{0: 10, 1: 1, 4: 4, 10: 10, 11: 10} {
		it := newIter(t, db, &engine.IterOptions{Filter: filter, Limit: limit})
		rows, keys, values, err := it.Count(context.Background())
		if rows != want || keys != 6*want || values != 4*want || err != nil {
			t.Errorf("limit %d: %d rows, %d, %d, %v", limit, rows, keys, values, err)
		}
	}
	left := 2
	it := newIter(t, db, &engine.IterOptions{Filter: filter})
	if rows, _, _, err := it.Count(countedContext{context.Background(), &left}); rows > 3 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestAFilteredRowMayExceedEveryBuffer(t *testing.T) {
	db := openTestDB(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	long := randomBytes(r, 3<<20)
	fill(t, db, []row{{[]byte("a"), nil}, {[]byte("b"), long}, {[]byte("c"), nil}, {[]byte("d"), long[:2<<20]}})
	it := newIter(t, db, &engine.IterOptions{Filter: engine.RowValue.Length(1<<20, -1)})
	for _, want := range []int{3 << 20, 2 << 20} {
		if !it.Next() || it.ValueLen() != want {
			t.Fatalf("%d bytes, %v", it.ValueLen(), it.Error())
		}
	}
	if it.Next() || it.Error() != nil {
		t.Errorf("%q, %v", it.Key(), it.Error())
	}
}
