package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// probes is how many keys Diff seeks, at most.
const probes = 200

// Check fails the test if r does not hold the model's rows: see Diff. The test goes on.
func (m *Model) Check(t testing.TB, r engine.Reader) {
	t.Helper()
	if err := m.Diff(r); err != nil {
		t.Errorf("enginetest: %v", err)
	}
}

// Diff compares r with the model, and tells the first difference, with the row: every row forward, backward and by chunks, in
// parts of the range, every key by Get and Has, keys beside them that must not be there, seeks in three ways to a selection of
// the keys and of the gaps between them, and Count. Nobody may write to r meanwhile, unless it is a snapshot.
func (m *Model) Diff(r engine.Reader) error {
	rows := m.sorted()
	for _, compare := range []func(engine.Reader, []pair) error{walkAll, walkParts, lookUp, seek, count} {
		if err := compare(r, rows); err != nil {
			return err
		}
	}
	return nil
}

func walkAll(r engine.Reader, rows []pair) error { return walk(r, rows, nil) }

// walkParts walks over the rows between three keys.
func walkParts(r engine.Reader, rows []pair) error {
	if len(rows) < 4 {
		return nil
	}
	for part := range 4 {
		from, to := part*len(rows)/4, (part+1)*len(rows)/4
		o := &engine.IterOptions{LowerBound: []byte(rows[from].key)}
		if to < len(rows) {
			o.UpperBound = []byte(rows[to].key)
		}
		if err := walk(r, rows[from:to], o); err != nil {
			return fmt.Errorf("in the part from %s on: %w", show(rows[from].key), err)
		}
	}
	return nil
}

// walk compares what an iterator gives in both directions, and by chunks.
func walk(r engine.Reader, want []pair, o *engine.IterOptions) error {
	return withIter(r, o, func(it *iterator.Iterator) error {
		i := 0
		for ok := it.First(); ok; ok = it.Next() {
			if err := sameRow(it.Key(), it.Value(), want, i, false); err != nil {
				return fmt.Errorf("forward: %w", err)
			}
			i++
		}
		if err := atEnd(it, want[i:]); err != nil {
			return fmt.Errorf("forward: %w", err)
		}
		if err := walkBack(it, want); err != nil {
			return fmt.Errorf("backward: %w", err)
		}
		if err := walkChunks(it, want); err != nil {
			return fmt.Errorf("by chunks: %w", err)
		}
		return nil
	})
}

func walkBack(it *iterator.Iterator, want []pair) error {
	i := len(want) - 1
	for ok := it.Last(); ok; ok = it.Prev() {
		if err := sameRow(it.Key(), it.Value(), want, i, true); err != nil {
			return err
		}
		i--
	}
	left := slices.Clone(want[:i+1])
	slices.Reverse(left)
	return atEnd(it, left)
}

// walkChunks follows on walkBack, which has left the iterator in the gap before the first row.
func walkChunks(it *iterator.Iterator, want []pair) error {
	var c iterator.Chunk
	i := 0
	for it.NextChunk(&c) {
		for key, value := range c.All() {
			if err := sameRow(key, value, want, i, false); err != nil {
				return err
			}
			i++
		}
	}
	return atEnd(it, want[i:])
}

// withIter opens and closes an iterator.
func withIter(r engine.Reader, o *engine.IterOptions, f func(it *iterator.Iterator) error) error {
	it, err := r.NewIter(o)
	if err != nil {
		return fmt.Errorf("new iterator: %w", err)
	}
	defer it.Close() // f looks at its error
	return f(it)
}

// atEnd looks why an iterator has ended, with rows still to come.
func atEnd(it *iterator.Iterator, missing []pair) error {
	if err := it.Error(); err != nil {
		return fmt.Errorf("the iterator ended: %w", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("the row %s is missing, and so is all behind it", show(missing[0].key))
	}
	return nil
}

// sameRow compares a row with number i of those wanted, which is out of range behind the last one.
func sameRow(key, value []byte, want []pair, i int, back bool) error {
	if i < 0 || i >= len(want) {
		return fmt.Errorf("there is an extra row %s", show(key))
	}
	order := strings.Compare(string(key), want[i].key)
	if back {
		order = -order
	}
	switch {
	case order < 0:
		return fmt.Errorf("there is an extra row %s", show(key))
	case order > 0:
		return fmt.Errorf("the row %s is missing", show(want[i].key))
	}
	return sameValue(key, value, want[i].value)
}

func sameValue(key, got []byte, want string) error {
	switch {
	case got == nil:
		return fmt.Errorf("the value of %s is nil, want %s", show(key), show(want))
	case string(got) != want:
		return fmt.Errorf("the value of %s is %s, want %s", show(key), show(got), show(want))
	}
	return nil
}

// lookUp reads each key, and keys that are not there: the one right behind it, and its beginning.
func lookUp(r engine.Reader, rows []pair) error {
	there := make(map[string]bool, len(rows))
	for _, p := range rows {
		there[p.key] = true
	}
	for _, p := range rows {
		if err := present(r, p); err != nil {
			return err
		}
		for _, key := range []string{p.key + "\x00", p.key[:len(p.key)/2]} {
			if there[key] {
				continue
			}
			if err := absent(r, []byte(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func present(r engine.Reader, p pair) error {
	key := []byte(p.key)
	value, err := r.Get(key, nil)
	if err != nil {
		return fmt.Errorf("get of %s: %w", show(key), err)
	}
	if err := sameValue(key, value, p.value); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	if has, err := r.Has(key, nil); err != nil || !has {
		return fmt.Errorf("has of %s: %v, %v, want true", show(key), has, err)
	}
	return nil
}

func absent(r engine.Reader, key []byte) error {
	if value, err := r.Get(key, nil); !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("get of %s, which is not there: %s, %v", show(key), show(value), err)
	}
	if has, err := r.Has(key, nil); err != nil || has {
		return fmt.Errorf("has of %s, which is not there: %v, %v", show(key), has, err)
	}
	return nil
}

// seek seeks a selection of the keys and what lies right behind them.
func seek(r engine.Reader, rows []pair) error {
	return withIter(r, nil, func(it *iterator.Iterator) error {
		for i := 0; i < len(rows); i += 1 + len(rows)/probes {
			for _, key := range []string{rows[i].key, rows[i].key + "\x00"} {
				if err := seekOne(it, rows, key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func seekOne(it *iterator.Iterator, rows []pair, key string) error {
	at, found := slices.BinarySearchFunc(rows, key, func(p pair, k string) int { return strings.Compare(p.key, k) })
	atOrBelow := at - 1
	if found {
		atOrBelow = at
	}
	for _, s := range []struct {
		name string
		move func([]byte) bool
		want int
	}{{"SeekGE", it.SeekGE, at}, {"SeekLE", it.SeekLE, atOrBelow}, {"SeekLT", it.SeekLT, at - 1}} {
		ok := s.move([]byte(key))
		if err := it.Error(); err != nil {
			return fmt.Errorf("%s of %s: %w", s.name, show(key), err)
		}
		there := s.want >= 0 && s.want < len(rows)
		switch {
		case !ok && there:
			return fmt.Errorf("%s of %s finds nothing, want the row %s", s.name, show(key), show(rows[s.want].key))
		case ok && !there:
			return fmt.Errorf("%s of %s finds the extra row %s", s.name, show(key), show(it.Key()))
		case ok && (string(it.Key()) != rows[s.want].key || string(it.Value()) != rows[s.want].value):
			return fmt.Errorf("%s of %s finds the row %s, want %s", s.name, show(key), show(it.Key()), show(rows[s.want].key))
		}
	}
	return nil
}

// count has C count.
func count(r engine.Reader, want []pair) error {
	var wantKeys, wantValues int64
	for _, p := range want {
		wantKeys += int64(len(p.key))
		wantValues += int64(len(p.value))
	}
	rows, keys, values, err := engine.Count(context.Background(), r, nil)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	if rows != int64(len(want)) || keys != wantKeys || values != wantValues {
		return fmt.Errorf("count: %d rows, %d bytes of keys and %d of values; want %d, %d and %d",
			rows, keys, values, len(want), wantKeys, wantValues)
	}
	return nil
}

// show is a key or a value for a report; what is long is cut.
func show[T ~string | ~[]byte](b T) string {
	if len(b) > 60 {
		return fmt.Sprintf("%q... of %d bytes", string(b[:60]), len(b))
	}
	return fmt.Sprintf("%q", string(b))
}
