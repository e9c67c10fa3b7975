package iterator_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// What scans allocate is a matter of windows, not of rows: so many allocations are let pass in a scan
// of allocRows rows.
const (
	allocRows    = 20_000
	allocPerScan = 10
)

// countsAllocations skips a test in the debug build, which keeps the stack of every call and fills no
// buffer twice.
func countsAllocations(t *testing.T) {
	t.Helper()
	if rbdebug.On {
		t.Skip("the debug build allocates for its checks")
	}
}

// perScan is how many allocations a whole scan makes, on an iterator that is used again.
func perScan(t *testing.T, it *iterator.Iterator, step func() bool, look func()) float64 {
	t.Helper()
	return testing.AllocsPerRun(3, func() {
		n := 0
		for ok := it.First(); ok; ok = step() {
			look()
			n++
		}
		if n != allocRows || it.Error() != nil {
			t.Fatalf("%d rows: %v", n, it.Error())
		}
	})
}

func TestStepsAllocateNothingPerRow(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(allocRows, 100)))
	it := newIter(t, db, nil)
	for range it.All() { // what a loop keeps is no reason to allocate after it
		break
	}
	prefix, other := []byte{0, 0, 0}, []byte{0, 0, 0, 0, 0, 0, 1, 2}
	buf := make([]byte, 0, 200)
	found := 0
	looks := map[string]func(){
		"nothing":     func() {},
		"HasPrefix":   func() { found += count(it.HasPrefix(prefix)) },
		"EqualKey":    func() { found += count(it.EqualKey(other)) },
		"CompareKey":  func() { found += it.CompareKey(other) },
		"lengths":     func() { found += it.KeyLen() + it.ValueLen() },
		"AppendKey":   func() { buf = it.AppendKey(buf[:0]) },
		"AppendValue": func() { buf = it.AppendValue(buf[:0]) },
		"Valid":       func() { found += count(it.Valid() && it.Error() == nil) },
	}
	for name, look := range looks {
		if n := perScan(t, it, it.Next, look); n > allocPerScan {
			t.Errorf("a scan of %d rows by Next and %s allocates %v times", allocRows, name, n)
		}
	}
	backwards := testing.AllocsPerRun(3, func() {
		for ok := it.Last(); ok; ok = it.Prev() {
			found += count(it.HasPrefix(prefix))
		}
	})
	if backwards > allocPerScan {
		t.Errorf("a scan of %d rows by Prev allocates %v times", allocRows, backwards)
	}
	if found == 0 {
		t.Error("nothing was looked at")
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestKeyAndValueAllocateOnceEach(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(allocRows, 100)))
	it := newIter(t, db, nil)
	var key, value []byte
	if n := perScan(t, it, it.Next, func() { key = it.Key() }); n > allocRows+allocPerScan {
		t.Errorf("%d keys cost %v allocations", allocRows, n)
	}
	if n := perScan(t, it, it.Next, func() { value = it.Value() }); n > allocRows+allocPerScan {
		t.Errorf("%d values cost %v allocations", allocRows, n)
	}
	if len(key) != 8 || len(value) != 100 {
		t.Errorf("the last row has %d and %d bytes", len(key), len(value))
	}
}

func TestSeeksAllocateNothing(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	rows := numbered(repeat(allocRows, 100))
	fill(t, db, rows)
	it := newIter(t, db, nil)
	r := newRand(5)
	n := testing.AllocsPerRun(1000, func() {
		key := rows[1+r.IntN(len(rows)-2)].key
		if !it.SeekGE(key) || !it.SeekLE(key) || !it.SeekLT(key) || !it.First() || !it.Last() {
			t.Fatal(it.Error())
		}
	})
	if n >= 1 {
		t.Errorf("five seeks allocate %v times", n)
	}
}

func TestAReusedChunkAllocatesNothingPerRow(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(allocRows, 100)))
	it := newIter(t, db, nil)
	var c iterator.Chunk
	for name, fill := range map[string]func(*iterator.Chunk) bool{"NextChunk": it.NextChunk, "PrevChunk": it.PrevChunk} {
		bytes := 0
		n := testing.AllocsPerRun(3, func() {
			it.SetBounds(nil, nil)
			rows := 0
			for fill(&c) {
				for i := range c.Len() {
					bytes += len(c.Key(i)) + len(c.Value(i))
				}
				for key, value := range c.All() {
					bytes -= len(key) + len(value)
				}
				rows += c.Len()
			}
			if rows != allocRows {
				t.Fatalf("%d rows: %v", rows, it.Error())
			}
		})
		// The closures of c.All are one or two a chunk at most.
		if n > 100 || bytes != 0 {
			t.Errorf("%s: a scan of %d rows allocates %v times (%d bytes seen once only)", name, allocRows, n, bytes)
		}
	}
}

// Chunks that are served from the window, in part or whole, keep their memory too.
func TestAReusedChunkAllocatesNothingBetweenSteps(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(allocRows, 100)))
	it := newIter(t, db, nil)
	var c iterator.Chunk
	rows := 0
	n := testing.AllocsPerRun(5, func() {
		it.First()
		for it.Next() {
			for range 10 {
				it.Next()
			}
			if it.PrevChunk(&c) {
				rows += c.Len()
			}
			if it.NextChunk(&c) {
				rows += c.Len()
			}
		}
	})
	if n > allocPerScan || rows < allocRows {
		t.Errorf("chunks of %d rows between steps allocate %v times", rows, n)
	}
}

// Loops hand out rows for keeping: a buffer for each fill, but nothing for each row.
func TestLoopsAllocateABufferPerFill(t *testing.T) {
	countsAllocations(t)
	db := openTestDB(t, nil)
	fill(t, db, numbered(repeat(allocRows, 100)))
	it := newIter(t, db, nil)
	n := testing.AllocsPerRun(3, func() {
		rows := 0
		for key, value := range it.All() {
			rows += count(len(key) == 8 && len(value) == 100)
		}
		if rows != allocRows {
			t.Fatalf("%d rows: %v", rows, it.Error())
		}
	})
	if fills := float64(budget(numbered(repeat(allocRows, 100)))); n > fills {
		t.Errorf("a loop over %d rows allocates %v times, at most %v wanted", allocRows, n, fills)
	}
}
