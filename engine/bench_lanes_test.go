package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkLanes shows what the lanes cost a read that the cache serves, alone and among others.
func BenchmarkLanes(b *testing.B) {
	const keys, reads = 10_000, 100_000
	with, without := lanesBench(b, &engine.Options{}, keys), &engine.Options{}
	engine.WithoutLanes(without)
	free := lanesBench(b, without, keys)
	together := &combiner{db: with, width: 2}
	get := func(db *engine.DB) func([]byte) error {
		return func(key []byte) error { _, err := db.Get(key, nil); return err }
	}
	for _, n := range []int{1, 64, 4096} {
		b.Run(fmt.Sprintf("goroutines=%d", n), func(b *testing.B) {
			ways := []way{
				{"without lanes", "", func() { readAll(b, n, reads, keys, get(free)) }},
				{"Get", "", func() { readAll(b, n, reads, keys, get(with)) }},
				{"combined", "", func() { readAll(b, n, reads, keys, together.get) }},
			}
			contest{title: fmt.Sprintf("Get in cache, %d goroutines", n), units: reads, unit: "read", ways: ways}.run(b)
		})
	}
}

// BenchmarkColdReads compares ways for reads that have to go to the disk, past the operating system's
// cache: each by itself through the gate, behind a look into the cache; those together that find no slot
// in the gate, as Get does it; and all readers combined that wait, without a look into the cache. Reads
// of a few hot keys go on beside each; their waits are printed.
func BenchmarkColdReads(b *testing.B) {
	const keys, reads = 200_000, 20_000
	db := lanesBench(b, &engine.Options{
		BlockCacheSize: 16 << 20, FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}, Extra: "use_direct_reads=true",
	}, keys)
	for _, n := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("goroutines=%d", n), func(b *testing.B) {
			get := func(key []byte) error { _, err := db.Get(key, nil); return err }
			all := &combiner{db: db, width: 16}
			ways := []struct {
				name  string
				apart bool
				get   func([]byte) error
				hot   waits
			}{
				{name: "each by itself", apart: true, get: get},
				{name: "Get", get: get},
				{name: "all combined", get: all.get},
			}
			c := contest{title: fmt.Sprintf("Get from disk, %d goroutines", n), units: reads, unit: "read", clock: true}
			for i := range ways {
				w := &ways[i]
				c.ways = append(c.ways, way{w.name, "", func() {
					engine.ReadApart(db, w.apart)
					w.hot.during(b, w.get, func() { readAll(b, n, reads, keys, w.get) })
				}})
			}
			c.run(b)
			for i := range ways {
				fmt.Fprintf(os.Stderr, "reads of hot keys beside %s: %v\n", ways[i].name, &ways[i].hot)
			}
		})
	}
}

// lanesBench makes a database of keys with values of 1,000 bytes, flushed and read once.
func lanesBench(b *testing.B, o *engine.Options, keys int) *engine.DB {
	db, err := engine.Open(b.TempDir()+"/db", o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	batch := db.NewBatch()
	for i := range keys {
		batch.Put(benchKey(nil, i), valueOf(1000))
		if i%1000 == 999 {
			if err := db.Write(batch, nil); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		b.Fatal(err)
	}
	if _, _, _, err := engine.Count(nil, db, nil); err != nil {
		b.Fatal(err)
	}
	return db
}

// readAll reads random keys from n goroutines.
func readAll(b *testing.B, n, reads, keys int, get func(key []byte) error) {
	var left atomic.Int64
	left.Store(int64(reads))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), 0))
			var key []byte
			for left.Add(-1) >= 0 {
				key = benchKey(key[:0], r.IntN(keys))
				if err := get(key); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// waits are how long reads took.
type waits struct{ all []time.Duration }

// during reads hot keys while f runs.
func (w *waits) during(b *testing.B, get func([]byte) error, f func()) {
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !done.Load(); i++ {
			key := benchKey(nil, i%100)
			begin := time.Now()
			if err := get(key); err != nil {
				b.Error(err)
			}
			w.all = append(w.all, time.Since(begin))
			time.Sleep(50 * time.Microsecond)
		}
	})
	f()
	done.Store(true)
	wg.Wait()
}

func (w *waits) String() string {
	slices.Sort(w.all)
	at := func(part float64) time.Duration {
		return w.all[int(part*float64(len(w.all)-1))].Round(time.Microsecond)
	}
	return fmt.Sprintf("%d, p50 %v, p99 %v, longest %v", len(w.all), at(0.5), at(0.99), at(1))
}

// combiner is the other way for many readers, for comparison: who finds less than width lookups under
// way makes one, for itself and for everybody who waits.
type combiner struct {
	db    *engine.DB
	width int

	mu      sync.Mutex
	busy    int
	waiting []*combined
}

type combined struct {
	key   []byte
	value engine.Value
	lead  bool
	turn  chan struct{}
}

const combineMost = 64

func (c *combiner) get(key []byte) error {
	me := &combined{key: key, turn: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.busy == c.width {
		c.waiting = append(c.waiting, me)
		c.mu.Unlock()
		<-me.turn
		if !me.lead {
			return me.value.Err
		}
		c.mu.Lock()
	} else {
		c.busy++
	}
	n := min(len(c.waiting), combineMost-1)
	others := slices.Clone(c.waiting[:n])
	c.waiting = c.waiting[n:]
	c.mu.Unlock()
	c.look(append(others, me))
	c.mu.Lock()
	if len(c.waiting) == 0 {
		c.busy--
	} else {
		next := c.waiting[0]
		c.waiting = c.waiting[1:]
		next.lead = true
		next.turn <- struct{}{}
	}
	c.mu.Unlock()
	for _, w := range others {
		w.turn <- struct{}{}
	}
	return me.value.Err
}

func (c *combiner) look(group []*combined) {
	keys := make([][]byte, len(group))
	for i, w := range group {
		keys[i] = w.key
	}
	values, err := c.db.MultiGet(keys, nil)
	for i, w := range group {
		if err != nil {
			w.value.Err = err
		} else {
			w.value = values[i]
		}
	}
}
