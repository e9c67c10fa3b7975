package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// fillRows writes rows with keys of few letters, so that bounds and prefixes meet them.
func fillRows(t *testing.T, db *engine.DB, r *rand.Rand, n int) {
	t.Helper()
	b := db.NewBatch()
	for range n {
		b.Put(shortKey(r), valueOf(r.IntN(50)))
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
}

// shortKey is of up to 5 bytes, some of them the highest.
func shortKey(r *rand.Rand) []byte {
	k := make([]byte, r.IntN(6))
	for i := range k {
		k[i] = []byte{0, 'a', 'b', 'c', 0xff}[r.IntN(5)]
	}
	return k
}

// randomBounds are the options that say which rows an iterator shows.
func randomBounds(r *rand.Rand) *engine.IterOptions {
	o := &engine.IterOptions{KeysOnly: r.IntN(4) == 0}
	if r.IntN(3) == 0 {
		o.LowerBound = shortKey(r)
	}
	if r.IntN(3) == 0 {
		o.UpperBound = shortKey(r)
	}
	if r.IntN(3) == 0 {
		o.Prefix = shortKey(r)
	}
	if r.IntN(3) == 0 {
		o.Limit = 1 + r.IntN(40)
	}
	if r.IntN(4) == 0 {
		o.ValuesUpTo = 1 + r.IntN(40)
	}
	return o
}

type scanned struct{ key, value []byte }

// shown is what the options let through of all rows, worked out in Go.
func shown(all []scanned, o *engine.IterOptions) []scanned {
	var out []scanned
	for _, row := range all {
		if o.Limit > 0 && len(out) == o.Limit {
			break
		}
		if !bytes.HasPrefix(row.key, o.Prefix) || bytes.Compare(row.key, o.LowerBound) < 0 ||
			o.UpperBound != nil && bytes.Compare(row.key, o.UpperBound) >= 0 {
			continue
		}
		switch {
		case o.KeysOnly:
			row.value = nil
		case o.ValuesUpTo > 0 && len(row.value) > o.ValuesUpTo:
			row.value = row.value[:o.ValuesUpTo]
		}
		out = append(out, row)
	}
	return out
}

func collect(t *testing.T, r engine.Reader, o *engine.IterOptions) []scanned {
	t.Helper()
	var out []scanned
	rows, done := engine.Scan(r, o)
	for k, v := range rows {
		out = append(out, scanned{k, v})
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return out
}

// countTwin is Count, over the iterator.
func countTwin(r engine.Reader, o *engine.IterOptions) (rows, keyBytes, valueBytes int64, err error) {
	it, err := r.NewIter(o)
	if err != nil {
		return 0, 0, 0, err
	}
	for it.Next() {
		rows++
		keyBytes += int64(it.KeyLen())
		valueBytes += int64(len(it.Value()))
	}
	return rows, keyBytes, valueBytes, it.Close()
}

func TestScanAndCountShowWhatTheOptionsSay(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db := openTemp(t, nil)
	fillRows(t, db, r, 500)
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	fillRows(t, db, r, 500)
	snap := newSnapshot(t, db)
	defer snap.Close()
	all := collect(t, db, nil)
	if len(all) < 300 {
		t.Fatalf("%d rows", len(all))
	}
	for i := 1; i < len(all); i++ {
		if bytes.Compare(all[i-1].key, all[i].key) >= 0 {
			t.Fatal("the rows do not ascend")
		}
	}
	readers := []engine.Reader{db, db.ColumnFamilies()[0], snap, foreignReader{db}}
	hits := 0
	for range 1500 {
		o := randomBounds(r)
		reader := readers[r.IntN(len(readers))]
		want, got := shown(all, o), collect(t, reader, o)
		same := len(got) == len(want)
		keys, values := int64(0), int64(0)
		for i := 0; same && i < len(want); i++ {
			same = bytes.Equal(got[i].key, want[i].key) && bytes.Equal(got[i].value, want[i].value) &&
				(got[i].value == nil) == o.KeysOnly
			keys += int64(len(want[i].key))
			values += int64(len(want[i].value))
		}
		if !same {
			t.Fatalf("%+v: %d rows, want %d", o, len(got), len(want))
		}
		rows, keyBytes, valueBytes, err := engine.Count(context.Background(), reader, o)
		if err != nil || rows != int64(len(want)) || keyBytes != keys || valueBytes != values {
			t.Fatalf("%+v: Count %d %d %d, %v; want %d %d %d", o, rows, keyBytes, valueBytes, err, len(want), keys, values)
		}
		if n, k, v, err := countTwin(reader, o); err != nil || n != rows || k != keyBytes || v != valueBytes {
			t.Fatalf("%+v: the twin %d %d %d, %v; Count %d %d %d", o, n, k, v, err, rows, keyBytes, valueBytes)
		}
		hits += min(len(want), 1)
	}
	if hits < 500 {
		t.Errorf("only %d ranges had a row", hits)
	}
}

// foreignReader is a Reader that this package does not know.
type foreignReader struct{ engine.Reader }

// brokenReader fails, or gives nothing.
type brokenReader struct {
	engine.Reader
	err error
}

func (b brokenReader) NewIter(*engine.IterOptions) (*iterator.Iterator, error) { return nil, b.err }

func TestScanAndCountReportWhyTheyCannotBegin(t *testing.T) {
	mine := errors.New("mine")
	var noDB *engine.DB
	var noFamily *engine.ColumnFamily
	var noSnapshot *engine.Snapshot
	db := openTemp(t, nil)
	closed := openTemp(t, nil)
	closed.Close()
	for name, c := range map[string]struct {
		r    engine.Reader
		want error
	}{
		"nil": {nil, engine.ErrClosed}, "nil DB": {noDB, engine.ErrClosed}, "nil family": {noFamily, engine.ErrClosed},
		"nil snapshot": {noSnapshot, engine.ErrClosed}, "closed": {closed, engine.ErrClosed},
		"broken": {brokenReader{db, mine}, mine},
	} {
		rows, done := engine.Scan(c.r, nil)
		if err := done(); err != nil {
			t.Errorf("%s: before the loop: %v", name, err)
		}
		for range rows {
			t.Errorf("%s: a row", name)
		}
		if err := done(); err != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if n, _, _, err := engine.Count(context.Background(), c.r, nil); n != 0 || err != c.want {
			t.Errorf("%s: Count: %d, %v", name, n, err)
		}
	}
	bad := &engine.IterOptions{Limit: -1}
	rows, done := engine.Scan(db, bad)
	for range rows {
		t.Error("a row")
	}
	expectError(t, "Scan", done(), engine.ErrInvalidArgument)
	_, _, _, err := engine.Count(context.Background(), db, bad)
	expectError(t, "Count", err, engine.ErrInvalidArgument)
}

func TestScanClosesItsIteratorHoweverItEnds(t *testing.T) {
	db := openTemp(t, nil) // whose Close answers a LeakError for an iterator left open
	for i := range 5000 {
		if err := db.Put(fmt.Appendf(nil, "%05d", i), valueOf(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	rows, done := engine.Scan(db, nil)
	for range 3 { // it may be ranged over again, and broken off
		n := 0
		for range rows {
			if n++; n == 1234 {
				break
			}
		}
		if err := done(); err != nil || n != 1234 {
			t.Errorf("%d rows, %v", n, err)
		}
	}
	n := 0
	for range rows {
		n++
	}
	if err := done(); err != nil || n != 5000 {
		t.Errorf("%d rows, %v", n, err)
	}
	func() {
		defer func() { recover() }()
		for range rows {
			panic("out of the loop")
		}
	}()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestRowsOfAScanMayBeKept(t *testing.T) {
	db := openTemp(t, nil)
	const n = 20_000
	b := db.NewBatch()
	for i := range n {
		b.Put(fmt.Appendf(nil, "%05d", i), fmt.Appendf(nil, "value %d", i))
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	kept := collect(t, db, nil)
	collect(t, db, nil)
	for i := range kept {
		kept[i].key = append(kept[i].key, '!') // must not reach into the value behind it
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for i, row := range kept {
		if string(row.key) != fmt.Sprintf("%05d!", i) || string(row.value) != fmt.Sprintf("value %d", i) {
			t.Fatalf("row %d is %s = %s", i, row.key, row.value)
		}
	}
}
