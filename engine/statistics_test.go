package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func statisticsOf(t *testing.T, db *engine.DB) engine.Statistics {
	t.Helper()
	s, err := db.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatisticsCountWhatWasDone(t *testing.T) {
	db := openTemp(t, &engine.Options{
		Statistics:    engine.UsualStatistics,
		FamilyOptions: engine.FamilyOptions{BloomBitsPerKey: 10},
		Families:      map[string]engine.FamilyOptions{"other": {}},
		Extra:         "max_open_files=100", // options that are parsed keep the statistics
	})
	other, err := db.ColumnFamily("other")
	if err != nil {
		t.Fatal(err)
	}
	const puts = 100
	for i := range puts {
		if err := errors.Join(db.Put(fmt.Appendf(nil, "%03d", i), valueOf(50), nil), other.Put(fmt.Appendf(nil, "%03d", i), valueOf(60), nil)); err != nil {
			t.Fatal(err)
		}
	}
	written := statisticsOf(t, db)
	if n := written.Tickers["rocksdb.number.keys.written"]; n != 2*puts {
		t.Errorf("%d keys written", n)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the cache
		for i := range puts {
			if _, err := db.Get(fmt.Appendf(nil, "%03d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range puts {
		if ok, err := db.Has(fmt.Appendf(nil, "%03dx", i), nil); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	s := statisticsOf(t, db)
	d := s.Since(written)
	for name, want := range map[string]uint64{
		"rocksdb.number.keys.written": 0, "rocksdb.number.keys.read": 3 * puts, "rocksdb.bytes.read": 2 * puts * 50, "rocksdb.no.file.errors": 0,
	} {
		if got, known := d.Tickers[name]; got != want || !known {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"rocksdb.block.cache.hit", "rocksdb.block.cache.miss", "rocksdb.bloom.filter.useful", "rocksdb.flush.write.bytes"} {
		if d.Tickers[name] == 0 {
			t.Errorf("%s is 0", name)
		}
	}
	if h := d.Histograms["rocksdb.db.get.micros"]; h.Count != 3*puts || h.Max < h.Median || h.P99 < h.P95 || h.P95 < h.Median {
		t.Errorf("lookups took %+v", h)
	}
	if h := d.Histograms["rocksdb.bytes.per.read"]; h.Count != 3*puts || h.Sum != 2*puts*50 || h.Mean() != 100./3 || h.Max != 50 { // misses count as 0
		t.Errorf("values read: %+v", h)
	}
	if h := s.Histograms["rocksdb.db.write.micros"]; h.Count != 2*puts {
		t.Errorf("writes took %+v", h)
	}
	if (engine.Histogram{}).Mean() != 0 {
		t.Error("the mean of nothing is not 0")
	}
}

func TestWithoutStatisticsNothingIsCounted(t *testing.T) {
	db := openTemp(t, nil)
	if _, err := db.Statistics(); !errors.Is(err, engine.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}

func TestEachDatabaseHasStatisticsOfItsOwn(t *testing.T) {
	o := &engine.Options{Statistics: engine.UsualStatistics}
	a, b := openTemp(t, o), openTemp(t, o)
	if err := a.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if n := statisticsOf(t, a).Tickers["rocksdb.number.keys.written"]; n != 1 {
		t.Errorf("%d in the one", n)
	}
	if n := statisticsOf(t, b).Tickers["rocksdb.number.keys.written"]; n != 0 {
		t.Errorf("%d in the other", n)
	}
}

func TestStatisticsWithEveryKindOfDatabase(t *testing.T) {
	budget, err := engine.NewMemoryBudget(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer budget.Close()
	dir := created(t, nil)
	for what, o := range map[string]*engine.Options{
		"optimistic": {Transactions: engine.Optimistic}, "pessimistic": {Transactions: engine.Pessimistic},
		"read only": {ReadOnly: true}, "budget": {Memory: budget},
	} {
		o.Statistics = engine.UsualStatistics
		db := openDir(t, dir, o)
		if _, err := db.Get([]byte("k"), nil); err != nil {
			t.Error(err)
		}
		if n := statisticsOf(t, db).Tickers["rocksdb.number.keys.read"]; n != 1 {
			t.Errorf("%s: %d keys read", what, n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	s, err := engine.OpenSecondary(dir, &engine.Options{Statistics: engine.UsualStatistics})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestLevelsOfStatistics(t *testing.T) {
	const ticker, size, times = "rocksdb.number.keys.read", "rocksdb.bytes.per.read", "rocksdb.db.get.micros"
	for level, want := range map[engine.StatisticsLevel][3]bool{
		engine.UsualStatistics: {true, true, true}, engine.TickerStatistics: {true, false, false},
		engine.UntimedStatistics: {true, true, false}, engine.TimedStatistics: {true, true, true}, engine.AllStatistics: {true, true, true},
	} {
		dir := created(t, nil)
		o := &engine.Options{Statistics: level}
		if level != engine.UsualStatistics && !engine.Supports(engine.StatisticsLevels) {
			if _, err := engine.Open(dir, o); !errors.Is(err, engine.ErrUnsupported) {
				t.Errorf("level %d: %v", level, err)
			}
			continue
		}
		db := openDir(t, dir, o)
		if _, err := db.Get([]byte("k"), nil); err != nil {
			t.Error(err)
		}
		s := statisticsOf(t, db)
		got := [3]bool{s.Tickers[ticker] == 1, s.Histograms[size].Count == 1, s.Histograms[times].Count == 1}
		if got != want {
			t.Errorf("level %d counts %v, want %v", level, got, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStatisticsBesideCallsAndClose(t *testing.T) {
	db := openDir(t, t.TempDir(), &engine.Options{Statistics: engine.UsualStatistics})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var before engine.Statistics
			for {
				s, err := db.Statistics()
				if errors.Is(err, engine.ErrClosed) {
					return
				}
				if err != nil || s.Tickers["rocksdb.number.keys.written"] < before.Tickers["rocksdb.number.keys.written"] {
					t.Errorf("%v, or the ticker went back", err)
				}
				before = s
			}
		})
	}
	for i := range 200 {
		if err := db.Put(fmt.Appendf(nil, "%d", i), nil, nil); err != nil {
			t.Error(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// BenchmarkStatistics is what RocksDB's counting costs a lookup and a write, at each level, and what reading
// it takes.
func BenchmarkStatistics(b *testing.B) {
	const calls = 50_000
	key, value := benchKey(nil, 1), make([]byte, 100)
	var gets, puts []way
	var usual *engine.DB
	for _, l := range []struct {
		name  string
		level engine.StatisticsLevel
	}{
		{"none", engine.NoStatistics},
		{"TickerStatistics", engine.TickerStatistics},
		{"UntimedStatistics", engine.UntimedStatistics},
		{"UsualStatistics", engine.UsualStatistics},
		{"AllStatistics", engine.AllStatistics},
	} {
		if l.level > engine.UsualStatistics && !engine.Supports(engine.StatisticsLevels) {
			continue
		}
		db, err := engine.Open(b.TempDir()+"/db", &engine.Options{Statistics: l.level})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		if err := errors.Join(db.Put(key, value, nil), db.Flush()); err != nil {
			b.Fatal(err)
		}
		if l.level == engine.UsualStatistics {
			usual = db
		}
		var buf []byte
		gets = append(gets, way{l.name, "", func() {
			for range calls {
				if buf, err = db.GetAppend(buf[:0], key, nil); err != nil {
					b.Fatal(err)
				}
			}
		}})
		puts = append(puts, way{l.name, "", func() {
			for range calls / 10 {
				if err := db.Put(key, value, nil); err != nil {
					b.Fatal(err)
				}
			}
		}})
	}
	b.Run("get", contest{title: "GetAppend of a 100-byte value", units: calls, unit: "read", ways: gets}.run)
	b.Run("put", contest{title: "Put of a 100-byte value", units: calls / 10, unit: "write", ways: puts}.run)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := usual.Statistics(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
