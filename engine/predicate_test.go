package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var predicateSeed = flag.Uint64("predicate.seed", 0, "seed of random predicates and what they are used for; 0: a new one")

// randomPredicate is a tree of tests on short strings of few letters.
func randomPredicate(r *rand.Rand, depth int) *engine.Predicate {
	if depth > 0 && r.IntN(3) > 0 {
		children := make([]*engine.Predicate, r.IntN(4))
		for i := range children {
			children[i] = randomPredicate(r, depth-1)
		}
		switch r.IntN(3) {
		case 0:
			return engine.And(children...)
		case 1:
			return engine.Or(children...)
		default:
			return engine.Not(randomPredicate(r, depth-1))
		}
	}
	if r.IntN(20) == 0 {
		return nil
	}
	part := engine.Part(r.IntN(2))
	comparison := engine.Comparison(1 + r.IntN(7))
	switch r.IntN(7) {
	case 0:
		return part.HasPrefix(shortKey(r))
	case 1:
		return part.HasSuffix(shortKey(r))
	case 2:
		return part.Contains(shortKey(r))
	case 3:
		return part.Length(r.IntN(6)-1, r.IntN(7)-1)
	case 4:
		return part.Is(comparison, shortKey(r))
	case 5:
		return part.At(r.IntN(4), comparison, shortKey(r))
	default:
		return part.Between(shortKey(r), shortKey(r))
	}
}

func TestPredicatesInCKeepWhatTheirTwinsKeep(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	kept, tries := 0, 30_000
	for range tries {
		p := randomPredicate(r, 4)
		for range 3 {
			key, value := shortKey(r), slices.Concat(shortKey(r), bytes.Repeat(shortKey(r), r.IntN(12)))
			want := p.Match(key, value)
			if p == nil {
				if !want {
					t.Fatal("nil drops a row")
				}
				continue
			}
			got, err := cbridge.TryPredicate(engine.PredicateProgram(p), key, value)
			if err != nil || got != want {
				t.Fatalf("%x keeps %q %q: %v, %v; the twin: %v", engine.PredicateProgram(p), key, value, got, err, want)
			}
			if want {
				kept++
			}
		}
	}
	if kept < tries/3 || kept > 3*tries*4/5 {
		t.Errorf("%d of %d rows are kept", kept, 3*tries)
	}
}

func TestPredicatesSayWhatTheyMean(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	k, v := engine.RowKey, engine.RowValue
	for name, c := range map[string]struct {
		p    *engine.Predicate
		want bool // of the row apple = red
	}{
		"prefix": {k.HasPrefix(b("app")), true}, "no prefix": {v.HasPrefix(b("app")), false},
		"suffix": {k.HasSuffix(b("ple")), true}, "contains": {v.Contains(b("e")), true},
		"length": {k.Length(5, 5), true}, "too short": {k.Length(6, -1), false}, "no length": {k.Length(3, 2), false},
		"at least": {v.Length(-1, 3), true}, "equal": {k.Is(engine.Equal, b("apple")), true},
		"less": {k.Is(engine.Less, b("apples")), true}, "not equal": {v.Is(engine.NotEqual, b("red")), false},
		"greater or equal": {v.Is(engine.GreaterOrEqual, b("red")), true},
		"less or equal":    {v.Is(engine.LessOrEqual, b("rec")), false},
		"at":               {k.At(1, engine.Equal, b("ppl")), true}, "beyond": {k.At(4, engine.NotEqual, b("xx")), false},
		"between": {k.Between(b("a"), b("b")), true}, "open": {k.Between(nil, nil), true},
		"above": {k.Between(b("b"), nil), false}, "empty upper": {k.Between(nil, []byte{}), false},
		"and": {engine.And(k.Contains(b("pp")), v.Contains(b("e"))), true}, "or": {engine.Or(k.Contains(b("x")), v.Contains(b("e"))), true},
		"not": {engine.Not(k.Contains(b("x"))), true}, "all": {engine.And(), true}, "none": {engine.Or(), false}, "nil": {nil, true},
		"not nil": {engine.Not(nil), false},
	} {
		if got := c.p.Match(b("apple"), b("red")); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatCannotBeAPredicateIsRefused(t *testing.T) {
	db := openTemp(t, nil)
	batch, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	batch.Put([]byte("k"), nil)
	many := make([]*engine.Predicate, 4097)
	for i := range many {
		many[i] = engine.RowKey.HasPrefix([]byte("a"))
	}
	deep := engine.RowKey.HasPrefix(nil)
	for range 1000 {
		deep = engine.Not(deep)
	}
	wide := many[0] // shared so often that its size overflows
	for range 64 {
		wide = engine.And(wide, wide)
	}
	long := make([]byte, 9<<20)
	for name, c := range map[string]struct {
		p    *engine.Predicate
		want error
	}{
		"unknown part": {engine.Part(2).HasPrefix(nil), engine.ErrInvalidArgument},
		"comparison":   {engine.Or(engine.RowKey.Is(0, nil)), engine.ErrInvalidArgument},
		"comparison 8": {engine.RowKey.Is(8, nil), engine.ErrInvalidArgument},
		"offset":       {engine.Not(engine.RowKey.At(-1, engine.Less, nil)), engine.ErrInvalidArgument},
		"tests":        {engine.And(many...), engine.ErrTooLarge}, "depth": {deep, engine.ErrTooLarge}, "sharing": {wide, engine.ErrTooLarge},
		"bytes": {engine.Or(engine.RowValue.Contains(long), engine.RowValue.HasSuffix(long)), engine.ErrTooLarge},
	} {
		o := &engine.IterOptions{Filter: c.p}
		for _, r := range []engine.Reader{db, batch} {
			it, err := r.NewIter(o)
			if it != nil || !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := engine.NewItersWith(o, db.ColumnFamilies()[0]); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fits := engine.And(many[:4096]...)
	if n, _, _, err := engine.Count(nil, batch, &engine.IterOptions{Filter: fits}); n != 0 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestAPredicateKeepsNoSliceOfItsMaker(t *testing.T) {
	mine := []byte("a")
	p := engine.And(engine.RowKey.HasPrefix(mine), engine.RowKey.Between(mine, nil))
	mine[0] = 'z'
	if !p.Match([]byte("a"), nil) || p.Match([]byte("z"), nil) {
		t.Error("it has kept one")
	}
}

// TestEveryReaderFilters compares whole scans with a sieve in Go, over each kind of Reader.
func TestEveryReaderFilters(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	p := newPushdownFixture(t, r)
	some := 0
	for range 300 {
		name, reader := p.reader(r)
		all := collect(t, reader, nil)
		o := randomBounds(r)
		o.Filter = randomPredicate(r, 2)
		want, got := sieved(all, o), collect(t, reader, o)
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows, want %d of %d", name, len(got), len(want), len(all))
		}
		for i := range want {
			if !bytes.Equal(got[i].key, want[i].key) || !bytes.Equal(got[i].value, want[i].value) {
				t.Fatalf("%s: row %d is %q, want %q", name, i, got[i].key, want[i].key)
			}
		}
		if n, keys, values, err := engine.Count(t.Context(), reader, o); err != nil || n != int64(len(want)) || keys != sumOf(want, false) || values != sumOf(want, true) {
			t.Fatalf("%s: Count %d %d %d, %v; want %d", name, n, keys, values, err, len(want))
		}
		if len(want) > 0 && len(want) < len(all) {
			some++
		}
	}
	if some < 60 {
		t.Errorf("only %d filters kept some rows", some)
	}
	its, err := engine.NewItersWith(&engine.IterOptions{Filter: engine.RowKey.Length(2, 2)}, p.db.ColumnFamilies()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range its {
		expectKeyLength(t, it, 2)
	}
}

func expectKeyLength(t *testing.T, it *iterator.Iterator, n int) {
	t.Helper()
	rows := 0
	for k := range it.All() {
		if rows++; len(k) != n {
			t.Errorf("%q", k)
		}
	}
	if err := it.Close(); rows == 0 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// FuzzPredicatePrograms gives C programs from anywhere: it must refuse those that are malformed, and end
// on all others.
func FuzzPredicatePrograms(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		if p := randomPredicate(r, 3); p != nil {
			f.Add(engine.PredicateProgram(p), shortKey(r), shortKey(r))
		}
	}
	f.Fuzz(func(t *testing.T, program, key, value []byte) {
		_, err := cbridge.TryPredicate(program, key, value)
		if err != nil && !errors.Is(err, engine.ErrInvalidArgument) {
			t.Fatal(err)
		}
	})
}
