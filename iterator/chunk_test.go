package iterator_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// mustPanic wants a panic with this text.
func mustPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); got != text {
			t.Errorf("panic %q, want %q", got, text)
		}
	}()
	f()
}

func TestAChunkRowOutOfRangePanicsWithItsNumbers(t *testing.T) {
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(3, 5)))
	it := newIter(t, db, nil)
	var c iterator.Chunk
	for _, i := range []int{-1, 0, 1} {
		text := fmt.Sprintf("rockbridge: chunk row %d out of range with 0 rows", i)
		mustPanic(t, text, func() { c.Key(i) })
		mustPanic(t, text, func() { c.Value(i) })
	}
	if !it.NextChunk(&c) {
		t.Fatal(it.Error())
	}
	for _, i := range []int{-1 << 62, -1, 3, 4, 1<<62 - 1} {
		text := fmt.Sprintf("rockbridge: chunk row %d out of range with 3 rows", i)
		mustPanic(t, text, func() { c.Key(i) })
		mustPanic(t, text, func() { c.Value(i) })
	}
	it.NextChunk(&c) // the end: the rows before are gone
	mustPanic(t, "rockbridge: chunk row 0 out of range with 0 rows", func() { c.Key(0) })
}

func TestAZeroChunkIsReady(t *testing.T) {
	var c iterator.Chunk
	for range c.All() {
		t.Error("a zero chunk has a row")
	}
	if taken := c.Take(); c.Len() != 0 || taken.Len() != 0 {
		t.Error("a zero chunk has rows")
	}
	db := openTestDB(t, nil)
	it := newIter(t, db, nil)
	if it.NextChunk(&c) || it.PrevChunk(&c) || c.Len() != 0 || it.Error() != nil {
		t.Errorf("an empty database gives %d rows, %v", c.Len(), it.Error())
	}
}

func TestANilChunkIsRefused(t *testing.T) {
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(3, 5)))
	var none *iterator.Chunk
	for range none.All() {
		t.Error("a nil chunk has a row")
	}
	if taken := none.Take(); none.Len() != 0 || taken.Len() != 0 {
		t.Error("a nil chunk has rows")
	}
	mustPanic(t, "rockbridge: chunk row 0 out of range with 0 rows", func() { none.Key(0) })
	it := newIter(t, db, nil)
	for name, chunk := range map[string]func(*iterator.Chunk) bool{"NextChunk": it.NextChunk, "PrevChunk": it.PrevChunk} {
		if !it.First() || chunk(nil) || !errors.Is(it.Error(), dberr.ErrInvalidArgument) || it.Next() {
			t.Errorf("%s of nil: %v", name, it.Error())
		}
	}
}

// rowsOf copies the rows of a chunk.
func rowsOf(c *iterator.Chunk) []row {
	var out []row
	for key, value := range c.All() {
		out = append(out, row{bytes.Clone(key), clone(value)})
	}
	return out
}

func TestTakenRowsOutliveEverything(t *testing.T) {
	db, err := engine.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := numbered(repeat(5000, 100))
	fill(t, db, rows)
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var taken []iterator.Chunk
	var c iterator.Chunk
	for it.NextChunk(&c) {
		taken = append(taken, c.Take())
		if c.Len() != 0 {
			t.Fatal("Take leaves rows behind")
		}
	}
	for range 3 { // what is fetched now must go elsewhere
		for it.PrevChunk(&c) {
		}
		for range it.All() {
		}
	}
	it.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	i := 0
	for n := range taken {
		if !sameRows(rowsOf(&taken[n]), rows[i:i+taken[n].Len()]) {
			t.Fatalf("chunk %d changed", n)
		}
		i += taken[n].Len()
	}
	if i != len(rows) || len(taken) < 3 {
		t.Errorf("%d rows in %d chunks", i, len(taken))
	}
}

func TestACopyOfAChunkSharesItsRows(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(2000, 100))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	var c iterator.Chunk
	it.NextChunk(&c)
	other := c
	want := rowsOf(&c)
	if &other.Key(0)[0] != &c.Key(0)[0] {
		t.Error("the copy has rows of its own")
	}
	// The rows stay with the copy when the original is emptied.
	c.Take()
	it.NextChunk(&c)
	if !sameRows(rowsOf(&other), want) {
		t.Error("filling an emptied chunk changed the rows taken out of it")
	}
}

func TestAReusedChunkKeepsItsMemory(t *testing.T) {
	if rbdebug.On {
		t.Skip("the debug build poisons it")
	}
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(5000, 100)))
	it := newIter(t, db, nil)
	var c iterator.Chunk
	for it.NextChunk(&c) { // grow it
	}
	it.First()
	it.NextChunk(&c)
	first := &c.Key(0)[0]
	for range 5 {
		if !it.NextChunk(&c) {
			t.Fatal(it.Error())
		}
		if &c.Key(0)[0] != first {
			t.Error("the chunk's memory moved")
		}
	}
}

// Appending to a row's slice must not reach the next row.
func TestSlicesOfAChunkHaveNoRoom(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(300, 20))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	var c iterator.Chunk
	for _, chunk := range []func(*iterator.Chunk) bool{it.NextChunk, it.PrevChunk} {
		it.SetBounds(nil, nil)
		if !chunk(&c) {
			t.Fatal(it.Error())
		}
		want := rowsOf(&c)
		for key, value := range c.All() {
			_ = append(key, "overwritten"...)
			_ = append(value, "overwritten"...)
		}
		if !sameRows(rowsOf(&c), want) {
			t.Error("appending to a slice changed other rows")
		}
	}
	for key, value := range it.All() {
		_ = append(key, "overwritten"...)
		_ = append(value, "overwritten"...)
	}
	if got, _ := chunked(func(c *iterator.Chunk) bool { return it.PrevChunk(c) }); !sameRows(got, reversed(rows)) {
		t.Error("appending to a yielded slice changed other rows")
	}
}

func TestARangeOverAChunkCanBeLeft(t *testing.T) {
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(10, 5)))
	it := newIter(t, db, nil)
	var c iterator.Chunk
	it.NextChunk(&c)
	for range 2 { // it begins anew each time
		n := 0
		for key := range c.All() {
			if !bytes.Equal(key, c.Key(n)) {
				t.Errorf("row %d is %x", n, key)
			}
			if n++; n == 4 {
				break
			}
		}
		if n != 4 {
			t.Errorf("%d rows", n)
		}
	}
}

func TestChunksOfKeysOnlyHaveNilValues(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(100, 50))
	fill(t, db, rows)
	it := newIter(t, db, &engine.IterOptions{KeysOnly: true})
	var c iterator.Chunk
	if !it.NextChunk(&c) || c.Len() != len(rows) {
		t.Fatalf("%d rows, %v", c.Len(), it.Error())
	}
	for i := range c.Len() {
		if c.Value(i) != nil || !bytes.Equal(c.Key(i), rows[i].key) {
			t.Fatalf("row %d: %x, value of %d bytes", i, c.Key(i), len(c.Value(i)))
		}
	}
}
