package iterator_test

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// calls is how many calls into C f makes.
func calls(f func()) int {
	before := runtime.NumCgoCall()
	f()
	return int(runtime.NumCgoCall() - before)
}

// numbered makes rows with ascending 8-byte keys and values of the given lengths.
func numbered(lengths []int) []row {
	value := randomBytes(newRand(1), 2<<20)
	rows := make([]row, len(lengths))
	for i, n := range lengths {
		rows[i] = row{binary.BigEndian.AppendUint64(nil, uint64(i)), value[:n]}
	}
	return rows
}

// repeat gives the lengths over and over, until n are there.
func repeat(n int, lengths ...int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = lengths[i%len(lengths)]
	}
	return out
}

// growing lengths, up to 1 MiB by a quarter each, begun again once.
func growing() []int {
	var out []int
	for range 2 {
		for n := 1; n <= 1<<20; n += n/4 + 1 {
			out = append(out, n)
		}
	}
	return out
}

// jumping lengths: each row is just too large for the buffer that the fills before it have come to,
// and a small one lies between.
func jumping() []int {
	var out []int
	for _, n := range []int{1 << 10, 4 << 10, 16 << 10, 64 << 10, 96 << 10, 128 << 10, 256 << 10, 512 << 10} {
		for _, d := range []int{-21, -20, -19, 0, 1} {
			out = append(out, 1, n+d)
		}
	}
	return append(out, out...)
}

// randomLengths are of every magnitude alike.
func randomLengths(seed uint64, n int) []int {
	r := newRand(seed)
	out := make([]int, n)
	for i := range out {
		out[i] = r.IntN(1 + 1<<r.IntN(21))
	}
	return out
}

// scans are the ways to read everything; each tells how many rows came.
var scans = map[string]func(*iterator.Iterator) int{
	"Next":  func(it *iterator.Iterator) int { return steps(it.Next) },
	"Prev":  func(it *iterator.Iterator) int { return steps(it.Prev) },
	"First": func(it *iterator.Iterator) int { return steps(firstThen(it.First, it.Next)) },
	"Last":  func(it *iterator.Iterator) int { return steps(firstThen(it.Last, it.Prev)) },
	"NextChunk": func(it *iterator.Iterator) int {
		return chunks(it.NextChunk, false)
	},
	"PrevChunk": func(it *iterator.Iterator) int {
		return chunks(it.PrevChunk, false)
	},
	"NextChunk and Take": func(it *iterator.Iterator) int {
		return chunks(it.NextChunk, true)
	},
	"PrevChunk and Take": func(it *iterator.Iterator) int {
		return chunks(it.PrevChunk, true)
	},
	"All": func(it *iterator.Iterator) (n int) {
		for range it.All() {
			n++
		}
		return n
	},
	"Backward": func(it *iterator.Iterator) (n int) {
		for range it.Backward() {
			n++
		}
		return n
	},
	"From": func(it *iterator.Iterator) (n int) {
		for range it.From(nil) {
			n++
		}
		return n
	},
}

func firstThen(first, then func() bool) func() bool {
	begun := false
	return func() bool {
		if !begun {
			begun = true
			return first()
		}
		return then()
	}
}

func steps(step func() bool) (n int) {
	for step() {
		n++
	}
	return n
}

func chunks(fill func(*iterator.Chunk) bool, take bool) (n int) {
	var c iterator.Chunk
	for fill(&c) {
		n += c.Len()
		if take {
			c.Take()
		}
	}
	return n
}

// budget is the promise: calls that a full scan may cost, the iterator's making and end included.
func budget(rows []row) int {
	bytes := 0
	for _, r := range rows {
		bytes += len(r.key) + len(r.value) + 8
	}
	return 16 + bytes>>15
}

func TestFullScansCostFewCalls(t *testing.T) {
	shapes := map[string][]int{
		"no rows":                       nil,
		"one row":                       {10},
		"tiny rows":                     repeat(60_000, 0, 1, 2),
		"rows of 16 and 100":            repeat(60_000, 108),
		"rows of 33 KiB":                repeat(200, 33<<10),
		"rows of 1 MiB":                 repeat(20, 1<<20),
		"small and 64 KiB":              repeat(300, 10, 64<<10-40, 1, 64<<10-20, 64<<10),
		"small and 96 KiB":              repeat(300, 10, 96<<10-40, 1, 96<<10-20, 96<<10),
		"small and 128 KiB":             repeat(300, 10, 128<<10-40, 1, 128<<10-20, 128<<10),
		"small and more than 96 KiB":    repeat(200, 1, 96<<10-19, 160<<10),
		"small and more than 128 KiB":   repeat(200, 1, 128<<10-19),
		"growing rows":                  growing(),
		"rows that exceed each buffer":  jumping(),
		"random rows":                   randomLengths(1, 300),
		"random rows, another sequence": randomLengths(2, 300),
	}
	for shape, lengths := range shapes {
		t.Run(shape, func(t *testing.T) {
			rows := numbered(lengths)
			db := openTestDB(t, nil)
			fill(t, db, rows)
			limit := budget(rows)
			for name, scan := range scans {
				n := 0
				cost := calls(func() {
					it, err := db.NewIter(nil)
					if err != nil {
						t.Fatal(err)
					}
					n = scan(it)
					if err := it.Close(); err != nil {
						t.Error(err)
					}
				})
				if n != len(rows) || cost > limit {
					t.Errorf("%s: %d rows of %d in %d calls, at most %d wanted", name, n, len(rows), cost, limit)
				}
			}
		})
	}
}

// atAnEnd is how many calls a fill costs that meets an end: the debug build asks once more whether it
// is one.
func atAnEnd() int { return 1 + count(rbdebug.On) }

// Where one fill meets the end, nothing is asked again.
func TestFewRowsCostOneCall(t *testing.T) {
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(5, 50)))
	for _, name := range []string{"NextChunk", "PrevChunk", "All", "Backward", "From"} {
		it := newIter(t, db, nil)
		mustCost(t, atAnEnd(), name, func() {
			if n := scans[name](it); n != 5 {
				t.Errorf("%s: %d rows", name, n)
			}
		})
		mustCost(t, 0, "steps at the end", func() {
			var c iterator.Chunk
			if back := name == "PrevChunk" || name == "Backward"; back && (it.Prev() || it.PrevChunk(&c)) || !back && (it.Next() || it.NextChunk(&c)) {
				t.Errorf("%s: a row after the last", name)
			}
		})
	}
}

// Short ranges have little but the fixed part of the budget, which the growth of fills must not use
// up, whatever the sizes of the rows and their order.
func TestScansOfShortRangesCostFewCalls(t *testing.T) {
	db := openTestDB(t, nil)
	lengths := jumping()
	for seed := range uint64(4) {
		lengths = append(lengths, randomLengths(seed, 100)...)
	}
	rows := numbered(lengths)
	fill(t, db, rows)
	r := newRand(4)
	for range 300 {
		low := r.IntN(len(rows))
		high := min(len(rows)-1, low+r.IntN(20))
		o := &engine.IterOptions{LowerBound: rows[low].key, UpperBound: rows[high].key}
		for name, scan := range scans {
			n := 0
			cost := calls(func() {
				it, err := db.NewIter(o)
				if err != nil {
					t.Fatal(err)
				}
				defer it.Close()
				n = scan(it)
			})
			if limit := budget(rows[low:high]); n != high-low || cost > limit {
				t.Errorf("%s of rows %d to %d: %d rows in %d calls, at most %d wanted", name, low, high, n, cost, limit)
			}
		}
	}
}

func TestKeysOnlyScansCostFewCalls(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(3000, 3000))
	fill(t, db, rows)
	for i := range rows {
		rows[i].value = nil
	}
	it := newIter(t, db, &engine.IterOptions{KeysOnly: true})
	for name, scan := range scans {
		it.SetBounds(nil, nil) // fresh
		n := 0
		if cost := calls(func() { n = scan(it) }); cost > budget(rows) || n != len(rows) {
			t.Errorf("%s: %d rows of %d in %d calls, at most %d wanted", name, n, len(rows), cost, budget(rows))
		}
	}
}

// mustCost runs f and wants exactly so many calls.
func mustCost(t *testing.T, want int, what string, f func()) {
	t.Helper()
	if got := calls(f); got != want {
		t.Errorf("%s costs %d calls, want %d", what, got, want)
	}
}

// A seek that reads one row costs one call, wherever the iterator was before; looking at the row
// costs none.
func TestReadingOneRowCostsOneCall(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(20_000, 108))
	fill(t, db, rows)
	r := newRand(3)
	it := newIter(t, db, nil)
	for range 500 {
		far := rows[r.IntN(len(rows))].key
		if it.Valid() && it.CompareKey(far) == 0 {
			continue // no call is needed
		}
		move, name := it.First, "First"
		switch r.IntN(5) {
		case 0:
			move, name = it.Last, "Last"
		case 1:
			move, name = func() bool { return it.SeekGE(far) }, "SeekGE"
		case 2:
			move, name = func() bool { return it.SeekLE(far) }, "SeekLE"
		case 3:
			far = rows[1+r.IntN(len(rows)-1)].key
			move, name = func() bool { return it.SeekLT(far) }, "SeekLT"
		}
		fresh := newIter(t, db, nil)
		mustCost(t, 1, "SeekGE on a fresh iterator", func() { fresh.SeekGE(far) })
		fresh.Close()
		got := calls(func() {
			if !move() {
				t.Errorf("%s finds nothing: %v", name, it.Error())
			}
		})
		if got > atAnEnd() {
			t.Errorf("%s costs %d calls, want 1 or, inside the window, 0", name, got)
		}
		mustCost(t, 0, "looking at a row", func() {
			if !it.Valid() || it.Error() != nil || it.Key() == nil || it.Value() == nil || !it.HasPrefix(nil) ||
				it.EqualKey(nil) || it.KeyLen() != 8 || it.ValueLen() != 108 || it.CompareKey(nil) <= 0 {
				t.Error("the row is not what it should be")
			}
			it.AppendKey(nil)
			it.AppendValue(nil)
		})
		for range r.IntN(3) * r.IntN(50) { // what was read before must not matter
			it.Next()
		}
	}
}

// A row that does not fit the first buffer costs a second call, once: the buffer is kept.
func TestRowsLargerThanTheFirstBufferCostOneMoreCallOnce(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(100, 20<<10))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	mustCost(t, 2, "the first seek to a row of 20 KiB", func() { it.SeekGE(rows[50].key) })
	for i := range rows {
		if i != 50 && i != 51 {
			mustCost(t, 1, "a further seek to a row of 20 KiB", func() { it.SeekGE(rows[i].key) })
		}
	}
}

func TestSeeksInsideTheWindowCostNoCall(t *testing.T) {
	db := openTestDB(t, nil)
	rows := numbered(repeat(5000, 108))
	fill(t, db, rows)
	for _, back := range []bool{false, true} {
		it := newIter(t, db, nil)
		step := it.Next
		if back {
			step = it.Prev
		}
		at := -1 // of the row in whose step a call fetched many
		for i := range 400 {
			if calls(func() { step() }) > 0 {
				at = i
			}
		}
		low := at
		if back {
			low = len(rows) - 1 - at - 50
		}
		// low and the 50 rows from there lie in the window.
		mustCost(t, 0, "seeks inside the window", func() {
			for i := low + 1; i < low+50; i++ {
				between := append(append([]byte{}, rows[i].key...), 0)
				if !it.SeekGE(rows[i].key) || !it.EqualKey(rows[i].key) ||
					!it.SeekLE(rows[i].key) || !it.EqualKey(rows[i].key) ||
					!it.SeekLT(rows[i].key) || !it.EqualKey(rows[i-1].key) ||
					!it.SeekLE(between) || !it.EqualKey(rows[i].key) ||
					!it.SeekGE(between) || !it.EqualKey(rows[i+1].key) {
					t.Errorf("a seek to row %d inside the window goes wrong (backwards: %v)", i, back)
				}
			}
		})
	}
}
