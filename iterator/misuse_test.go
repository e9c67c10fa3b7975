//go:build rbdebug && !race && !asan

package iterator

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// planted is how often each misuse is planted; it must be caught as often.
func planted() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// wantMisuse wants that f is caught with all words in the text.
func wantMisuse(t *testing.T, what string, f func(), words ...string) {
	t.Helper()
	text := rbdebug.Caught(f)
	for _, w := range append(words, "rockbridge: ") {
		if !strings.Contains(text, w) {
			t.Fatalf("%s: caught with %q, want %q in it", what, text, w)
		}
	}
}

// leaving are the ways to leave a row in the middle of 3000.
func leaving(it *Iterator, c *Chunk) map[string]func() {
	key := func(i int) []byte { return fmt.Appendf(nil, "key %04d", i) }
	return map[string]func(){
		"Next":              func() { it.Next() },
		"Prev":              func() { it.Prev() },
		"Next with a fill":  func() { it.i = it.win.n - 1; it.Next() },
		"First":             func() { it.First() },
		"Last":              func() { it.Last() },
		"SeekGE":            func() { it.SeekGE(key(10)) },
		"SeekGE, same row":  func() { it.SeekGE(key(1500)) },
		"SeekLE":            func() { it.SeekLE(key(2000)) },
		"SeekLT":            func() { it.SeekLT(key(1501)) },
		"NextChunk":         func() { it.NextChunk(c) },
		"PrevChunk":         func() { it.PrevChunk(c) },
		"SetBounds":         func() { it.SetBounds(nil, nil) },
		"Refresh":           func() { it.Refresh() },
		"Count":             func() { it.Count(context.Background()) },
		"a loop":            func() { firstOf(it.All()) },
		"a loop from a key": func() { firstOf(it.From(key(1500))) },
		"a loop backwards":  func() { firstOf(it.Backward()) },
	}
}

func firstOf(loop func(yield func([]byte, []byte) bool)) {
	for range loop {
		return
	}
}

func TestAnExpiredUnsafeKeyIsCaught(t *testing.T) {
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	var c Chunk
	sum := byte(0)
	for way, leave := range leaving(it, &c) {
		for range planted() {
			if !it.SeekGE([]byte("key 1500")) {
				t.Fatal(it.Error())
			}
			key, value := it.unsafeKey(), it.unsafeValue()
			if string(key) != "key 1500" || string(value) != "value 1500" {
				t.Fatalf("%q, %q", key, value)
			}
			leave()
			wantMisuse(t, way, func() { sum += key[0] }, "unsafeKey", "TestAnExpiredUnsafeKeyIsCaught")
			wantMisuse(t, way, func() { sum += value[len(value)-1] }, "unsafeValue")
			wantMisuse(t, way, func() { key[0] = 1 }, "unsafeKey")
		}
	}
}

func TestAnUnsafeKeyIsCaughtAfterClose(t *testing.T) {
	base := over(t, 20, Config{}, cbridge.IterOptions{})
	sum := byte(0)
	for range planted() {
		// A second iterator over the same C iterator, which Close of it leaves alone.
		it := New(base.src, Config{Owner: idleOwner{}, Closed: new(atomic.Bool)})
		it.SeekGE([]byte("key 0010"))
		key, stale := it.unsafeKey(), it.win.rows
		it.Close()
		wantMisuse(t, "Close", func() { sum += key[0] }, "unsafeKey")
		wantMisuse(t, "Close", func() { stale.key(3) }, "the position has expired")
		if string(it.Key()) != "key 0010" || string(it.Value()) != "value 0010" {
			t.Fatal("a closed iterator has lost its row")
		}
	}
}

// idleOwner lets every call in and frees nothing.
type idleOwner struct{ openOwner }

func (idleOwner) Free() {}

func TestAnExpiredRowPositionIsCaught(t *testing.T) {
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	var c Chunk
	for way, leave := range leaving(it, &c) {
		switch way {
		case "Next", "Prev", "SeekGE, same row", "SeekLT", "NextChunk", "PrevChunk":
			continue // the rows stay
		}
		for range planted() {
			it.SetBounds(nil, nil)
			if !it.SeekGE([]byte("key 1500")) {
				t.Fatal(it.Error())
			}
			stale := it.win.rows
			leave()
			if way == "a loop from a key" {
				it.First()
				continue // its rows are for keeping
			}
			wantMisuse(t, way, func() { stale.key(0) }, "the position has expired")
			wantMisuse(t, way, func() { it.win.value(it.win.n) }, "the position has expired")
		}
	}
}

// harm are the ways to damage a fill of at least three rows, and whether that was done.
var harm = map[string]func(f *cbridge.Filled, buf []byte) bool{
	"one row more":           func(f *cbridge.Filled, _ []byte) bool { f.Rows++; return true },
	"one row less":           func(f *cbridge.Filled, _ []byte) bool { f.Rows--; return true },
	"no rows":                func(f *cbridge.Filled, _ []byte) bool { f.Rows = 0; return true },
	"a negative number":      func(f *cbridge.Filled, _ []byte) bool { f.Rows = -f.Rows; return true },
	"far too many rows":      func(f *cbridge.Filled, _ []byte) bool { f.Rows = 1 << 30; return true },
	"used one more":          func(f *cbridge.Filled, _ []byte) bool { f.Used++; return true },
	"used one less":          func(f *cbridge.Filled, _ []byte) bool { f.Used--; return true },
	"used beyond the buffer": func(f *cbridge.Filled, buf []byte) bool { f.Used += len(buf); return true },
	"rows and a need":        func(f *cbridge.Filled, buf []byte) bool { f.Need = len(buf) + 1; return true },
	"a need that fits":       func(f *cbridge.Filled, buf []byte) bool { *f = cbridge.Filled{Need: len(buf)}; return true },
	"a false end":            func(f *cbridge.Filled, _ []byte) bool { was := f.End; f.End = true; return !was },
	"an error without an end": func(f *cbridge.Filled, _ []byte) bool {
		f.Err, f.End = context.Canceled, false
		return true
	},
	"no row and no end": func(f *cbridge.Filled, _ []byte) bool { *f = cbridge.Filled{}; return true },
	"offset":            func(f *cbridge.Filled, buf []byte) bool { buf[len(buf)-rowOffset*2]++; return true },
	"offset far off":    func(f *cbridge.Filled, buf []byte) bool { buf[len(buf)-rowOffset*2+3]++; return true },
	"first offset":      func(f *cbridge.Filled, buf []byte) bool { buf[len(buf)-rowOffset]++; return true },
	"key length":        func(f *cbridge.Filled, buf []byte) bool { buf[0]++; return true },
	"huge key length":   func(f *cbridge.Filled, buf []byte) bool { buf[3] ^= 0x80; return true },
	"value length":      func(f *cbridge.Filled, buf []byte) bool { buf[4]--; return true },
	"huge value length": func(f *cbridge.Filled, buf []byte) bool { buf[7] ^= 0x80; return true },
	"last value length": func(f *cbridge.Filled, buf []byte) bool {
		r := rows{buf: buf, n: f.Rows}
		k, _, _ := r.at(f.Rows - 1)
		buf[k-rowHeader+4]++
		return true
	},
	"order": func(f *cbridge.Filled, buf []byte) bool {
		r := rows{buf: buf, n: f.Rows}
		a, b := r.key(0), bytes.Clone(r.key(1))
		copy(r.key(1), a)
		copy(a, b)
		return true
	},
	"a key twice": func(f *cbridge.Filled, buf []byte) bool {
		r := rows{buf: buf, n: f.Rows}
		copy(r.key(1), r.key(0))
		return true
	},
	"below the bounds": func(f *cbridge.Filled, buf []byte) bool {
		r := rows{buf: buf, n: f.Rows}
		r.key(0)[0], r.key(f.Rows - 1)[0] = 'a', 'a'
		return true
	},
	"above the bounds": func(f *cbridge.Filled, buf []byte) bool {
		r := rows{buf: buf, n: f.Rows}
		r.key(0)[0], r.key(f.Rows - 1)[0] = 'z', 'z'
		return true
	},
	"a byte behind the rows": func(f *cbridge.Filled, buf []byte) bool {
		if len(buf)-f.Used-rowOffset*f.Rows == 0 {
			return false
		}
		buf[f.Used]++
		return true
	},
	"a byte before the offsets": func(f *cbridge.Filled, buf []byte) bool {
		if len(buf)-f.Used-rowOffset*f.Rows == 0 {
			return false
		}
		buf[len(buf)-rowOffset*f.Rows-1]++
		return true
	},
}

// rowText is what keys and values of these tests look like, in bytes and in numbers.
var rowText = regexp.MustCompile(`(key|value) \d{4}|\d{8}`)

func TestADamagedFillIsCaught(t *testing.T) {
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	it.SetBounds([]byte("key"), []byte("l"))
	var c Chunk
	fills := map[string]func() bool{
		"First":     it.First,
		"SeekLE":    func() bool { return it.SeekLE([]byte("key 2500")) },
		"NextChunk": func() bool { return it.NextChunk(&c) },
		"PrevChunk": func() bool { return it.PrevChunk(&c) },
	}
	checks := it.checks.Of()
	for way, fill := range fills {
		if text := rbdebug.Caught(func() { it.SetBounds([]byte("key"), []byte("l")); fill(); fill() }); text != "" {
			t.Fatalf("%s: a sound fill is caught with %q", way, text)
		}
	}
	for name, damage := range harm {
		for way, fill := range fills {
			for caught := 0; caught < planted()/len(fills); {
				checks.damage = nil
				it.SetBounds([]byte("key"), []byte("l"))
				it.SeekGE([]byte("key 1000"))
				for range 20 { // the next fill asks for more than a row
					it.Next()
				}
				done := false
				checks.damage = func(f *cbridge.Filled, buf []byte) {
					if f.Rows >= 3 && !done {
						done = damage(f, buf)
					}
				}
				text := rbdebug.Caught(func() {
					it.SetBounds([]byte("key"), []byte("l"))
					for range 20 {
						it.size.reset(500)
						fill()
						if done {
							break
						}
						for range 3 { // fills grow
							it.Next()
						}
					}
				})
				if !done {
					t.Fatalf("%s by %s: no fill was damaged", name, way)
				}
				if !strings.Contains(text, "a fill is damaged") || !strings.Contains(text, "; lengths ") || !strings.Contains(text, "iterator.over") {
					t.Fatalf("%s by %s: caught with %q", name, way, text)
				}
				if rowText.MatchString(strings.NewReplacer("4294967295", "", "1073741824", "").Replace(text)) {
					t.Fatalf("%s by %s: the text shows rows: %q", name, way, text)
				}
				caught++
			}
		}
	}
}

func TestADamagedCountIsCaught(t *testing.T) {
	it := over(t, 30, Config{}, cbridge.IterOptions{})
	for range planted() {
		for name, damage := range map[string]func(c *cbridge.Counted){
			"rows":            func(c *cbridge.Counted) { c.Rows = 101 },
			"negative rows":   func(c *cbridge.Counted) { c.Rows = -1 },
			"key bytes":       func(c *cbridge.Counted) { c.KeyBytes = c.Rows*cbridge.MaxKeySize + 1 },
			"negative bytes":  func(c *cbridge.Counted) { c.KeyBytes = -1 },
			"value bytes":     func(c *cbridge.Counted) { c.Rows, c.KeyBytes = 0, 0 },
			"negative values": func(c *cbridge.Counted) { c.ValueBytes = -1 },
			"end":             func(c *cbridge.Counted) { c.End = false },
		} {
			c := it.src.Count(cbridge.MoveFirst, 100)
			it.checkCount(c, 100)
			damage(&c)
			wantMisuse(t, name, func() { it.checkCount(c, 100) }, "a count is damaged", "iterator.over")
		}
	}
}

// parkingOwner keeps the goroutine that makes the next call into C until it is let go.
type parkingOwner struct {
	openOwner
	armed   atomic.Bool
	in, out chan struct{}
}

func (o *parkingOwner) Enter(context.Context) error {
	if o.armed.Swap(false) {
		o.in <- struct{}{}
		<-o.out
	}
	return nil
}

// parked makes an iterator in which another goroutine stays until leave is called.
func parked(it *Iterator, call func(it *Iterator)) (leave func()) {
	o := &parkingOwner{openOwner: openOwner{it.src}, in: make(chan struct{}), out: make(chan struct{})}
	o.armed.Store(true)
	it.cfg.Owner = o
	done := make(chan struct{})
	go func() {
		defer close(done)
		call(it)
	}()
	<-o.in
	return func() {
		close(o.out)
		<-done
	}
}

func TestTwoGoroutinesInsideAnIteratorAreCaught(t *testing.T) {
	it := over(t, 100, Config{}, cbridge.IterOptions{})
	key := []byte("key 0050")
	var c Chunk
	calls := map[string]func(){
		"First": func() { it.First() }, "Last": func() { it.Last() }, "Next": func() { it.Next() },
		"Prev": func() { it.Prev() }, "SeekGE": func() { it.SeekGE(key) }, "SeekLE": func() { it.SeekLE(key) },
		"SeekLT": func() { it.SeekLT(key) }, "NextChunk": func() { it.NextChunk(&c) },
		"PrevChunk": func() { it.PrevChunk(&c) }, "SetBounds": func() { it.SetBounds(nil, nil) },
		"Refresh": func() { it.Refresh() }, "Count": func() { it.Count(context.Background()) },
		"Close": func() { it.Close() }, "Valid": func() { it.Valid() }, "Error": func() { it.Error() },
		"Key": func() { it.Key() }, "Value": func() { it.Value() }, "HasPrefix": func() { it.HasPrefix(key) },
		"EqualKey": func() { it.EqualKey(key) }, "CompareKey": func() { it.CompareKey(key) },
		"AppendKey": func() { it.AppendKey(nil) }, "AppendValue": func() { it.AppendValue(nil) },
		"KeyLen": func() { it.KeyLen() }, "ValueLen": func() { it.ValueLen() },
	}
	for range planted() {
		for _, inner := range []string{"First", "Count"} {
			leave := parked(it, func(it *Iterator) { calls[inner]() })
			for name, call := range calls {
				wantMisuse(t, name, call, "Iterator."+name+" while another goroutine is inside Iterator."+inner,
					"TestTwoGoroutinesInsideAnIteratorAreCaught", "iterator.parked", "iterator.over", "one goroutine at a time")
			}
			for _, loop := range []func(func([]byte, []byte) bool){it.All(), it.Backward(), it.From(key)} {
				wantMisuse(t, "a loop", func() { firstOf(loop) }, "while another goroutine is inside Iterator."+inner)
			}
			leave()
			if !it.First() || it.closed {
				t.Fatal("the iterator is not usable afterwards")
			}
		}
	}
}

// Nobody is held up: two goroutines that step as they like meet soon.
func TestGoroutinesThatRaceThroughAnIteratorMeet(t *testing.T) {
	it := over(t, 100, Config{}, cbridge.IterOptions{})
	for range planted() {
		var caught atomic.Bool
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for !caught.Load() {
					if rbdebug.Caught(func() {
						if !it.Next() {
							it.First()
						}
					}) != "" {
						caught.Store(true)
					}
				}
			})
		}
		both.Wait()
	}
}

func TestAnIteratorMayGoFromGoroutineToGoroutine(t *testing.T) {
	turn := make(chan *Iterator, 1)
	turn <- over(t, 100, Config{}, cbridge.IterOptions{})
	var c Chunk
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range planted() {
				it := <-turn
				if !it.Next() && !it.First() || !it.HasPrefix([]byte("key")) || it.NextChunk(&c) && len(c.Key(0)) != 8 {
					t.Error(it.Error())
				}
				turn <- it
			}
		})
	}
	all.Wait()
}

func TestUsesOfAChunkThatIsBeingFilledAreCaught(t *testing.T) {
	it, other := over(t, 3000, Config{}, cbridge.IterOptions{}), over(t, 3000, Config{}, cbridge.IterOptions{})
	for range planted() {
		var c Chunk
		it.SetBounds(nil, nil)
		if !other.First() || !it.NextChunk(&c) {
			t.Fatal(it.Error())
		}
		leave := parked(it, func(it *Iterator) { it.NextChunk(&c) })
		const filling = "while another goroutine is inside NextChunk into a chunk"
		for name, use := range map[string]func(){
			"NextChunk": func() { other.NextChunk(&c) }, "PrevChunk": func() { other.PrevChunk(&c) },
			"Chunk.Key": func() { c.Key(0) }, "Chunk.Value": func() { c.Value(0) }, "Chunk.Take": func() { c.Take() },
		} {
			wantMisuse(t, name, use, name, filling, "TestUsesOfAChunkThatIsBeingFilledAreCaught")
		}
		leave()
		if !other.First() { // nobody is left inside
			t.Fatal(other.Error())
		}
	}
}

func TestExpiredRowsOfAChunkAreCaught(t *testing.T) {
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	for _, fill := range []func(*Chunk) bool{it.NextChunk, it.PrevChunk} {
		for range planted() {
			var c Chunk
			it.SetBounds(nil, nil)
			if !fill(&c) {
				t.Fatal(it.Error())
			}
			key, value, shared := c.Key(0), c.Value(0), c
			if !fill(&c) {
				t.Fatal(it.Error())
			}
			if !rbdebug.Poisoned(key) || !rbdebug.Poisoned(value) {
				t.Fatalf("a kept row still says %q, %q", key, value)
			}
			for name, use := range map[string]func(){
				"Chunk.Key": func() { shared.Key(0) }, "Chunk.Value": func() { shared.Value(1) },
				"Chunk.All": func() { firstOf(shared.All()) },
			} {
				wantMisuse(t, name, use, name, expiredRows, "TestExpiredRowsOfAChunkAreCaught")
			}
			if taken := c.Take(); !fill(&c) || rbdebug.Poisoned(taken.Key(0)) {
				t.Fatal("rows that were taken are poisoned")
			}
		}
	}
}
