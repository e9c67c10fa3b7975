package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var (
	rightRows = flag.Int("soak.rows", 30_000, "rows that are read as they may be")
	rightSeed = flag.Uint64("soak.rows.seed", 0, "seed of the ways in which they are read; 0: a new one")
)

// rightReader reads rows in ways that are allowed, and knows what each is.
type rightReader struct {
	t    *testing.T
	r    *rand.Rand
	db   *engine.DB
	it   *iterator.Iterator
	kept [][2][]byte // what may be kept: the rows of a loop
	c    iterator.Chunk
	read int
}

const rightKeys = 5000

func rightKey(n int) []byte { return fmt.Appendf(nil, "key %05d", n) }

func rightValue(key []byte) []byte { return bytes.Repeat(key, int(key[len(key)-1]-'0')) }

// want is told each row that was read.
func (r *rightReader) want(key, value []byte) {
	r.read++
	if len(key) != 9 || !bytes.Equal(value, rightValue(key)) {
		r.t.Fatalf("row %d: %q is %.50q", r.read, key, value)
	}
}

// Whoever reads rows as they may be read gets them, and the debug build finds no fault: it panics if it does.
func TestRowsThatAreReadRightlyAreRightAndNoFaultIsFound(t *testing.T) {
	r, _ := seededRand(t, "soak.rows.seed", *rightSeed)
	db := openTemp(t, nil)
	b := db.NewBatch()
	for n := range rightKeys {
		if err := b.Put(rightKey(n), rightValue(rightKey(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	reader := &rightReader{t: t, r: r, db: db, it: it}
	ways := []func(*rightReader, []byte){
		(*rightReader).walk, (*rightReader).walkBack, (*rightReader).chunks, (*rightReader).loop, (*rightReader).pinned, (*rightReader).bounds,
	}
	for reader.read < *rightRows {
		ways[r.IntN(len(ways))](reader, rightKey(r.IntN(rightKeys)))
		if err := it.Error(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rows read, no fault found", reader.read)
}

func (r *rightReader) walk(from []byte) {
	for ok, n := r.it.SeekGE(from), r.r.IntN(2000); ok && n > 0; ok, n = r.it.Next(), n-1 {
		r.want(r.it.Key(), r.it.Value())
		if n%50 == 0 && (!r.it.HasPrefix([]byte("key")) || r.it.KeyLen() != 9 || !r.it.EqualKey(r.it.AppendKey(nil))) {
			r.t.Fatalf("%q is not what it is", r.it.Key())
		}
	}
}

func (r *rightReader) walkBack(from []byte) {
	for ok, n := r.it.SeekLE(from), r.r.IntN(2000); ok && n > 0; ok, n = r.it.Prev(), n-1 {
		r.want(r.it.Key(), r.it.Value())
	}
}

// chunks reads each chunk before the next is filled in, and keeps what was taken.
func (r *rightReader) chunks(from []byte) {
	fill := r.it.NextChunk
	if r.r.IntN(2) == 0 {
		fill = r.it.PrevChunk
	}
	if !r.it.SeekGE(from) {
		return
	}
	for n := r.r.IntN(5); n > 0 && fill(&r.c); n-- {
		rows := &r.c
		if n%2 == 0 {
			taken := r.c.Take()
			rows = &taken
		}
		for i := range rows.Len() {
			r.want(rows.Key(i), rows.Value(i))
		}
	}
}

// loop keeps rows of loops, which are the caller's, and looks at them after the iterator has moved on.
func (r *rightReader) loop(from []byte) {
	for _, row := range r.kept {
		r.want(row[0], row[1])
	}
	r.kept = nil
	for key, value := range r.it.From(from) {
		r.want(key, value)
		if r.kept = append(r.kept, [2][]byte{key, value}); len(r.kept) > 200 {
			break
		}
	}
}

func (r *rightReader) pinned(key []byte) {
	err := r.db.GetPinned(key, nil, func(value []byte) error { r.want(key, value); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
}

// bounds counts rows between bounds, and reads them.
func (r *rightReader) bounds(from []byte) {
	r.it.SetBounds(from, nil)
	n, _, _, err := r.it.Count(context.Background())
	before := r.read
	for ok := r.it.First(); ok; ok = r.it.Next() {
		r.want(r.it.Key(), r.it.Value())
	}
	if err != nil || int(n) != r.read-before {
		r.t.Fatalf("%d rows are counted, and %d read: %v", n, r.read-before, err)
	}
	r.it.SetBounds(nil, nil)
}
