package monitor

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// levels is how many are told apart; the last holds those below too.
const levels = 7

// sample is what one look at a server has brought. NaN is what is not known, as how fast nothing was.
type sample struct {
	number uint64 // from 1 on
	at     time.Time

	commands, reads, writes float64 // a second
	in, out                 float64 // bytes a second
	p50, p99                float64 // seconds that commands took
	found                   float64 // of the keys that were looked for, 0 to 1
	clients                 int

	stored
	goroutines, threads int
}

// stored is what is known of the database.
type stored struct {
	files, bytes        [levels]uint64
	cache, capacity     uint64
	hit                 float64 // of the blocks that were looked for in the cache, 0 to 1
	memtables           uint64
	inC, waiting, width int64 // calls in lanes, and those that wait for one
	counted             bool  // whether RocksDB counts: the totals
	hits, misses        uint64
	filtered            uint64 // rows that compactions dropped, as they had expired
}

// ring holds the last samples.
type ring struct {
	mu   sync.Mutex
	all  [Samples]sample
	next int
	last uint64 // number of the newest
}

func (r *ring) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	s.number = r.last
	r.all[r.next] = s
	r.next = (r.next + 1) % Samples
}

// newest is the last one; false if there is none.
func (r *ring) newest() (sample, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[(r.next+Samples-1)%Samples], r.last > 0
}

// list gives them, oldest first.
func (r *ring) list() []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int(min(r.last, Samples))
	list := make([]sample, 0, n)
	for i := range n {
		list = append(list, r.all[(r.next+Samples-n+i)%Samples])
	}
	return list
}

// sampler looks at a server again and again. It belongs to one goroutine.
type sampler struct {
	m        *Monitor
	s        *server.Server
	db       *engine.DB
	at       time.Time
	now, was server.Totals
	stored   stored
	rest     time.Time // until then the database is left alone
}

func newSampler(m *Monitor, s *server.Server, db *engine.DB) *sampler {
	w := &sampler{m: m, s: s, db: db, at: time.Now()}
	w.stored.hit = math.NaN()
	s.Totals(&w.was)
	return w
}

func (w *sampler) run() {
	tick := time.NewTicker(w.m.every)
	defer tick.Stop()
	for {
		select {
		case <-w.m.life.Done():
			return
		case <-tick.C:
			w.m.ring.add(w.sample())
		}
	}
}

// sample looks once.
func (w *sampler) sample() sample {
	at := time.Now()
	seconds := max(at.Sub(w.at).Seconds(), 1e-9)
	w.s.Totals(&w.now)
	rate := func(now, was int64) float64 {
		if now < was { // statistics began anew
			was = 0
		}
		return float64(now-was) / seconds
	}
	n, o := &w.now, &w.was
	s := sample{
		at: at, commands: rate(n.Commands, o.Commands), reads: rate(n.Reads, o.Reads), writes: rate(n.Writes, o.Writes),
		in: rate(n.BytesIn, o.BytesIn), out: rate(n.BytesOut, o.BytesOut), p50: math.NaN(), p99: math.NaN(),
		found: part(rate(n.Hits, o.Hits), rate(n.Misses, o.Misses)), clients: n.Clients,
		goroutines: runtime.NumGoroutine(), threads: osThreads(),
	}
	if took := n.Latency.Since(&o.Latency); took.Count() > 0 {
		s.p50, s.p99 = took.Quantile(0.5).Seconds(), took.Quantile(0.99).Seconds()
	}
	w.at, w.was = at, w.now
	if !at.Before(w.rest) {
		w.look()
		w.rest = at.Add(rested * time.Since(at))
	}
	s.stored = w.stored
	return s
}

// rested is how many times as long as a look at the database took it is left alone: so looks take a hundredth of the time at most.
const rested = 100

// look asks the database, which is closed one day.
func (w *sampler) look() {
	m, err := w.db.Metrics()
	if err != nil {
		return
	}
	was := w.stored
	w.stored = stored{
		cache: m.Memory.BlockCache, capacity: m.Memory.BlockCacheCapacity, hit: math.NaN(), memtables: m.Memory.Memtables,
	}
	for _, l := range m.Lanes {
		w.stored.inC += l.InUse
		w.stored.waiting += l.Waiting
		w.stored.width += l.Width
	}
	files, err := w.db.LiveFiles()
	if err != nil {
		return
	}
	for _, f := range files {
		at := min(f.Level, levels-1)
		w.stored.files[at]++
		w.stored.bytes[at] += uint64(f.Size)
	}
	counts, err := w.db.Statistics()
	if err != nil {
		return // they are not counted
	}
	now := &w.stored
	now.counted, now.hits, now.misses = true, counts.Tickers["rocksdb.block.cache.hit"], counts.Tickers["rocksdb.block.cache.miss"]
	now.filtered = counts.Tickers["rocksdb.compaction.key.drop.user"]
	now.hit = part(float64(now.hits-was.hits), float64(now.misses-was.misses))
}

// part is a of a and b; NaN of nothing.
func part(a, b float64) float64 {
	if a+b <= 0 {
		return math.NaN()
	}
	return a / (a + b)
}

// osThreads is how many the process has, those of C too where the system tells.
func osThreads() int {
	b, err := os.ReadFile("/proc/self/stat")
	if err == nil {
		if fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]); len(fields) > 17 {
			if n, err := strconv.Atoi(string(fields[17])); err == nil {
				return n
			}
		}
	}
	return pprof.Lookup("threadcreate").Count()
}
