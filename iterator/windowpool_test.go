package iterator_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/rockbridge-db/rockbridge/iterator"
)

// Rows that a loop gave and the row of a closed iterator stay what they are, whoever has the memory of closed
// iterators next; and somebody has.
func TestMemoryOfAClosedIteratorServesTheNextAndNoRowChanges(t *testing.T) {
	mine, other := openTestDB(t, nil), openTestDB(t, nil)
	const rows = 300
	for i := range rows {
		fill(t, mine, []row{{fmt.Appendf(nil, "mine %04d", i), bytes.Repeat([]byte{byte(i)}, 50)}})
		fill(t, other, []row{{fmt.Appendf(nil, "other %03d", i), bytes.Repeat([]byte{0xee}, 50)}})
	}
	scanOther := func() {
		it := newIter(t, other, nil)
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
		}
		for ok := it.Last(); ok; ok = it.Prev() {
		}
	}
	check := func(what string, i int, key, value []byte) {
		t.Helper()
		if string(key) != fmt.Sprintf("mine %04d", i) || !bytes.Equal(value, bytes.Repeat([]byte{byte(i)}, 50)) {
			t.Fatalf("%s: row %d is %q, %x", what, i, key, value)
		}
	}
	moves := map[string]func(it *iterator.Iterator, i int) bool{
		"ascending":  func(it *iterator.Iterator, i int) bool { return it.SeekGE(fmt.Appendf(nil, "mine %04d", i)) },
		"descending": func(it *iterator.Iterator, i int) bool { return it.SeekLT(fmt.Appendf(nil, "mine %04d", i+1)) },
	}
	for way, move := range moves {
		for i := range rows {
			it := newIter(t, mine, nil)
			if !move(it, i) {
				t.Fatal(it.Error())
			}
			for range i % 7 {
				it.Next()
				it.Prev()
			}
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
			scanOther()
			check(way, i, it.Key(), it.Value())
			if !it.HasPrefix([]byte("mine")) || it.ValueLen() != 50 || it.Next() || it.SeekGE(nil) || it.Valid() {
				t.Fatalf("%s: a closed iterator is none any more at row %d", way, i)
			}
			check(way+", after calls", i, it.Key(), it.Value())
		}
	}
	for n := 1; n < rows; n += 23 {
		it := newIter(t, mine, nil)
		var keys, values [][]byte
		for k, v := range it.All() {
			if keys, values = append(keys, k), append(values, v); len(keys) == n {
				break
			}
		}
		it.Close()
		scanOther()
		for i := range keys {
			check("of a loop", i, keys[i], values[i])
		}
	}
	for n := 1; n < 40; n++ {
		it := newIter(t, mine, nil)
		var c iterator.Chunk
		it.First()
		if !it.NextChunk(&c) {
			t.Fatal(it.Error())
		}
		it.Close()
		scanOther()
		for i := range c.Len() {
			check("of a chunk", i, c.Key(i), c.Value(i))
		}
	}
}

// What an iterator for a seek allocates does not grow with what earlier ones had to.
func TestAShortIteratorAllocatesNoWindow(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(1000, 100)))
	seek := func() {
		it := newIter(t, db, nil)
		it.First()
		for range 900 {
			it.Next()
		}
		it.Close()
	}
	var before, after runtime.MemStats
	seek()
	const times = 200
	runtime.ReadMemStats(&before)
	for range times {
		seek()
	}
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / times
	t.Log(each, "bytes for each")
	if each > 48<<10 { // under the race detector a pool forgets
		t.Errorf("%d bytes for each", each)
	}
}
