package iterator_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// damaged is a database with one damaged block: walks forwards end before row from, walks backwards
// before row to-1. To see a row backwards RocksDB looks at the entry before it, so that the row after
// the block is lost too.
type damaged struct {
	db       *engine.DB
	rows     []row
	from, to int
}

// damage writes rows into one file of small blocks, flips a bit in the value of row at, and opens
// the database again.
func damage(t *testing.T, at int) *damaged {
	t.Helper()
	r := newRand(uint64(at))
	rows := numbered(repeat(2000, 100))
	for i := range rows {
		rows[i].value = randomBytes(r, 100)
	}
	dir := t.TempDir()
	o := &engine.Options{}
	o.Compression, o.BlockSize = engine.NoCompression, 1000
	db, err := engine.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db, rows)
	if err := errors.Join(db.Flush(), db.Compact(context.Background(), nil, nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	flip(t, dir, rows[at].value)
	if db, err = engine.Open(dir, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &damaged{db: db, rows: rows}
	// A block holds less than 15 rows. Where it begins and ends, the seeks tell.
	it := newIter(t, db, nil)
	for d.from = at - 15; it.SeekGE(rows[d.from].key); d.from++ {
		it.SetBounds(nil, nil) // or the window would answer
	}
	for d.to = at + 15; it.SeekLE(rows[d.to].key); d.to-- {
		it.SetBounds(nil, nil)
	}
	d.to++
	if d.from > at || d.to <= at {
		t.Fatalf("rows [%d, %d) are damaged, not row %d", d.from, d.to, at)
	}
	return d
}

// flip changes one bit of the place in the database's table file where text stands.
func flip(t *testing.T, dir string, text []byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(names) != 1 {
		t.Fatalf("table files: %v, %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, text)
	if i < 0 {
		t.Fatal("the row is not in the file")
	}
	b[i+len(text)/2] ^= 4
	if err := os.WriteFile(names[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantCorruption wants that the iterator stands nowhere and says why, until it is told to move to a
// place of its own.
func wantCorruption(t *testing.T, it *iterator.Iterator, what string) {
	t.Helper()
	if it.Valid() || it.Key() != nil || !errors.Is(it.Error(), dberr.ErrCorruption) {
		t.Fatalf("%s: Valid %v, key %x, Error %v", what, it.Valid(), it.Key(), it.Error())
	}
	var e *engine.Error
	if !errors.As(it.Error(), &e) || e.Path == "" {
		t.Fatalf("%s: the error does not name the database: %v", what, it.Error())
	}
	first := it.Error()
	var c iterator.Chunk
	if it.Next() || it.Prev() || it.NextChunk(&c) || it.PrevChunk(&c) || c.Len() != 0 || it.Error() != first {
		t.Fatalf("%s: it moved on after an error", what)
	}
}

func wantRow(t *testing.T, it *iterator.Iterator, want row, what string) {
	t.Helper()
	if it.Error() != nil || !it.Valid() || !sameRow(row{it.Key(), it.Value()}, want) {
		t.Fatalf("%s: on %x, want %x; Valid %v, Error %v", what, it.Key(), want.key, it.Valid(), it.Error())
	}
}

// places of damage: at the end of fills and inside them, by different numbers of rows before.
var places = []int{40, 333, 1000, 1984}

func TestStepsDeliverTheRowsBeforeADamagedBlock(t *testing.T) {
	for _, at := range places {
		d := damage(t, at)
		it := newIter(t, d.db, nil)
		for start := range d.from {
			if start%7 != 0 && start < d.from-30 && start > 30 {
				continue
			}
			i := start
			for ok := it.SeekGE(d.rows[start].key); ok; ok = it.Next() {
				wantRow(t, it, d.rows[i], "forwards")
				i++
			}
			if i != d.from {
				t.Fatalf("from row %d: the scan ended at row %d, the damage begins at %d", start, i, d.from)
			}
			wantCorruption(t, it, "Next")
		}
		for start := len(d.rows) - 1; start >= d.to; start-- {
			if start%7 != 0 && start > d.to+30 && start < len(d.rows)-30 {
				continue
			}
			i := start
			for ok := it.SeekLE(d.rows[start].key); ok; ok = it.Prev() {
				wantRow(t, it, d.rows[i], "backwards")
				i--
			}
			if i != d.to-1 {
				t.Fatalf("from row %d: the scan ended at row %d, the damage ends at %d", start, i, d.to)
			}
			wantCorruption(t, it, "Prev")
		}
		if !it.First() {
			t.Fatal(it.Error())
		}
		wantRow(t, it, d.rows[0], "First after an error")
		if !it.Last() {
			t.Fatal(it.Error())
		}
		wantRow(t, it, d.rows[len(d.rows)-1], "Last after an error")
	}
}

func TestSeeksIntoADamagedBlockTellWhy(t *testing.T) {
	const at = 700
	d := damage(t, at)
	it := newIter(t, d.db, nil)
	for i := d.from; i <= at; i++ {
		if it.SeekGE(d.rows[i].key) {
			t.Fatalf("SeekGE into the damage finds %x", it.Key())
		}
		wantCorruption(t, it, "SeekGE")
	}
	for i := at; i < d.to; i++ {
		if it.SeekLE(d.rows[i].key) {
			t.Fatalf("SeekLE into the damage finds %x", it.Key())
		}
		wantCorruption(t, it, "SeekLE")
	}
	if it.SeekLT(d.rows[d.to-1].key) {
		t.Fatalf("SeekLT into the damage finds %x", it.Key())
	}
	wantCorruption(t, it, "SeekLT")
	if !it.SeekLT(d.rows[d.from].key) && !it.SeekLE(d.rows[d.from-1].key) {
		t.Fatal(it.Error())
	}
	wantRow(t, it, d.rows[d.from-1], "a seek before the damage")
}

func TestLoopsDeliverTheRowsBeforeADamagedBlock(t *testing.T) {
	for _, at := range places {
		d := damage(t, at)
		it := newIter(t, d.db, nil)
		for range 2 {
			i := 0
			for key, value := range it.All() {
				if !sameRow(row{key, value}, d.rows[i]) {
					t.Fatalf("row %d is %x", i, key)
				}
				i++
			}
			if i != d.from {
				t.Fatalf("All ended at row %d, the damage begins at %d", i, d.from)
			}
			wantCorruption(t, it, "All")
			i = len(d.rows)
			for key, value := range it.Backward() {
				i--
				if !sameRow(row{key, value}, d.rows[i]) {
					t.Fatalf("row %d is %x", i, key)
				}
			}
			if i != d.to {
				t.Fatalf("Backward ended at row %d, the damage ends at %d", i, d.to)
			}
			wantCorruption(t, it, "Backward")
		}
		for range it.From(d.rows[d.from].key) {
			t.Fatal("a row of the damaged block is yielded")
		}
		if err := it.Close(); !errors.Is(err, dberr.ErrCorruption) {
			t.Errorf("Close answers %v", err)
		}
	}
}

// chunked reads chunks until none comes, and tells what is in them.
func chunked(fill func(*iterator.Chunk) bool) (rows []row, last iterator.Chunk) {
	var c iterator.Chunk
	for fill(&c) {
		for key, value := range c.All() {
			rows = append(rows, row{bytes.Clone(key), bytes.Clone(value)})
		}
		last = c.Take()
	}
	return rows, last
}

func TestChunksDeliverTheRowsBeforeADamagedBlock(t *testing.T) {
	for _, at := range places {
		d := damage(t, at)
		it := newIter(t, d.db, nil)
		rows, _ := chunked(it.NextChunk)
		if !sameRows(rows, d.rows[:d.from]) {
			t.Fatalf("%d rows, the damage begins at %d", len(rows), d.from)
		}
		wantCorruption(t, it, "NextChunk")
		it.SetBounds(nil, nil)
		if it.Error() != nil {
			t.Fatalf("SetBounds leaves %v", it.Error())
		}
		rows, _ = chunked(it.PrevChunk)
		if !sameRows(rows, reversed(d.rows[d.to:])) {
			t.Fatalf("%d rows, the damage ends at %d of %d", len(rows), d.to, len(d.rows))
		}
		wantCorruption(t, it, "PrevChunk")
	}
}

func sameRows(a, b []row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameRow(a[i], b[i]) {
			return false
		}
	}
	return true
}

func reversed(rows []row) []row {
	out := make([]row, 0, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i])
	}
	return out
}

// After a chunk whose end is an error not yet told, the iterator stands in the gap behind the
// chunk's rows, and all ways lead back to them.
func TestTurningRoundBeforeADamagedBlock(t *testing.T) {
	for _, at := range places {
		d := damage(t, at)
		for _, back := range []bool{false, true} {
			// toDamage stands behind the last row before the damage.
			it := newIter(t, d.db, nil)
			fill, turn, again, turnChunk := it.NextChunk, it.Prev, it.Next, it.PrevChunk
			last, behind := d.from-1, reversed(d.rows[:d.from])
			if back {
				fill, turn, again, turnChunk = it.PrevChunk, it.Next, it.Prev, it.NextChunk
				last, behind = d.to, d.rows[d.to:]
			}
			toDamage := func() {
				it.SetBounds(nil, nil)
				var c iterator.Chunk
				for n := 0; n < len(behind); n += c.Len() {
					if !fill(&c) {
						t.Fatalf("no rows after %d of %d: %v", n, len(behind), it.Error())
					}
				}
			}
			toDamage()
			if !turn() {
				t.Fatal(it.Error())
			}
			wantRow(t, it, d.rows[last], "turning round")
			if again() {
				t.Fatalf("on %x", it.Key())
			}
			wantCorruption(t, it, "turning round twice")
			toDamage()
			if rows, _ := chunked(turnChunk); !sameRows(rows, behind) {
				t.Fatalf("%d rows behind the damage, want %d", len(rows), len(behind))
			}
			if err := it.Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCountTellsTheRowsBeforeADamagedBlock(t *testing.T) {
	d := damage(t, 1234)
	it := newIter(t, d.db, nil)
	rows, keyBytes, valueBytes, err := it.Count(context.Background())
	if n := int64(d.from); rows != n || keyBytes != 8*n || valueBytes != 100*n || !errors.Is(err, dberr.ErrCorruption) {
		t.Fatalf("%d rows, %d and %d bytes, %v; the damage begins at %d", rows, keyBytes, valueBytes, err, d.from)
	}
	limited := newIter(t, d.db, &engine.IterOptions{Limit: d.from})
	if rows, _, _, err := limited.Count(nil); rows != int64(d.from) || err != nil {
		t.Fatalf("%d rows, %v, with a limit at the damage", rows, err)
	}
}

// The control: nobody notices the flipped bit when checksums are not looked at.
func TestDamageIsFoundByChecksums(t *testing.T) {
	d := damage(t, 500)
	it := newIter(t, d.db, &engine.IterOptions{NoVerifyChecksums: true, NoFillCache: true})
	if n := steps(it.Next); n != len(d.rows) || it.Error() != nil {
		t.Fatalf("%d rows, %v", n, it.Error())
	}
	if !it.SeekGE(d.rows[500].key) || bytes.Equal(it.Value(), d.rows[500].value) {
		t.Error("the value is not damaged")
	}
}
