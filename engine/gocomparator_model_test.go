package engine_test

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var (
	comparatorOps  = flag.Int("comparator.ops", 400, "operations of the model test of comparators, for each; a third with -short")
	comparatorSeed = flag.Uint64("comparator.seed", 0, "their seed; 0: a new one each time")
)

// shortFirst orders keys by their length, and bytewise among those of one length.
func shortFirst() *engine.GoComparator {
	return &engine.GoComparator{Name: "test.short-first", Compare: byLength}
}

func byLength(a, b []byte) int { return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b)) }

func backwards(a, b []byte) int { return bytes.Compare(b, a) }

// ordering is an order of keys and the options that make it a family's.
type ordering struct {
	name    string
	o       engine.FamilyOptions
	compare func(a, b []byte) int
}

func orderings() []ordering {
	return []ordering{
		{"reversed by RocksDB", engine.FamilyOptions{Comparator: engine.ReverseBytewise}, backwards},
		{"reversed in Go", engine.FamilyOptions{GoComparator: &engine.GoComparator{Name: "test.backwards", Compare: backwards}}, backwards},
		{"by length in Go", engine.FamilyOptions{GoComparator: shortFirst()}, byLength},
	}
}

// A family's rows lie as its comparator says, whatever is done to them and however they are read.
func TestAFamilyDoesAsAModelInTheOrderOfItsComparator(t *testing.T) {
	for _, way := range orderings() {
		t.Run(way.name, func(t *testing.T) {
			before := engine.LiveHandles()
			r, seed := seededRand(t, "comparator.seed", *comparatorSeed)
			m := newOrderedModel(t, way, r)
			ops := *comparatorOps
			if testing.Short() {
				ops /= 3
			}
			for n := range ops {
				if err := m.step(); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, n, err)
				}
			}
			if err := errors.Join(m.check(), m.db.Health(), m.db.Close()); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			expectNoHandles(t, before)
		})
	}
}

// orderedModel is a database, one family of it that has an order, and what that should hold.
type orderedModel struct {
	way  ordering
	r    *rand.Rand
	dir  string
	o    *engine.Options
	db   *engine.DB
	cf   *engine.ColumnFamily
	rows map[string]string
}

func newOrderedModel(t *testing.T, way ordering, r *rand.Rand) *orderedModel {
	m := &orderedModel{way: way, r: r, dir: filepath.Join(t.TempDir(), "db"), rows: map[string]string{}}
	m.o = &engine.Options{Families: map[string]engine.FamilyOptions{"f": way.o}}
	if err := m.open(); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *orderedModel) open() (err error) {
	if m.db, err = engine.Open(m.dir, m.o); err == nil {
		m.cf, err = m.db.ColumnFamily("f")
	}
	return err
}

func (m *orderedModel) key() []byte {
	key := make([]byte, m.r.IntN(4))
	for i := range key {
		key[i] = "ab\x00\xff"[m.r.IntN(4)]
	}
	return key
}

// span is two keys in the order of the family.
func (m *orderedModel) span() (start, end []byte) {
	start, end = m.key(), m.key()
	if m.way.compare(start, end) > 0 {
		start, end = end, start
	}
	return start, end
}

func (m *orderedModel) step() error {
	key := m.key()
	switch x := m.r.IntN(100); {
	case x < 40:
		value := fmt.Sprint(m.r.IntN(1000))
		m.rows[string(key)] = value
		return m.cf.Put(key, []byte(value), nil)
	case x < 50:
		delete(m.rows, string(key))
		return m.cf.Delete(key, nil)
	case x < 60:
		return m.batch()
	case x < 64:
		start, end := m.span()
		m.removeRange(start, end)
		return m.cf.DeleteRange(start, end, nil)
	case x < 67:
		return m.cf.Flush()
	case x < 69:
		start, end := m.span()
		return m.cf.Compact(nil, start, end)
	case x < 71:
		if err := m.db.Close(); err != nil {
			return err
		}
		return m.open()
	case x < 80:
		return m.check()
	}
	return m.look()
}

func (m *orderedModel) removeRange(start, end []byte) {
	maps.DeleteFunc(m.rows, func(k, _ string) bool {
		return m.way.compare(start, []byte(k)) <= 0 && m.way.compare([]byte(k), end) < 0
	})
}

func (m *orderedModel) batch() error {
	b := m.db.NewBatch()
	in := b.In(m.cf)
	for range m.r.IntN(5) {
		key, value := m.key(), fmt.Sprint(m.r.IntN(1000))
		if err := in.Put(key, []byte(value)); err != nil {
			return err
		}
		m.rows[string(key)] = value
	}
	start, end := m.span()
	m.removeRange(start, end)
	return errors.Join(in.DeleteRange(start, end), m.db.Write(b, nil))
}

// keys are those that lie in [lower, upper), in order; nil bounds are open.
func (m *orderedModel) keys(lower, upper []byte) []string {
	var keys []string
	for k := range m.rows {
		if (lower == nil || m.way.compare(lower, []byte(k)) <= 0) && (upper == nil || m.way.compare([]byte(k), upper) < 0) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return m.way.compare([]byte(a), []byte(b)) })
	return keys
}

// check compares all rows, by scans both ways, chunks, a count, and lookups by one and by many.
func (m *orderedModel) check() error {
	want := m.keys(nil, nil)
	s, err := m.db.NewSnapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	in := s.In(m.cf)
	it, err := in.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	var chunked [3][]string
	err = engine.ScanParallel(nil, in, nil, len(chunked), func(part int, c *iterator.Chunk) error {
		for k := range c.All() {
			chunked[part] = append(chunked[part], string(k))
		}
		return nil
	})
	if err = errors.Join(err, expectOrder("chunks", slices.Concat(chunked[:]...), want)); err != nil {
		return err
	}
	return errors.Join(m.checkBounded(it, nil, nil), m.checkLookups(in, want))
}

func (m *orderedModel) checkLookups(in *engine.Snapshot, want []string) error {
	var keys [][]byte
	for _, k := range want {
		keys = append(keys, []byte(k))
	}
	rows, _, _, err := engine.Count(nil, in, nil)
	if err != nil || rows != int64(len(want)) {
		return fmt.Errorf("%d rows counted, want %d: %w", rows, len(want), err)
	}
	values, err := in.MultiGet(keys, nil)
	if err != nil {
		return err
	}
	for i, k := range want {
		one, err := in.Get(keys[i], nil)
		if err != nil || string(one) != m.rows[k] || values[i].Err != nil || string(values[i].Data) != m.rows[k] {
			return fmt.Errorf("%q is %q, %v and %q, %v, want %q", k, one, err, values[i].Data, values[i].Err, m.rows[k])
		}
	}
	return nil
}

func expectOrder(what string, got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s: %q, want %q", what, got, want)
	}
	return nil
}

// checkBounded walks an iterator that shows [lower, upper) both ways.
func (m *orderedModel) checkBounded(it *iterator.Iterator, lower, upper []byte) error {
	want := m.keys(lower, upper)
	var up, down []string
	for k, v := range it.All() {
		up = append(up, string(k))
		if string(v) != m.rows[string(k)] {
			return fmt.Errorf("%q is %q, want %q", k, v, m.rows[string(k)])
		}
	}
	for k := range it.Backward() {
		down = append(down, string(k))
	}
	slices.Reverse(down)
	return errors.Join(it.Error(), expectOrder("up", up, want), expectOrder("down", down, want))
}

// look seeks within bounds, which change, and goes a step from there.
func (m *orderedModel) look() error {
	lower, upper := m.span()
	it, err := m.cf.NewIter(&engine.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer it.Close()
	for range 3 {
		if err := errors.Join(m.checkBounded(it, lower, upper), m.seek(it, lower, upper)); err != nil {
			return fmt.Errorf("in [%q, %q): %w", lower, upper, err)
		}
		lower, upper = m.span()
		if m.r.IntN(3) == 0 {
			lower = nil
		}
		if m.r.IntN(3) == 0 {
			upper = nil
		}
		it.SetBounds(lower, upper)
	}
	return it.Error()
}

// seek goes to a key in each of three ways, and on from there.
func (m *orderedModel) seek(it *iterator.Iterator, lower, upper []byte) error {
	key, keys := m.key(), m.keys(lower, upper)
	before := func(k string) bool { return m.way.compare([]byte(k), key) < 0 }
	at := 0
	for at < len(keys) && before(keys[at]) {
		at++
	}
	same := at < len(keys) && keys[at] == string(key)
	le := at - 1
	if same {
		le = at
	}
	for _, s := range []struct {
		name string
		move func([]byte) bool
		want int
	}{{"GE", it.SeekGE, at}, {"LT", it.SeekLT, at - 1}, {"LE", it.SeekLE, le}} {
		want := ""
		found := s.want >= 0 && s.want < len(keys)
		if found {
			want = keys[s.want]
		}
		if s.move(key) != found || found && (string(it.Key()) != want || it.CompareKey(key) != m.way.compare([]byte(want), key)) {
			return fmt.Errorf("seek %s %q is %q, want %q", s.name, key, it.Key(), want)
		}
		if found && it.Next() != (s.want+1 < len(keys)) || it.Valid() && string(it.Key()) != keys[s.want+1] {
			return fmt.Errorf("next after seek %s %q is %q of %q", s.name, key, it.Key(), keys)
		}
	}
	return it.Error()
}
