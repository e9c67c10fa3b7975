package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var metricsSeed = flag.Uint64("metrics.seed", 0, "replays the random tests of Metrics")

func metricsOf(t testing.TB, db *engine.DB) engine.Metrics {
	t.Helper()
	m, err := db.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// counted is what a test did, by its own account.
type counted struct {
	calls map[string]uint64
	reads engine.ReadMetrics
	made  map[string]uint64
}

// do does something that Metrics counts, and counts it.
func (c *counted) do(t *testing.T, db *engine.DB, r *rand.Rand, rows int) {
	t.Helper()
	must := func(err error) {
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			t.Fatal(err)
		}
	}
	key := benchKey(nil, r.IntN(2*rows))
	switch r.IntN(7) {
	case 0:
		_, err := db.Get(key, nil)
		must(err)
		c.calls["get"]++
	case 1:
		_, err := db.Has(key, nil)
		must(err)
		c.calls["has"]++
	case 2:
		must(db.Put(benchKey(nil, r.IntN(rows)), []byte("12345678"), nil))
		c.calls["write"]++
	case 3:
		keys := make([][]byte, 1+r.IntN(9))
		for i := range keys {
			keys[i] = key
		}
		_, err := db.MultiGet(keys, nil)
		must(err)
		c.calls["multi get"]++
		c.reads.MultiGetKeys += uint64(len(keys))
	case 4:
		s, err := db.NewSnapshot()
		must(err)
		must(s.Close())
		c.calls["snapshot"] += 2
		c.made["snapshot"]++
	case 5:
		n, _, _, err := engine.Count(nil, db, nil)
		must(err)
		c.calls["new iterator"]++
		c.made["iterator"]++
		c.reads.RowsCounted += uint64(n)
	case 6:
		it, err := db.NewIter(&engine.IterOptions{Limit: r.IntN(rows)})
		must(err)
		c.calls["new iterator"]++
		c.made["iterator"]++
		n := scanSomehow(it, r)
		must(it.Close())
		c.reads.Rows += uint64(n)
	}
}

// scanSomehow walks over all rows, by steps or by chunks.
func scanSomehow(it *iterator.Iterator, r *rand.Rand) (n int) {
	if r.IntN(2) == 0 {
		for it.Next() {
			n++
		}
		return n
	}
	var c iterator.Chunk
	for it.NextChunk(&c) {
		n += c.Len()
	}
	return n
}

func TestMetricsCountWhatWasDone(t *testing.T) {
	const rows = 500
	r, _ := seededRand(t, "metrics.seed", *metricsSeed)
	db := openTemp(t, nil)
	for i := range rows {
		if err := db.Put(benchKey(nil, i), []byte("12345678"), nil); err != nil {
			t.Fatal(err)
		}
	}
	want := counted{calls: map[string]uint64{"write": rows}, made: map[string]uint64{}}
	for range 300 {
		want.do(t, db, r, rows)
	}
	m := metricsOf(t, db)
	for op, n := range want.calls {
		if got := m.Calls[op]; got.Calls != n || got.InFlight != 0 {
			t.Errorf("%s: %+v, want %d calls and none in flight", op, got, n)
		}
	}
	for kind, n := range want.made {
		if got := m.Handles[kind]; got.Made != n || got.Open != 0 || got.Lost != 0 || got.OldestSeconds != 0 {
			t.Errorf("%s: %+v, want %d made, none open or lost", kind, got, n)
		}
	}
	if m.Reads.Fills == 0 || m.Reads.Refills == 0 || m.Reads.Refills >= m.Reads.Fills || m.Reads.Fills > m.Calls["iterate"].Calls {
		t.Errorf("fills and refills: %+v with %+v", m.Reads, m.Calls["iterate"])
	}
	m.Reads.Fills, m.Reads.Refills = 0, 0
	if m.Reads != want.reads {
		t.Errorf("reads: %+v, want %+v", m.Reads, want.reads)
	}
	if got := m.Calls["metrics"]; got.Calls != 1 || got.InFlight != 1 {
		t.Errorf("the call itself: %+v", got)
	}
}

// What an open iterator has brought counts, and its end changes no total.
func TestMetricsCountOpenIteratorsToo(t *testing.T) {
	db := openTemp(t, nil)
	for i := range 100 {
		if err := db.Put(benchKey(nil, i), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.Next() {
	}
	open := metricsOf(t, db)
	if open.Reads.Rows != 100 || open.Handles["iterator"].Open != 1 {
		t.Errorf("open: %+v, %+v", open.Reads, open.Handles["iterator"])
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if closed := metricsOf(t, db); closed.Reads != open.Reads || closed.Handles["iterator"].Open != 0 {
		t.Errorf("closed: %+v, %+v; open it was %+v", closed.Reads, closed.Handles["iterator"], open.Reads)
	}
}

func TestMetricsTellTheAgesOfHandles(t *testing.T) {
	db := openTemp(t, nil)
	var closers []interface{ Close() error }
	for _, older := range []time.Duration{time.Hour, 50 * time.Minute, 9 * time.Minute, 1500 * time.Millisecond, 0} {
		engine.MakeOlder(db, older)
		s, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		closers = append(closers, s)
	}
	b, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	closers = append(closers, b)
	m := metricsOf(t, db)
	h := m.Handles["snapshot"]
	if h.Open != 5 || h.Made != 5 || m.Handles["batch"].Open != 1 || m.Work.Snapshots != 5 {
		t.Errorf("open and made: %+v", m.Handles)
	}
	// Two are new, and the others 1.5 seconds, 9 minutes and 59 minutes old.
	if h.Ages != [engine.HandleAges]int{2, 1, 1, 1, 0} {
		t.Errorf("ages: %v", h.Ages)
	}
	if h.OldestSeconds < 3541 || h.OldestSeconds > 3600 {
		t.Errorf("the oldest is %v s old", h.OldestSeconds)
	}
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h := metricsOf(t, db).Handles["snapshot"]; h.Open != 0 || h.OldestSeconds != 0 || h.Made != 5 {
		t.Errorf("closed: %+v", h)
	}
}

func TestMetricsTellOfMemoryByKind(t *testing.T) {
	const cache = 8 << 20
	db := openTemp(t, &engine.Options{BlockCacheSize: cache})
	empty := metricsOf(t, db)
	if empty.Memory.BlockCacheCapacity != cache {
		t.Errorf("capacity %d", empty.Memory.BlockCacheCapacity)
	}
	value := make([]byte, 1000)
	for i := range 1000 {
		if err := db.Put(benchKey(nil, i), value, nil); err != nil {
			t.Fatal(err)
		}
	}
	filled := metricsOf(t, db)
	if filled.Memory.Memtables < empty.Memory.Memtables+1_000_000 || filled.Memory.MemtablesPinned != 0 {
		t.Errorf("a megabyte in the memtable: %+v, before %+v", filled.Memory, empty.Memory)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	it.First()
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	pinned := metricsOf(t, db)
	if pinned.Memory.MemtablesPinned < 1_000_000 || pinned.Families["default"].FilesLive < 1_000 {
		t.Errorf("an iterator pins the flushed memtable: %+v", pinned)
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if m := metricsOf(t, db).Memory; m.MemtablesPinned != 0 || m.Memtables >= 1_000_000 {
		t.Errorf("after the flush: %+v", m)
	}
	for i := range 1000 {
		if _, err := db.Get(benchKey(nil, i), nil); err != nil {
			t.Fatal(err)
		}
	}
	read := metricsOf(t, db).Memory
	if read.BlockCache < 1_000_000 || read.BlockCache > cache || read.TableReaders == 0 {
		t.Errorf("after reads: %+v", read)
	}
	err = db.GetPinned(benchKey(nil, 1), nil, func([]byte) error {
		m := metricsOf(t, db)
		if m.Memory.BlockCachePinned < read.BlockCachePinned+1000 || m.Calls["get pinned"].InFlight != 1 {
			t.Errorf("a pinned block: %+v, before %+v", m.Memory, read)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// In a budget, what stands for memtables in the cache is not shown as blocks.
func TestMetricsTellMemtablesFromBlocksInABudget(t *testing.T) {
	db := openTemp(t, &engine.Options{Memory: newBudget(t, 16<<20)})
	value := make([]byte, 1000)
	for i := range 500 {
		if err := db.Put(benchKey(nil, i), value, nil); err != nil {
			t.Fatal(err)
		}
	}
	m := metricsOf(t, db).Memory
	if m.BlockCacheCapacity < 8<<20 || m.BlockCacheCapacity > 16<<20 || m.BlockCache > 100_000 || m.BlockCachePinned > 100_000 || m.Memtables < 500_000 {
		t.Errorf("half a megabyte in the memtable and none in files: %+v", m)
	}
}

func TestMetricsTellOfTheProcess(t *testing.T) {
	db := openTemp(t, nil)
	before := engine.ReadProcessMetrics()
	for range 100 {
		if _, err := db.Has([]byte("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	after := metricsOf(t, db).Process
	if after.CgoCalls < before.CgoCalls+100 {
		t.Errorf("100 calls into C: %d, then %d", before.CgoCalls, after.CgoCalls)
	}
	if after.Allocator == "unknown" && after.AllocatorHeld != 0 {
		t.Errorf("an unknown allocator tells: %+v", after)
	}
	if after.Allocator != "unknown" && (after.AllocatorHeld == 0 || after.AllocatorInUse > after.AllocatorHeld) {
		t.Errorf("the allocator tells nothing: %+v", after)
	}
}

func TestMetricsTellOfEachFamily(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	f, err := db.CreateColumnFamily("g", &engine.FamilyOptions{Extra: "disable_auto_compactions=true"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := errors.Join(f.Put([]byte("k"), nil, nil), f.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	m := metricsOf(t, db)
	if len(m.Families) != 3 || m.Families["g"].Level0Files != 3 || m.Families["f"].Level0Files != 0 || m.Families["g"].Keys == 0 {
		t.Errorf("families: %+v", m.Families)
	}
	if err := db.DropColumnFamily(f); err != nil {
		t.Fatal(err)
	}
	if m := metricsOf(t, db); len(m.Families) != 2 {
		t.Errorf("after the drop: %+v", m.Families)
	}
}

func TestMetricsCountStalls(t *testing.T) {
	db := openTemp(t, &engine.Options{
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10},
		Extra: "max_background_jobs=2;delayed_write_rate=1000000;level0_file_num_compaction_trigger=2;" +
			"level0_slowdown_writes_trigger=3;level0_stop_writes_trigger=5;max_write_buffer_number=2",
	})
	if s := metricsOf(t, db).Stalls; s != (engine.StallMetrics{}) {
		t.Errorf("before any write: %+v", s)
	}
	value := make([]byte, 10_000)
	var s engine.StallMetrics
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		for i := range 100 {
			if err := db.Put(benchKey(nil, i), value, nil); err != nil {
				t.Fatal(err)
			}
		}
		if s = metricsOf(t, db).Stalls; s.Delays > 0 && s.Stops > 0 && s.StalledSeconds > 0 {
			return
		}
	}
	t.Errorf("writes in full memtables and levels: %+v", s)
}

// Every commit is counted once, in one group; every synced one with one sync.
func TestMetricsCountCommitsInTheirGroups(t *testing.T) {
	for name, mode := range commitModes {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t, &engine.Options{Commit: mode})
			put := func(o *engine.WriteOptions) {
				if err := db.Put([]byte("k"), []byte("v"), o); err != nil {
					t.Error(err)
				}
			}
			for range 10 {
				put(nil)
				put(engine.Sync)
			}
			m := metricsOf(t, db).Commits
			if m.Groups != 20 || m.Commits != 20 || m.Sizes[0] != 20 || m.Syncs != 10 || m.SyncedCommits != 10 {
				t.Errorf("one after the other: %+v", m)
			}
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					for range 25 {
						put([]*engine.WriteOptions{nil, engine.Sync}[i%2])
					}
				})
			}
			wg.Wait()
			m = metricsOf(t, db).Commits
			groups := uint64(0)
			for _, n := range m.Sizes {
				groups += n
			}
			if m.Commits != 20+1600 || m.SyncedCommits != 10+800 || m.Groups != groups || m.Syncs > m.SyncedCommits {
				t.Errorf("at once: %+v", m)
			}
			if alone := mode == engine.CommitAlone; alone != (m.Groups == m.Commits) || alone != (m.Syncs == m.SyncedCommits) {
				t.Errorf("%v: %+v", mode, m)
			}
		})
	}
}

// A lane tells its width, and how many had to wait.
func TestMetricsTellOfLanes(t *testing.T) {
	db := openTemp(t, &engine.Options{FastLane: 6, Gate: 9})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := errors.Join(db.Put([]byte("k"), nil, nil), db.Flush()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	m := metricsOf(t, db).Lanes
	for name, width := range map[string]int64{
		"fast_direct": 3, "fast_quick": 3, "gate_reads": 3, "gate_scans": 2, "gate_writes": 2, "gate_work": 2, "compact": 1,
	} {
		inUse := int64(0)
		if name == "fast_quick" {
			inUse = 1 // the call that asks
		}
		if m[name].Width != width || m[name].InUse != inUse || m[name].Waiting != 0 {
			t.Errorf("%s: %+v, want a width of %d and %d in it", name, m[name], width, inUse)
		}
	}
	if w := m["gate_work"]; w.Waits == 0 || w.WaitedSeconds <= 0 {
		t.Errorf("flushes: %+v", w)
	}
}

// Metrics may be asked for at any time, Close included.
func TestMetricsWhileTheDatabaseIsUsedAndClosed(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	r, _ := seededRand(t, "metrics.seed", *metricsSeed)
	var wg sync.WaitGroup
	for range 3 {
		rnd := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := useOnce(db, rnd, fmt.Sprint(n)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		var last engine.Metrics
		for {
			m, err := db.Metrics()
			if err == engine.ErrClosed {
				return
			}
			if err != nil || m.Reads.Rows < last.Reads.Rows || m.Calls["write"].Calls < last.Calls["write"].Calls {
				t.Errorf("%v; %+v after %+v", err, m.Reads, last.Reads)
				return
			}
			last = m
		}
	})
	<-ctx.Done()
	var leak *engine.LeakError
	if err := db.Close(); err != nil && !errors.As(err, &leak) { // an iterator of useOnce may be open
		t.Error(err)
	}
	wg.Wait()
	if m, err := db.Metrics(); err != engine.ErrClosed || !reflect.DeepEqual(m, engine.Metrics{}) {
		t.Errorf("closed: %+v, %v", m, err)
	}
}

// useOnce writes, reads and scans once; a closed database is no error.
func useOnce(db *engine.DB, r *rand.Rand, key string) error {
	err := db.Put([]byte(key), []byte("value"), nil)
	if err == nil {
		_, err = db.Get([]byte(key), nil)
	}
	if err == nil {
		_, err = db.MultiGet([][]byte{[]byte(key)}, nil)
	}
	if it, e := db.NewIter(nil); e == nil {
		for range r.IntN(100) {
			it.Next()
		}
		it.Close()
	}
	if errors.Is(err, engine.ErrClosed) {
		return nil
	}
	return err
}

// What was in use for a moment goes back to the system.
func TestFreeMemoryOfCGoesBackToTheSystem(t *testing.T) {
	if engine.ReadProcessMetrics().Allocator == "unknown" {
		if engine.FreeOSMemory() {
			t.Error("an allocator that is not known gives memory back")
		}
		t.Skip("the allocator is not known")
	}
	const resident = "/proc/self/statm"
	if _, err := os.Stat(resident); err != nil {
		t.Skip(err)
	}
	db := openTemp(t, nil)
	var all []*engine.Snapshot
	for range 100_000 {
		all = append(all, newSnapshot(t, db))
	}
	for i, s := range all { // the last stays, and what is before it in memory cannot shrink by itself
		if i < len(all)-1 {
			mustDo(t, s.Close())
		}
	}
	pages := func() (n int) {
		b, err := os.ReadFile(resident)
		mustDo(t, err)
		_, err = fmt.Sscan(string(b), new(int), &n)
		mustDo(t, err)
		return n
	}
	before := pages()
	if !engine.FreeOSMemory() {
		t.Error("nothing was done")
	}
	if after := pages(); after > before-500 {
		t.Errorf("%d pages before, %d after", before, after)
	} else {
		t.Logf("%d pages before, %d after", before, after)
	}
	mustDo(t, all[len(all)-1].Close())
}
