package iterator_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// useWindows has every pooled window filled with rows of another database, if nobody else has it.
func useWindows(t *testing.T, other *engine.DB) {
	t.Helper()
	for _, limit := range []int{1, 10, 25, 50, 100, 200, 250} { // windows of each size
		var its []*iterator.Iterator
		for range 12 {
			its = append(its, newIter(t, other, &engine.IterOptions{Limit: limit}))
		}
		for _, it := range its {
			for it.Next() {
			}
		}
		for _, it := range its {
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What a user holds of an iterator is never another's after Close: the row on which it stood, rows of loops, chunks.
func TestWhatOutlivesCloseIsNotFilledAgain(t *testing.T) {
	db, other := openTestDB(t, nil), openTestDB(t, nil)
	rows := numbered(repeat(300, 60))
	fill(t, db, rows)
	alien := make([]row, 2000)
	for i := range alien {
		alien[i] = row{binary.BigEndian.AppendUint64([]byte("alien"), uint64(i)), bytes.Repeat([]byte{0xEE}, 70)}
	}
	fill(t, other, alien)
	for name, hold := range map[string]func(it *iterator.Iterator) (held []row, first int){
		"the row": func(it *iterator.Iterator) ([]row, int) {
			it.SeekGE(rows[100].key)
			for range 20 {
				it.Next()
			}
			return nil, 120
		},
		"the row, backwards": func(it *iterator.Iterator) ([]row, int) {
			it.SeekLE(rows[100].key)
			for range 20 {
				it.Prev()
			}
			return nil, 80
		},
		"rows of a loop": func(it *iterator.Iterator) (held []row, first int) {
			for key, value := range it.All() {
				held = append(held, row{key, value})
			}
			return held, 0
		},
		"rows of a loop that begins in a window": func(it *iterator.Iterator) (held []row, first int) {
			it.SeekGE(rows[100].key)
			for range 20 {
				it.Next()
			}
			for key, value := range it.From(rows[118].key) {
				if held = append(held, row{key, value}); len(held) == 50 {
					break
				}
			}
			return held, 118
		},
		"a chunk out of a window": func(it *iterator.Iterator) (held []row, first int) {
			it.SeekGE(rows[100].key)
			for range 20 {
				it.Next()
			}
			var c iterator.Chunk
			it.NextChunk(&c)
			for key, value := range c.All() {
				held = append(held, row{key, value})
			}
			return held, 120
		},
	} {
		for range 3 { // the second iterator has pooled windows, and knows what the first one read
			it := newIter(t, db, nil)
			held, first := hold(it)
			last, valid := row{it.Key(), it.Value()}, it.Valid()
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
			useWindows(t, other)
			for i, r := range held {
				if !sameRow(r, rows[first+i]) {
					t.Errorf("%s: row %d is %x %x after Close", name, first+i, r.key, r.value)
				}
			}
			if valid && !sameRow(row{it.Key(), it.Value()}, last) {
				t.Errorf("%s: a closed iterator is on %x, was on %x", name, it.Key(), last.key)
			}
			if held == nil && !sameRow(last, rows[first]) {
				t.Errorf("%s: it was on %x", name, last.key)
			}
		}
	}
}

// The database's Close frees the C side of an iterator, but its user has the row still.
func TestTheRowOfAClosedDatabaseIsNotFilledAgain(t *testing.T) {
	other := openTestDB(t, nil)
	fill(t, other, numbered(repeat(1000, 90)))
	db, err := engine.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := numbered(repeat(100, 30))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	it.SeekGE(rows[50].key)
	db.Close() // it tells of the iterator
	useWindows(t, other)
	wantEnded(t, it, rows[50])
	it.Close()
	useWindows(t, other)
	wantEnded(t, it, rows[50])
}

// Iterators that are open at once have windows of their own, also if one was closed twice before.
func TestOpenIteratorsShareNoWindow(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(400, 50))
	fill(t, db, rows)
	for range 5 {
		var its []*iterator.Iterator
		for range 6 {
			its = append(its, newIter(t, db, nil))
		}
		for at := range 200 {
			for i, it := range its {
				if at == 0 {
					it.SeekGE(rows[i*30].key)
				} else {
					it.Next()
				}
				wantRow(t, it, rows[i*30+at], "among others")
			}
		}
		for _, it := range its {
			it.Close()
			it.Close()
		}
	}
}

func readMetrics(t *testing.T, db *engine.DB) engine.ReadMetrics {
	t.Helper()
	m, err := db.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	return m.Reads
}

// reads seeks, reads so many rows and closes, and gives the calls that fetched them and the rows that these brought.
func reads(t *testing.T, db *engine.DB, o *engine.IterOptions, key []byte, n int) (fills, rows uint64) {
	t.Helper()
	before := readMetrics(t, db)
	it := newIter(t, db, o)
	ok := it.SeekGE(key)
	for i := 1; ok && i < n; i++ {
		ok = it.Next()
	}
	if !ok {
		t.Fatal("too few rows")
	}
	it.Close()
	after := readMetrics(t, db)
	return after.Fills - before.Fills, after.Rows - before.Rows
}

// An iterator fetches by one call what the last ones read; but if they differ, no more than the one that read less.
func TestANewIteratorFetchesWhatTheLastOnesRead(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(2000, 100))
	fill(t, db, rows)
	for range 2 {
		reads(t, db, nil, rows[7].key, 50)
	}
	if fills, fetched := reads(t, db, nil, rows[300].key, 50); fills != 1 || fetched != 50 {
		t.Errorf("50 rows, as before, are fetched by %d calls, which bring %d", fills, fetched)
	}
	scan := newIter(t, db, nil)
	for c := new(iterator.Chunk); scan.NextChunk(c); {
	}
	scan.Close() // tells nothing
	if fills, _ := reads(t, db, nil, rows[300].key, 50); fills != 1 {
		t.Errorf("after a scan by chunks 50 rows are fetched by %d calls", fills)
	}
	reads(t, db, nil, rows[7].key, 1)
	if _, fetched := reads(t, db, nil, rows[9].key, 50); fetched > 100 {
		t.Errorf("%d rows are fetched for 50", fetched)
	}
	if _, fetched := reads(t, db, nil, rows[9].key, 1); fetched != 1 {
		t.Errorf("%d rows are fetched for one where others read one", fetched)
	}
}

// A limit says how many rows are wanted.
func TestALimitIsFetchedByOneCall(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(2000, 100))
	fill(t, db, rows)
	reads(t, db, nil, rows[7].key, 1) // tells the size of rows
	for _, limit := range []int{1, 2, 30, 100} {
		if fills, fetched := reads(t, db, &engine.IterOptions{Limit: limit}, rows[9].key, limit); fills != 1 || fetched != uint64(limit) {
			t.Errorf("%d calls bring %d rows for a limit of %d", fills, fetched, limit)
		}
	}
}

func TestAnIteratorTakesLittleMemoryOfItsOwn(t *testing.T) {
	countsAllocations(t)
	if raceDetector {
		t.Skip("under the race detector pools forget")
	}
	db := openTestDB(t, nil)
	rows := numbered(repeat(allocRows, 100))
	fill(t, db, rows)
	scan := func() {
		it, err := db.NewIter(&engine.IterOptions{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for ok := it.SeekGE(rows[7].key); ok; ok = it.Next() {
		}
		it.Close()
	}
	const runs = 200
	scan()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		scan()
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 4<<10 {
		t.Errorf("an iterator over 100 rows of 100 bytes allocates %d bytes", n)
	}
}
