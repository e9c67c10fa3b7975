package iterator_test

import (
	"bytes"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// everyWay reads all rows in every way and wants them right.
func everyWay(t *testing.T, db *engine.DB, rows []row) {
	t.Helper()
	it := newIter(t, db, nil)
	var got []row
	collect := func(ok bool, step func() bool) []row {
		got = nil
		for ; ok; ok = step() {
			got = append(got, row{it.Key(), it.Value()})
		}
		return got
	}
	if !sameRows(collect(it.First(), it.Next), rows) || !sameRows(collect(it.Last(), it.Prev), reversed(rows)) {
		t.Errorf("%d rows by steps, %v", len(got), it.Error())
	}
	it.SetBounds(nil, nil)
	if got, _ = chunked(it.NextChunk); !sameRows(got, rows) {
		t.Errorf("%d rows by NextChunk, %v", len(got), it.Error())
	}
	if got, _ = chunked(it.PrevChunk); !sameRows(got, reversed(rows)) {
		t.Errorf("%d rows by PrevChunk, %v", len(got), it.Error())
	}
	got = nil
	for key, value := range it.All() {
		got = append(got, row{key, value})
	}
	if !sameRows(got, rows) {
		t.Errorf("%d rows by All, %v", len(got), it.Error())
	}
	var c iterator.Chunk
	for i := range rows {
		if !it.SeekGE(rows[i].key) {
			t.Fatal(it.Error())
		}
		wantRow(t, it, rows[i], "SeekGE")
		if i > 0 {
			if !it.SeekLT(rows[i].key) {
				t.Fatal(it.Error())
			}
			wantRow(t, it, rows[i-1], "SeekLT")
		}
		if !it.Prev() && i > 1 {
			t.Fatal(it.Error())
		}
		if !it.NextChunk(&c) || !bytes.Equal(c.Key(0), rows[max(0, i-2)].key) {
			t.Fatal("NextChunk", it.Error())
		}
	}
}

func TestRowsFarLargerThanAnyBuffer(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 100 MiB")
	}
	db := openTestDB(t, nil)
	value := bytes.Repeat([]byte("0123456789abcdef"), 3<<20)
	var rows []row
	for i, n := range []int{10, 20 << 20, 10, 17<<20 - 12 - 8, 3, 33 << 20, 16<<20 + 1} {
		rows = append(rows, row{[]byte{byte(i)}, value[:n]})
	}
	fill(t, db, rows)
	everyWay(t, db, rows)
}

func TestKeysOfTheLargestSize(t *testing.T) {
	db := openTestDB(t, nil)
	large := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	rows := []row{
		{[]byte{}, []byte("the empty key")},
		{large(0, engine.MaxKeySize), []byte{}},
		{[]byte{1}, []byte("a short key")},
		{large('k', engine.MaxKeySize-1), []byte("one byte less")},
		{large('k', engine.MaxKeySize), large('v', 5000)},
		{large(0xff, engine.MaxKeySize-1), []byte("the second-last")},
		{large(0xff, engine.MaxKeySize), []byte("the last key there can be")},
	}
	fill(t, db, rows)
	everyWay(t, db, rows)
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	everyWay(t, db, rows)
	// An upper bound that is taken away again must exclude nothing, not even the last key there can be.
	it := newIter(t, db, &engine.IterOptions{UpperBound: []byte("k")})
	it.SetBounds(nil, nil)
	if !it.Last() {
		t.Fatal(it.Error())
	}
	wantRow(t, it, rows[6], "Last")
	if n := steps(it.Prev); n != 6 {
		t.Errorf("%d rows before the last", n)
	}
}
