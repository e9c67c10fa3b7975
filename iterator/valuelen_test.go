package iterator_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// The length of a value is known where only its beginning was fetched: on a row, in a chunk, in one that
// came out of the window, backwards, and after Close.
func TestTheLengthOfACutValueIsThatOfTheWhole(t *testing.T) {
	db := openTestDB(t, nil)
	var sizes []int
	for i := range 300 {
		sizes = append(sizes, i*i%500)
	}
	rows := numbered(sizes)
	fill(t, db, rows)
	for _, upTo := range []int{0, 1, 10, 499, 1000} {
		for _, keysOnly := range []bool{false, true} {
			it := newIter(t, db, &engine.IterOptions{ValuesUpTo: upTo, KeysOnly: keysOnly})
			check := func(what string, i, n int, value []byte) {
				t.Helper()
				whole := len(rows[i].value)
				part := whole
				if upTo > 0 {
					part = min(whole, upTo)
				}
				if keysOnly {
					whole, part = 0, 0
				}
				if n != whole || len(value) != part || string(value) != string(rows[i].value[:part]) {
					t.Fatalf("%s, up to %d, keys only %v: row %d of %d bytes has %d of %d", what, upTo, keysOnly, i, whole, len(value), n)
				}
			}
			i := 0
			for ; it.Next(); i++ {
				check("Next", i, it.ValueLen(), it.Value())
			}
			for i--; it.Prev(); i-- {
				check("Prev", i, it.ValueLen(), it.Value())
			}
			if it.ValueLen() != 0 {
				t.Error("a gap has a value")
			}
			var c iterator.Chunk
			it.SeekGE(rows[100].key)
			it.Next() // the window has a few rows, which go into a chunk of their own
			for i = 101; it.NextChunk(&c); {
				for j := range c.Len() {
					check("NextChunk", i, c.ValueLen(j), c.Value(j))
					i++
				}
			}
			for it.PrevChunk(&c) {
				for j := range c.Len() {
					i--
					check("PrevChunk", i, c.ValueLen(j), c.Value(j))
				}
			}
			it.SeekGE(rows[200].key)
			it.Close()
			check("after Close", 200, it.ValueLen(), it.Value())
		}
	}
}
