package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var errNoRow = errors.New("no row and no error")

// moved is what a move answered: true, or false and the reason in Error.
func moved(it *iterator.Iterator, ok bool) error {
	switch err := it.Error(); {
	case ok && err != nil:
		return fmt.Errorf("true, but %w", err)
	case !ok && err == nil:
		return errNoRow
	default:
		return err
	}
}

// move is a call that must come to a row with a given key.
func move(key []byte, f func(*iterator.Iterator) bool) call[*iterator.Iterator] {
	return func(it *iterator.Iterator, _ *lifecycleKit) error {
		ok := f(it)
		return want(moved(it, ok), bytes.Equal(it.Key(), key), it.Key())
	}
}

// walk is a call that must yield all rows, or none and an error.
func walk(f func(*iterator.Iterator) iter.Seq2[[]byte, []byte]) call[*iterator.Iterator] {
	return func(it *iterator.Iterator, _ *lifecycleKit) error {
		n := 0
		for range f(it) {
			n++
		}
		err := it.Error()
		if err != nil && n > 0 {
			return fmt.Errorf("%d rows and %w", n, err)
		}
		return want(err, n == len(kitKeys), n)
	}
}

// fill is a call that must hand over the row b and perhaps further ones, or none and an error.
func fill(f func(*iterator.Iterator, *iterator.Chunk) bool) call[*iterator.Iterator] {
	return func(it *iterator.Iterator, _ *lifecycleKit) error {
		var c iterator.Chunk
		ok := f(it, &c)
		if !ok && c.Len() > 0 {
			return fmt.Errorf("false, but %d rows", c.Len())
		}
		return want(moved(it, ok), c.Len() > 0 && bytes.Equal(c.Key(0), kitKeys[1]), c.Len())
	}
}

// lastRow is a call that looks at the row b, on which the kit's iterator was put: a closed one still
// has it, one that came from no database never had any.
func lastRow(right func(it *iterator.Iterator, key, value []byte) bool) call[*iterator.Iterator] {
	return func(it *iterator.Iterator, k *lifecycleKit) error {
		if k.state == "nil" || k.state == "zero" || k.state == "failed" {
			return want(nil, right(it, nil, nil), "a row out of nowhere")
		}
		return want(nil, right(it, kitKeys[1], kitValue(kitKeys[1])), "another row than b")
	}
}

var iteratorCalls = map[string]call[*iterator.Iterator]{
	"First":  move(kitKeys[0], (*iterator.Iterator).First),
	"Last":   move(kitKeys[2], (*iterator.Iterator).Last),
	"Next":   move(kitKeys[2], (*iterator.Iterator).Next),
	"Prev":   move(kitKeys[0], (*iterator.Iterator).Prev),
	"SeekGE": move(kitKeys[2], func(it *iterator.Iterator) bool { return it.SeekGE([]byte("bb")) }),
	"SeekLE": move(kitKeys[1], func(it *iterator.Iterator) bool { return it.SeekLE([]byte("bb")) }),
	"SeekLT": move(kitKeys[0], func(it *iterator.Iterator) bool { return it.SeekLT([]byte("b")) }),

	"All":      walk((*iterator.Iterator).All),
	"Backward": walk((*iterator.Iterator).Backward),
	"From":     walk(func(it *iterator.Iterator) iter.Seq2[[]byte, []byte] { return it.From(nil) }),

	"NextChunk": fill((*iterator.Iterator).NextChunk),
	"PrevChunk": fill((*iterator.Iterator).PrevChunk),

	"Key":   lastRow(func(it *iterator.Iterator, key, _ []byte) bool { return bytes.Equal(it.Key(), key) }),
	"Value": lastRow(func(it *iterator.Iterator, _, value []byte) bool { return bytes.Equal(it.Value(), value) }),
	"AppendKey": lastRow(func(it *iterator.Iterator, key, _ []byte) bool {
		return bytes.Equal(it.AppendKey([]byte("x")), append([]byte("x"), key...))
	}),
	"AppendValue": lastRow(func(it *iterator.Iterator, _, value []byte) bool {
		return bytes.Equal(it.AppendValue([]byte("x")), append([]byte("x"), value...))
	}),
	"KeyLen":   lastRow(func(it *iterator.Iterator, key, _ []byte) bool { return it.KeyLen() == len(key) }),
	"ValueLen": lastRow(func(it *iterator.Iterator, _, value []byte) bool { return it.ValueLen() == len(value) }),
	"Columns": func(it *iterator.Iterator, _ *lifecycleKit) error {
		return want(nil, it.Columns() == nil, it.Columns())
	},
	"Timestamp": func(it *iterator.Iterator, _ *lifecycleKit) error {
		return want(nil, it.Timestamp() == 0, it.Timestamp())
	},
	"HasPrefix": lastRow(func(it *iterator.Iterator, key, _ []byte) bool {
		return it.HasPrefix(key) == (key != nil)
	}),
	"EqualKey": lastRow(func(it *iterator.Iterator, key, _ []byte) bool {
		return it.EqualKey(key) == (key != nil) && !it.EqualKey([]byte("bb"))
	}),
	"CompareKey": lastRow(func(it *iterator.Iterator, key, _ []byte) bool {
		return (it.CompareKey(key) == 0) == (key != nil)
	}),
	"Valid": func(it *iterator.Iterator, k *lifecycleKit) error {
		return want(nil, it.Valid() == (k.is == alive), it.Valid())
	},
	"Error": func(it *iterator.Iterator, _ *lifecycleKit) error { return it.Error() },
	"Close": func(it *iterator.Iterator, _ *lifecycleKit) error { return it.Close() },
	"Count": func(it *iterator.Iterator, _ *lifecycleKit) error {
		rows, _, _, err := it.Count(context.Background())
		return want(err, rows == int64(len(kitKeys)), rows)
	},
	"Export": func(it *iterator.Iterator, _ *lifecycleKit) error {
		e, err := cbridge.NewExport(cbridge.Position{}, nil, 2, 3)
		must(err)
		defer e.Free()
		at, err := it.Export(context.Background(), e, 1<<20, io.Discard)
		return want(err, at.Whole && at.Rows == 2, at)
	},
	"Push": func(it *iterator.Iterator, _ *lifecycleKit) error {
		rows := int64(0)
		err := it.Push(context.Background(), iterator.Pushdown{
			Op: "push",
			Call: func(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
				p := src.Checksum(m, s, new(cbridge.Checksum))
				rows += p.Rows
				return p
			},
		})
		return want(err, rows == int64(len(kitKeys)), rows)
	},
	"Refresh": func(it *iterator.Iterator, _ *lifecycleKit) error {
		err := it.Refresh()
		return want(err, it.First(), "no row")
	},
	"SetBounds": func(it *iterator.Iterator, _ *lifecycleKit) error {
		it.SetBounds(kitKeys[1], nil)
		ok := it.First()
		return want(moved(it, ok), it.EqualKey(kitKeys[1]), it.Key())
	},
}
