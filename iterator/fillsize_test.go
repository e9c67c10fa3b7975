package iterator

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// What a limit excludes is not even fetched.
func TestNoMoreIsFetchedThanTheLimitAllows(t *testing.T) {
	const limit = 6
	it := over(t, 100, Config{Limit: limit}, cbridge.IterOptions{})
	for range 3 { // the guess at the rows to come grows with what was read before
		for _, move := range []func() bool{it.First, it.Last, func() bool { return it.SeekGE([]byte("key 0050")) }} {
			fetched := 0
			for ok := move(); ok; ok = it.Next() {
				if it.i == 0 {
					fetched += it.win.n
				}
			}
			if fetched > limit {
				t.Errorf("%d rows were fetched", fetched)
			}
		}
	}
}

// A row that is kept must not hold a large window in memory for it.
func TestLoopsFillBuffersThatAreCheapToKeep(t *testing.T) {
	it := over(t, 12_000, Config{}, cbridge.IterOptions{})
	for it.Next() { // the window grows to its full size
	}
	if len(it.win.buf) < maxFill {
		t.Fatalf("the window has %d bytes", len(it.win.buf))
	}
	largest := 0
	for range it.All() {
		largest = max(largest, len(it.win.buf))
	}
	for range it.Backward() {
		largest = max(largest, len(it.win.buf))
	}
	if largest != keptFill {
		t.Errorf("rows of loops lie in buffers of up to %d bytes, want %d", largest, keptFill)
	}
}

// A window that had to grow for one large row is not kept for ever.
func TestALargeWindowIsGivenUpAtTheNextSeek(t *testing.T) {
	it := over(t, 3, Config{}, cbridge.IterOptions{})
	it.win.buf = make([]byte, keepBuffer+1)
	it.First()
	if len(it.win.buf) > keepBuffer {
		t.Errorf("the window has %d bytes", len(it.win.buf))
	}
	it.win.buf = make([]byte, keepBuffer)
	it.Last()
	if len(it.win.buf) != keepBuffer {
		t.Errorf("a window that may be kept was not: it has %d bytes", len(it.win.buf))
	}
}

// The buffer for a large row holds it, and the next one of its kind, without being wasteful.
func TestGrownBuffersHoldTheRowThatAskedForThem(t *testing.T) {
	for _, need := range []int{1, 12, 4095, 4096, 4097, 1 << 17, 1<<17 + 1, 1<<20 - 1, 16 << 20, 16<<20 + 1, 1<<30 + 5, 1<<40 + 1} {
		size := grown(need)
		if size < need || need <= 8<<20 && size < 2*need || size > 4*need && size > 8<<10 {
			t.Errorf("a row of %d bytes gets a buffer of %d", need, size)
		}
	}
}

// A scan that ends early has fetched at most about twice as many rows as it has read, whatever the
// number; and the next one, which is expected to read as many, hardly more than these.
func TestLittleIsFetchedThatIsNotRead(t *testing.T) {
	it := over(t, 3_000, Config{Stats: new(Stats)}, cbridge.IterOptions{})
	rows := &it.cfg.Stats.Rows
	for _, n := range []int{1, 2, 3, 10, 85, 86, 100, 500, 1_000} {
		it.SetBounds(nil, nil) // forgets what was read before
		for again := range 2 {
			before := rows.Load()
			it.win.n = 0 // so that no seek lands in the window
			it.First()
			for range n - 1 {
				it.Next()
			}
			fetched := int(rows.Load() - before)
			if most := 2 * n; fetched < n || fetched > most || again == 1 && fetched > n+1 {
				t.Errorf("time %d: %d rows were fetched for %d", again, fetched, n)
			}
		}
	}
}

// Buffers grow as rows need it, and are full at the end whatever the rows' size.
func TestFillsGrowToTheirFullSize(t *testing.T) {
	for _, row := range []int{13, 130, 1300, 13_000, 130_000} {
		var s fillSize
		s.reset(1)
		calls := 0
		for {
			size, rows := s.next()
			if rows == 0 {
				if size != maxFill {
					t.Errorf("rows of %d bytes: a full fill has %d bytes", row, size)
				}
				break
			}
			if calls++; calls > 12 {
				t.Fatalf("rows of %d bytes: call %d asks for %d rows in %d bytes", row, calls, rows, size)
			}
			if calls > 1 && rows*row > 2*max(size, row) {
				t.Errorf("rows of %d bytes: %d of them are asked for in %d bytes", row, rows, size)
			}
			n := max(1, min(rows, size/row))

			s.saw(n, n*(row-rowOffset))
		}
	}
}
