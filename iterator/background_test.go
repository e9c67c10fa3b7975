package iterator

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// beside lets calls in one at a time, and can keep the goroutine of the next one.
type beside struct {
	inside atomic.Bool
	calls  atomic.Int64
	refuse atomic.Bool
	park   chan struct{} // not nil: each call waits for it
}

func (b *beside) TryEnter(ctx context.Context) bool {
	if b.refuse.Load() || ctx != nil && ctx.Err() != nil {
		return false
	}
	if b.inside.Swap(true) {
		panic("two calls at once")
	}
	b.calls.Add(1)
	if b.park != nil {
		<-b.park
	}
	if b.refuse.Load() { // meanwhile
		b.inside.Store(false)
		return false
	}
	return true
}

func (b *beside) Leave() { b.inside.Store(false) }

// eager makes an iterator over n rows that fills in the background after every fill.
func eager(t *testing.T, n int, ctx context.Context) (*Iterator, *beside) {
	t.Helper()
	b := &beside{}
	return over(t, n, Config{Background: b, Eager: true, Context: ctx, Stats: new(Stats)}, cbridge.IterOptions{}), b
}

func TestAFillInTheBackgroundIsTheNextOneOfTheUser(t *testing.T) {
	const n = 2_000
	walks := map[string]func(it *Iterator) (rows int){
		"Next": func(it *Iterator) (rows int) {
			for it.Next() {
				rows++
			}
			return rows
		},
		"Prev": func(it *Iterator) (rows int) {
			for it.Prev() {
				rows++
			}
			return rows
		},
		"NextChunk": func(it *Iterator) (rows int) {
			for c := new(Chunk); it.NextChunk(c); {
				rows += c.Len()
			}
			return rows
		},
		"a new chunk each time": func(it *Iterator) (rows int) {
			for c := new(Chunk); it.PrevChunk(c); c = new(Chunk) {
				rows += c.Len()
			}
			return rows
		},
		"All": func(it *Iterator) (rows int) {
			for range it.All() {
				rows++
			}
			return rows
		},
	}
	for name, walk := range walks {
		it, b := eager(t, n, nil)
		if rows := walk(it); rows != n || it.Error() != nil {
			t.Errorf("%s: %d rows, %v", name, rows, it.Error())
		}
		fills, ahead := it.cfg.Stats.Fills.Load(), it.cfg.Stats.Ahead.Load()
		if ahead != fills-1 || b.calls.Load() != int64(ahead) {
			t.Errorf("%s: of %d fills %d were made in the background", name, fills, ahead)
		}
	}
}

// Whatever else the iterator does, in the middle of a walk and with a fill under way, it waits for that,
// and loses or repeats no row.
func TestEverythingElseWaitsForTheFillInTheBackground(t *testing.T) {
	const n = 2_000
	key := []byte("key 1000")
	acts := map[string]func(t *testing.T, it *Iterator){
		"SeekGE": func(t *testing.T, it *Iterator) { mustStand(t, it, it.SeekGE([]byte("key 1900")), "key 1900") },
		"Last":   func(t *testing.T, it *Iterator) { mustStand(t, it, it.Last(), "key 1999") },
		"Prev":   func(t *testing.T, it *Iterator) { mustStand(t, it, it.Prev(), "key 0999") },
		"PrevChunk": func(t *testing.T, it *Iterator) {
			var c Chunk
			if !it.PrevChunk(&c) || string(c.Key(0)) != string(key) {
				t.Error(it.Error())
			}
		},
		"Count": func(t *testing.T, it *Iterator) {
			if rows, _, _, err := it.Count(nil); rows != n || err != nil {
				t.Error(rows, err)
			}
		},
		"SetBounds": func(t *testing.T, it *Iterator) {
			it.SetBounds(key, nil)
			mustStand(t, it, it.Next(), string(key))
		},
		"Refresh": func(t *testing.T, it *Iterator) {
			if err := it.Refresh(); err != nil {
				t.Error(err)
			}
			mustStand(t, it, it.Prev(), "key 1999")
		},
		"Close": func(t *testing.T, it *Iterator) {
			if err := it.Close(); err != nil || it.Next() {
				t.Error(err)
			}
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			it, b := eager(t, n, nil)
			b.park = make(chan struct{})
			mustStand(t, it, it.SeekGE(key), string(key)) // and a fill is under way behind it
			time.AfterFunc(time.Millisecond, func() { close(b.park) })
			act(t, it)
			if !it.pending && b.inside.Load() {
				t.Error("the fill in the background is under way still")
			}
		})
	}
}

func mustStand(t *testing.T, it *Iterator, ok bool, key string) {
	t.Helper()
	if !ok || string(it.Key()) != key {
		t.Errorf("on %q, %v; want %q", it.Key(), it.Error(), key)
	}
}

// A chunk's rows went to the user, and the C iterator has gone on: the way back is found all the same.
func TestAChunkIsTurnedRoundAfterAFillInTheBackground(t *testing.T) {
	it, _ := eager(t, 2_000, nil)
	var c, d Chunk
	it.NextChunk(&c)
	it.NextChunk(&c)
	last := string(c.Key(c.Len() - 1))
	mustStand(t, it, it.Prev(), last)
	it.NextChunk(&d)
	if string(d.Key(0)) != last {
		t.Errorf("the chunk after the turn begins with %q, want %q", d.Key(0), last)
	}
	it.Last()
	it.PrevChunk(&c)
	it.PrevChunk(&c)
	mustStand(t, it, it.Next(), string(c.Key(c.Len()-1)))
}

// What is there already is not handed over once the context has ended.
func TestRowsOfTheBackgroundEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	it, _ := eager(t, 2_000, ctx)
	var c Chunk
	if !it.NextChunk(&c) {
		t.Fatal(it.Error())
	}
	cancel()
	if it.NextChunk(&c) || !errors.Is(it.Error(), context.Canceled) || c.Len() > 0 {
		t.Errorf("%d rows, %v", c.Len(), it.Error())
	}
}

// Where the background gets no turn, the user fills itself, and no row is lost.
func TestARefusedFillIsMadeByTheUser(t *testing.T) {
	it, b := eager(t, 2_000, nil)
	rows := 0
	for it.Next() {
		b.refuse.Store(rows%3 == 0)
		rows++
	}
	if rows != 2_000 || it.Error() != nil {
		t.Error(rows, it.Error())
	}
}

func TestALimitIsNeverFilledBeyond(t *testing.T) {
	b := &beside{}
	it := over(t, 2_000, Config{Background: b, Eager: true, Limit: 1_000}, cbridge.IterOptions{})
	for it.Next() {
	}
	if b.calls.Load() > 0 {
		t.Errorf("%d fills", b.calls.Load())
	}
}

// A pooled window is never the memory for a fill in the background: that may become a chunk's, which outlives the iterator.
func TestAChunkIsNeverAPooledWindow(t *testing.T) {
	if rbdebug.On {
		t.Skip("the debug build pools nothing")
	}
	var b Buffers
	it := over(t, 1_000, Config{Buffers: &b, Background: &beside{}, Eager: true}, cbridge.IterOptions{})
	if it.First(); !it.win.pooled || it.spare() != nil {
		t.Error("a pooled window is given away")
	}
	for range 300 {
		it.Next()
	}
	var c Chunk
	for range 3 {
		if !it.NextChunk(&c) {
			t.Fatal(it.Error())
		}
	}
	if b.n == 0 {
		t.Fatal("no window was pooled")
	}
	for _, w := range b.taken[:b.n] {
		if &w.b[0] == &c.r.buf[0] {
			t.Error("a chunk lies in a pooled window")
		}
	}
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		it, _ := eager(t, 1_000, nil)
		for range 100 {
			it.Next()
		}
		it.Close()
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // one that has told its end may still be seen
		if i == 1000 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

// The goroutine must not keep an iterator alive whose user has lost it: that would never be reported.
func TestTheBackgroundDoesNotHoldTheIterator(t *testing.T) {
	gone := make(chan struct{})
	park := make(chan struct{})
	b := &beside{park: park}
	func() {
		base := over(t, 1_000, Config{}, cbridge.IterOptions{})
		it := New(base.src, Config{Owner: openOwner{base.src}, Closed: new(atomic.Bool), Background: b, Eager: true})
		it.First()
		runtime.AddCleanup(it, func(struct{}) { close(gone) }, struct{}{})
	}()
	for i := 0; ; i++ {
		runtime.GC()
		select {
		case <-gone:
			b.refuse.Store(true) // the C iterator belongs to another
			close(park)
			return
		case <-time.After(10 * time.Millisecond):
		}
		if i == 200 {
			t.Fatal("it is not collected")
		}
	}
}

// A busy user has fills made beside it; whether it is one is looked at again and again.
func TestABusyUserIsFilledFor(t *testing.T) {
	it := over(t, 6_000, Config{Background: &beside{}, Stats: new(Stats)}, cbridge.IterOptions{})
	var c Chunk
	for range 20 {
		for it.First(); it.NextChunk(&c); {
			if cap(c.r.buf) >= keptFill {
				time.Sleep(2 * time.Millisecond)
			}
		}
	}
	if it.cfg.Stats.Ahead.Load() == 0 {
		t.Errorf("none of %d fills was made in the background", it.cfg.Stats.Fills.Load())
	}
}

func TestThePaceTellsWhatPays(t *testing.T) {
	const ms = time.Millisecond
	paced := func(fill, use time.Duration) *pace { return &pace{fill: fill, use: use} }
	if !paced(2*ms, ms).pays() || paced(2*ms, ms-1).pays() || paced(0, ms).pays() || paced(ms, 0).pays() {
		t.Error("where a user takes half the time of a fill, and only there, the background pays")
	}
	p := paced(2*ms, 2*ms)
	for rest := firstRest; rest <= 2*longRest; rest *= 2 {
		for range 3 {
			if !p.pays() {
				t.Fatal("it does not pay before it was seen not to")
			}
			p.taken(2*ms, 2*ms) // the user waited for all of it
		}
		for i := range min(rest, longRest) {
			if p.pays() {
				t.Fatalf("fill %d of a rest of %d is made in the background", i, rest)
			}
		}
	}
	for range 2 * firstRest {
		p.taken(2*ms, ms)
	}
	p.refused()
	if p.rest != firstRest {
		t.Errorf("after much that paid, a rest is %d", p.rest)
	}
}
