package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	soakTime  = flag.Duration("soak.time", 3*time.Second, "how long the mixed load runs")
	soakFault = flag.Duration("soak.fault", 300*time.Millisecond, "how often something happens to it")
	soakSeed  = flag.Uint64("soak.seed", 0, "seed of the mixed load, for all but the timing; 0: a new one")
)

const (
	soakWriters = 4
	soakReaders = 2
	soakKeys    = 1000 // of each writer: the database does not grow
)

// soak is one mixed load: writers who know what they wrote, readers, and one who maintains, on a database that is
// closed, refused space and made to wait under them.
type soak struct {
	t    *testing.T
	dir  string
	disk slowDisk

	db       atomic.Pointer[engine.DB] // the open one, or one that is closed already
	done     atomic.Bool
	troubled sync.Map // has the databases whose disk refused writes while they were open
	writers  [soakWriters]*soakWriter
	checks   atomic.Int64 // rows compared
	scans    atomic.Int64
	upkeep   atomic.Int64
	faults   map[string]int
	levels   []soakLevel
	lies     int // one of so many writes is counted as acknowledged and never made; 0: none. Its control sets it
	wg       sync.WaitGroup
}

func newSoak(t *testing.T, d slowDisk) *soak {
	s := &soak{t: t, dir: filepath.Join(t.TempDir(), "db"), disk: d, faults: map[string]int{}}
	s.db.Store(openDir(t, s.dir, soakOptions()))
	return s
}

// soakStall is a family whose compactions take no files away until there are 100: two are enough to stop all writes, once
// its triggers say so.
var soakStall = engine.FamilyOptions{
	WriteBufferSize: 64 << 10,
	Extra: "compaction_style=kCompactionStyleUniversal;level0_file_num_compaction_trigger=2;" +
		"level0_slowdown_writes_trigger=1000;level0_stop_writes_trigger=1000;periodic_compaction_seconds=0;ttl=0;" +
		"compaction_options_universal={min_merge_width=100;max_merge_width=200;max_size_amplification_percent=100000000}",
}

// soakOptions has a cache that is full at once: a larger one fills from opening to opening, as a leak would.
func soakOptions() *engine.Options {
	small := engine.FamilyOptions{WriteBufferSize: 256 << 10, Tuning: engine.Tuning{BlobsFrom: 600}}
	return &engine.Options{FamilyOptions: small, BlockCacheSize: 4 << 20, Families: map[string]engine.FamilyOptions{
		"other": {WriteBufferSize: 128 << 10}, "sums": {WriteBufferSize: 64 << 10, MergeOperator: engine.Int64Add},
		"stall": soakStall,
	}}
}

// Writers, readers and maintenance go on for -soak.time on a disk to which something happens each -soak.fault. Each
// writer finds its rows as it wrote them, at any time; no call answers anything but what the trouble explains; and in
// runs of 20 faults and more, memory, threads, descriptors and handles stay where they are.
func TestAMixedLoadUnderFaultsLosesNothingAndGrowsNowhere(t *testing.T) {
	t.Parallel() // most of it waits
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		r, seed := seededRand(t, "soak.seed", *soakSeed)
		s := newSoak(t, d)
		s.begin(r)
		s.trouble(r)
		s.done.Store(true)
		waitOrDie(t, &s.wg)
		s.end()
		t.Logf("seed %d: %v, faults %v, %d rows compared, %d scans, %d times of upkeep; %s",
			seed, *soakTime, s.faults, s.checks.Load(), s.scans.Load(), s.upkeep.Load(), s.written())
		s.judge()
	})
}

func (s *soak) begin(r *rand.Rand) {
	for n := range s.writers {
		s.writers[n] = newSoakWriter(s, n, r.Uint64())
		s.wg.Go(s.writers[n].work)
	}
	for range soakReaders {
		reader := rand.New(rand.NewPCG(r.Uint64(), 0))
		s.wg.Go(func() { s.read(reader) })
	}
	keeper := rand.New(rand.NewPCG(r.Uint64(), 0))
	s.wg.Go(func() { s.maintain(keeper) })
}

// trouble makes one thing after the other happen until the time is over or something was found.
func (s *soak) trouble(r *rand.Rand) {
	for begin := time.Now(); time.Since(begin) < *soakTime && !s.t.Failed(); {
		time.Sleep(*soakFault * 2 / 3)
		if *soakTime >= time.Minute { // else there is no use in it
			s.level()
		}
		f := soakFaults[r.IntN(len(soakFaults))]
		f.happen(s, r)
		s.faults[f.name]++
	}
}

// end compares all rows once more, before and after the last opening.
func (s *soak) end() {
	for range 2 {
		db := s.db.Load()
		for _, w := range s.writers {
			w.compareAll(db)
		}
		if err := db.Close(); err != nil {
			s.t.Errorf("Close at the end: %v", err)
		}
		s.db.Store(openDir(s.t, s.dir, soakOptions()))
	}
	if err := s.db.Load().Close(); err != nil {
		s.t.Errorf("Close: %v", err)
	}
}

func (s *soak) written() string {
	var acked, refused int64
	for _, w := range s.writers {
		acked, refused = acked+w.acked, refused+w.refused
	}
	return fmt.Sprintf("%d writes acknowledged, %d refused", acked, refused)
}

// explained reports whether the trouble that the database had explains an error; if not, the test has failed.
func (s *soak) explained(db *engine.DB, what string, err error) bool {
	_, troubled := s.troubled.Load(db)
	switch {
	case errors.Is(err, engine.ErrClosed):
		time.Sleep(time.Millisecond)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
	case troubled && (errors.Is(err, engine.ErrNoSpace) || errors.Is(err, engine.ErrSyncFailed) || what == "upkeep" && errors.Is(err, engine.ErrIO)):
		time.Sleep(5 * time.Millisecond) // of a compaction RocksDB does not say why it failed
	default:
		s.t.Errorf("%s: %v", what, err)
		s.done.Store(true)
		return false
	}
	return true
}
