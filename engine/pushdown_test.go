package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

// The twins: what C does, over the plain iterator without its filter.

// twinRows are the rows that o describes, sieved in Go.
func twinRows(t *testing.T, r engine.Reader, o *engine.IterOptions) []scanned {
	t.Helper()
	return sieved(collect(t, r, nil), o)
}

func sizesTwin(rows []scanned) *engine.Sizes {
	s := &engine.Sizes{}
	for _, row := range rows {
		s.Keys.Add(len(row.key))
		s.Values.Add(len(row.value))
	}
	return s
}

func checksumTwin(rows []scanned) (c engine.RangeChecksum) {
	for _, row := range rows {
		c.Add(row.key, row.value)
	}
	return c
}

func prefixTwin(rows []scanned, rule engine.PrefixRule) []engine.PrefixStat {
	var out []engine.PrefixStat
	for _, row := range rows {
		p := rule.Of(row.key)
		if n := len(out); n == 0 || !bytes.Equal(out[n-1].Prefix, p) {
			out = append(out, engine.PrefixStat{Prefix: bytes.Clone(p)})
		}
		s := &out[len(out)-1]
		s.Rows++
		s.KeyBytes += int64(len(row.key))
		s.ValueBytes += int64(len(row.value))
	}
	return out
}

func splitsTwin(rows []scanned, parts int) (keys [][]byte) {
	total, passed, part := sumOf(rows, false)+sumOf(rows, true), int64(0), int64(1)
	for _, row := range rows {
		found := false
		for part < int64(parts) && total > 0 && passed*int64(parts) >= part*total {
			part, found = part+1, true
		}
		if found {
			keys = append(keys, row.key)
		}
		passed += int64(len(row.key) + len(row.value))
	}
	return keys
}

func samePrefixes(a, b []engine.PrefixStat) bool {
	return slices.EqualFunc(a, b, func(x, y engine.PrefixStat) bool {
		return bytes.Equal(x.Prefix, y.Prefix) && x.Rows == y.Rows && x.KeyBytes == y.KeyBytes && x.ValueBytes == y.ValueBytes
	})
}

func TestPushedDownWorkAgreesWithItsTwins(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	p := newPushdownFixture(t, r)
	nonempty := 0
	for range 300 {
		name, reader := p.reader(r)
		o := randomRange(r)
		rows := twinRows(t, reader, o)
		if len(rows) > 0 {
			nonempty++
		}
		ctx := []context.Context{nil, t.Context()}[r.IntN(2)]
		if err := agreesWithTwins(ctx, reader, o, rows, r); err != nil {
			t.Fatalf("%s, %+v: %v", name, o, err)
		}
	}
	if nonempty < 100 {
		t.Errorf("only %d ranges had a row", nonempty)
	}
}

func agreesWithTwins(ctx context.Context, reader engine.Reader, o *engine.IterOptions, rows []scanned, r *rand.Rand) error {
	n, keys, values, err := engine.Count(ctx, reader, o)
	if err != nil || n != int64(len(rows)) || keys != sumOf(rows, false) || values != sumOf(rows, true) {
		return fmt.Errorf("Count %d %d %d, %v, want %d rows", n, keys, values, err, len(rows))
	}
	if s, err := engine.SizesOf(ctx, reader, o); err != nil || *s != *sizesTwin(rows) {
		return fmt.Errorf("Sizes %d, %v, want %d rows", s.Keys.Count(), err, len(rows))
	}
	if c, err := engine.Checksum(ctx, reader, o); err != nil || c != checksumTwin(rows) {
		return fmt.Errorf("Checksum %+v, %v, want %+v", c, err, checksumTwin(rows))
	}
	rule := engine.PrefixBytes(r.IntN(4))
	if r.IntN(2) == 0 {
		rule = engine.PrefixUpTo("ab\xff"[r.IntN(3)])
	}
	stats, done := engine.PrefixStats(ctx, reader, o, rule)
	if got, want := slices.Collect(stats), prefixTwin(rows, rule); done() != nil || !samePrefixes(got, want) {
		return fmt.Errorf("PrefixStats %v, %v, want %v", got, done(), want)
	}
	parts := 1 + r.IntN(12)
	if got, err := engine.ExactSplits(ctx, reader, o, parts); err != nil || !slices.EqualFunc(got, splitsTwin(rows, parts), bytes.Equal) {
		return fmt.Errorf("ExactSplits %q, %v, want %q", got, err, splitsTwin(rows, parts))
	}
	return edgesAgree(ctx, reader, o, rows)
}

func edgesAgree(ctx context.Context, reader engine.Reader, o *engine.IterOptions, rows []scanned) error {
	if o.Limit > 0 {
		return nil // the last of all is not the last of them
	}
	first, err := engine.FirstKey(ctx, reader, o)
	last, err2 := engine.LastKey(ctx, reader, o)
	if len(rows) == 0 {
		if err != engine.ErrNotFound || err2 != engine.ErrNotFound || first != nil || last != nil {
			return fmt.Errorf("FirstKey %q, %v, LastKey %q, %v, but there is none", first, err, last, err2)
		}
		return nil
	}
	if err != nil || !bytes.Equal(first, rows[0].key) || first == nil {
		return fmt.Errorf("FirstKey %q, %v, want %q", first, err, rows[0].key)
	}
	if err2 != nil || !bytes.Equal(last, rows[len(rows)-1].key) || last == nil {
		return fmt.Errorf("LastKey %q, %v, want %q", last, err2, rows[len(rows)-1].key)
	}
	return nil
}

// TestPushedDownWorkGoesOnFromCallToCall has ranges of many calls.
func TestPushedDownWorkGoesOnFromCallToCall(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}})
	b := db.NewBatch()
	for i := range 20_000 {
		b.Put(fmt.Appendf(nil, "%03d/%03d", i/70, i%70), valueOf(r.IntN(40)))
	}
	b.Put(append(bytes.Repeat([]byte{'k'}, 100_000), '/'), []byte("a long key"))
	b.Put([]byte("long"), bytes.Repeat([]byte("value"), 1_000_000))
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*engine.IterOptions{
		nil,
		{Limit: 4096},
		{Limit: 9000},
		{KeysOnly: true},
		{ValuesUpTo: 3},
		{Filter: engine.RowKey.HasSuffix([]byte("69"))},
		{Filter: engine.RowKey.Length(8, -1)},
		{Filter: engine.RowKey.HasSuffix([]byte("7")), Limit: 1000},
		{LowerBound: []byte("100"), UpperBound: []byte("250/0")},
		{Prefix: []byte("k")},
	} {
		if o == nil {
			o = &engine.IterOptions{}
		}
		rows := twinRows(t, db, o)
		if len(rows) == 0 {
			t.Fatalf("%+v: no rows", o)
		}
		for range 3 {
			if err := agreesWithTwins(t.Context(), db, o, rows, r); err != nil {
				t.Fatalf("%+v: %.300v", o, err)
			}
		}
		stats, done := engine.PrefixStats(nil, db, o, engine.PrefixUpTo('/'))
		if got, want := slices.Collect(stats), prefixTwin(rows, engine.PrefixUpTo('/')); done() != nil || !samePrefixes(got, want) {
			t.Fatalf("%+v: %d prefixes, %v, want %d", o, len(got), done(), len(want))
		}
	}
	stats, done := engine.PrefixStats(nil, db, nil, engine.PrefixUpTo('/'))
	seen := 0
	for range stats {
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 || done() != nil {
		t.Errorf("%d prefixes before the break, %v", seen, done())
	}
}

// pushedDown are the calls that bring nothing but numbers and keys, by name; the number that they answer
// is one that grows with the rows that were looked at.
var pushedDown = map[string]func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error){
	"Count": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		n, _, _, err := engine.Count(ctx, r, o)
		return n, err
	},
	"SizesOf": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		s, err := engine.SizesOf(ctx, r, o)
		if s == nil {
			return 0, err
		}
		return s.Keys.Count(), err
	},
	"Checksum": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		c, err := engine.Checksum(ctx, r, o)
		return c.Rows, err
	},
	"PrefixStats": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (n int64, err error) {
		stats, done := engine.PrefixStats(ctx, r, o, engine.PrefixBytes(4))
		for s := range stats {
			n += s.Rows
		}
		return n, done()
	},
	"ExactSplits": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		keys, err := engine.ExactSplits(ctx, r, o, 10)
		return int64(len(keys)), err
	},
	"FirstKey": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		k, err := engine.FirstKey(ctx, r, o)
		return int64(len(k)), err
	},
	"LastKey": func(ctx context.Context, r engine.Reader, o *engine.IterOptions) (int64, error) {
		k, err := engine.LastKey(ctx, r, o)
		return int64(len(k)), err
	},
}

func TestPushedDownWorkEndsWithItsContext(t *testing.T) {
	const n = 30_000
	db, dull := dullRows(t, n)
	for name, f := range pushedDown {
		filtered := name == "FirstKey" || name == "LastKey" // they look at one row else
		o := &engine.IterOptions{}
		if filtered {
			o.Filter = dull
		}
		whole, err := f(context.Background(), db, o)
		if filtered {
			if err != engine.ErrNotFound {
				t.Errorf("%s: %d, %v", name, whole, err)
			}
		} else if whole == 0 || err != nil {
			t.Errorf("%s: %d, %v", name, whole, err)
		}
		rest := 4
		got, err := f(endingContext{context.Background(), &rest}, db, o)
		if !errors.Is(err, context.Canceled) || !filtered && got >= whole {
			t.Errorf("%s: %d of %d, %v", name, got, whole, err)
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if got, err := f(gone, db, o); got != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
		if got, err := f(nil, db, &engine.IterOptions{Context: gone}); got != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%s with the options' context: %d, %v", name, got, err)
		}
	}
}

// dullRows is a database of n rows, and a filter that keeps none of them.
func dullRows(t *testing.T, n int) (*engine.DB, *engine.Predicate) {
	t.Helper()
	db := openTemp(t, nil)
	b := db.NewBatch()
	for i := range n {
		b.Put(fmt.Appendf(nil, "%06d", i), []byte("dull"))
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	return db, engine.RowValue.Contains([]byte("x"))
}

func TestPushedDownWorkReportsWhyItCannotBegin(t *testing.T) {
	mine := errors.New("mine")
	var noDB *engine.DB
	var noFamily *engine.ColumnFamily
	var noSnapshot *engine.Snapshot
	var noBatch *engine.IndexedBatch
	db := openTemp(t, nil)
	closed := openTemp(t, nil)
	closed.Close()
	dropped, err := db.CreateColumnFamily("dropped", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.DropColumnFamily(dropped); err != nil {
		t.Fatal(err)
	}
	for name, f := range pushedDown {
		for state, c := range map[string]struct {
			r    engine.Reader
			want error
		}{
			"nil": {nil, engine.ErrClosed}, "nil DB": {noDB, engine.ErrClosed}, "nil family": {noFamily, engine.ErrClosed},
			"nil snapshot": {noSnapshot, engine.ErrClosed}, "nil batch": {noBatch, engine.ErrClosed}, "closed": {closed, engine.ErrClosed},
			"broken": {brokenReader{db, mine}, mine}, "gives nothing": {brokenReader{db, nil}, engine.ErrClosed},
			"dropped": {dropped, engine.ErrFamilyDropped},
		} {
			if n, err := f(context.Background(), c.r, nil); n != 0 || !errors.Is(err, c.want) {
				t.Errorf("%s of %s: %d, %v", name, state, n, err)
			}
		}
		_, err := f(nil, db, &engine.IterOptions{Limit: -1})
		expectError(t, name, err, engine.ErrInvalidArgument)
	}
	for _, parts := range []int{-1, 0, 1<<20 + 1} {
		_, err := engine.ExactSplits(nil, db, nil, parts)
		expectError(t, "ExactSplits", err, engine.ErrInvalidArgument)
	}
	if keys, err := engine.ExactSplits(nil, db, nil, 3); len(keys) != 0 || err != nil {
		t.Errorf("splits of nothing: %q, %v", keys, err)
	}
}

func TestExactSplitsMakeEqualParts(t *testing.T) {
	db, _ := dullRows(t, 10_000)
	keys, err := engine.ExactSplits(t.Context(), db, nil, 8)
	if err != nil || len(keys) != 7 {
		t.Fatalf("%q, %v", keys, err)
	}
	keys = append(keys, nil)
	var from []byte
	for _, to := range keys {
		n, _, _, err := engine.Count(nil, db, &engine.IterOptions{LowerBound: from, UpperBound: to})
		if n != 10_000/8 || err != nil {
			t.Errorf("from %q to %q: %d rows, %v", from, to, n, err)
		}
		from = to
	}
}

func TestChecksumsInCAreThoseOfGo(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	for _, byTable := range []bool{false, true} {
		if got := cbridge.ChecksumOf(byTable, []byte("123456789")); got != 0xE3069283 { // the check value of CRC-32C
			t.Errorf("by table %v: %x", byTable, got)
		}
		for n := range 300 {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			for at := range min(n, 9) { // whatever the alignment
				var c engine.RangeChecksum
				c.Add(b[at:], nil)
				lengths := append([]byte{byte(n - at), byte((n - at) >> 8), 0, 0, 0, 0, 0, 0}, b[at:]...)
				if got := cbridge.ChecksumOf(byTable, lengths); got != c.CRC {
					t.Fatalf("by table %v, %d bytes: %x, want %x", byTable, n-at, got, c.CRC)
				}
			}
		}
	}
}

func TestAChecksumTellsRowsApart(t *testing.T) {
	sum := func(rows ...string) (c engine.RangeChecksum) {
		for i := 0; i < len(rows); i += 2 {
			c.Add([]byte(rows[i]), []byte(rows[i+1]))
		}
		return c
	}
	base := sum("a", "b", "c", "d")
	for _, other := range []engine.RangeChecksum{
		sum("a", "b"), sum("c", "d", "a", "b"), sum("ab", "", "c", "d"), sum("a", "bc", "", "d"), sum("a", "b", "c", "e"), {},
	} {
		if other.CRC == base.CRC || other == base {
			t.Errorf("%+v", other)
		}
	}
	if base != sum("a", "b", "c", "d") {
		t.Error("the same rows differ")
	}
}

func TestSizeHistogramsAreRightToASixteenth(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	var h, other engine.SizeHistogram
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Count() != 0 || h.Min() != 0 || h.Max() != 0 {
		t.Error("an empty one has lengths")
	}
	var all []int64
	sum := int64(0)
	for i := range 5000 {
		n := r.IntN(1 << r.IntN(32))
		all = append(all, int64(n))
		sum += int64(n)
		if i%2 == 0 {
			h.Add(n)
		} else {
			other.Add(n)
		}
	}
	h.Merge(&other)
	h.Merge(nil)
	h.Merge(&engine.SizeHistogram{})
	slices.Sort(all)
	if h.Count() != 5000 || h.Sum() != sum || h.Min() != all[0] || h.Max() != all[4999] || h.Mean() != float64(sum)/5000 {
		t.Errorf("%d, %d, %d, %d", h.Count(), h.Sum(), h.Min(), h.Max())
	}
	for _, q := range []float64{-1, 0, 0.0001, 0.1, 0.5, 0.9, 0.999, 1, 2} {
		i := max(int(math.Ceil(min(max(q, 0), 1)*5000))-1, 0)
		if got := h.Quantile(q); got < all[i] || float64(got) > float64(all[i])*17/16 {
			t.Errorf("quantile %v: %d, want %d", q, got, all[i])
		}
	}
	if h.Quantile(math.NaN()) != 0 {
		t.Error("a quantile of no number")
	}
	at, total := int64(-1), int64(0)
	for b := range h.Buckets() {
		if b.Least <= at || b.Most < b.Least || b.Count == 0 {
			t.Errorf("bucket %+v after %d", b, at)
		}
		within := int64(0)
		for _, n := range all {
			if n >= b.Least && n <= b.Most {
				within++
			}
		}
		if within != b.Count {
			t.Errorf("bucket %+v has %d", b, within)
		}
		at, total = b.Most, total+b.Count
	}
	if total != 5000 {
		t.Errorf("%d in buckets", total)
	}
	for range h.Buckets() {
		break
	}
	h.Add(-5)
	if h.Min() != 0 {
		t.Error("a negative length")
	}
}
