package engine_test

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// perfDB has 100 rows in one table file, and none in memory.
func perfDB(t *testing.T, o *engine.Options) *engine.DB {
	t.Helper()
	db := openTemp(t, o)
	for i := range 100 {
		if err := db.Put(fmt.Appendf(nil, "%03d", i), valueOf(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestPerfTellsWhatTheCallsOfAFunctionDid(t *testing.T) {
	db := perfDB(t, nil)
	reads := func(n int) func() error {
		return func() error {
			for range n {
				if _, err := db.Get([]byte("050"), nil); err != nil {
					return err
				}
			}
			return nil
		}
	}
	cold, err := engine.WithPerf(engine.PerfTimes, reads(1))
	if err != nil || cold["block_read_count"] == 0 || cold["block_read_byte"] == 0 || cold["block_read_time"] == 0 || cold["get_read_bytes"] != 100 {
		t.Errorf("a cold read: %v, %v", cold, err)
	}
	warm, err := engine.WithPerf(engine.PerfCounts, reads(7))
	if err != nil || warm["block_read_count"] != 0 || warm["get_read_bytes"] != 700 || warm["block_cache_hit_count"] < 7 {
		t.Errorf("seven warm ones: %v, %v", warm, err)
	}
	for name := range warm {
		if strings.HasSuffix(name, "_time") || strings.HasSuffix(name, "_nanos") {
			t.Errorf("%s was timed", name)
		}
	}
	if none, err := engine.WithPerf(engine.PerfTimes, func() error { return nil }); err != nil || len(none) != 0 {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}

// Rows that are read from files count as bytes that were read, those that are not as none; what another function read is not told.
func TestPerfTellsWhatFilesCost(t *testing.T) {
	if !engine.Supports(engine.IOContext) {
		p, err := engine.WithPerf(engine.PerfCounts, func() error { return nil })
		for name := range p {
			if strings.HasPrefix(name, "io.") {
				t.Errorf("%s", name)
			}
		}
		mustDo(t, err)
		return
	}
	db := perfDB(t, &engine.Options{BlockCacheSize: -1})
	mustDo(t, db.Flush())
	read := func() error { _, err := db.Get([]byte("050"), nil); return err }
	for range 2 {
		p, err := engine.WithPerf(engine.PerfTimes, read)
		mustDo(t, err)
		if p["io.bytes_read"] == 0 || p["io.bytes_read"] > 64<<10 || p["io.read_nanos"] == 0 || p["io.bytes_written"] > 0 {
			t.Errorf("a read: %v", p)
		}
	}
	for what, f := range map[string]func() error{
		"a write without a sync": func() error { return db.Put([]byte("new"), nil, nil) },
		"a read of a memtable":   func() error { _, err := db.Get([]byte("new"), nil); return err },
	} {
		if p, err := engine.WithPerf(engine.PerfCounts, f); err == nil && p["io.bytes_read"] > 0 {
			t.Errorf("%s: %v", what, p)
		}
	}
	mustDo(t, read())
	if p, err := engine.WithPerf(engine.PerfCounts, func() error { return nil }); err != nil || p["io.bytes_read"] > 0 {
		t.Errorf("nothing: %v, %v", p, err)
	}
}

func TestPerfOfDeletionsPassedOver(t *testing.T) {
	db := perfDB(t, nil)
	for i := range 90 {
		if err := db.Delete(fmt.Appendf(nil, "%03d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	p, err := engine.WithPerf(engine.PerfCounts, func() error {
		it, err := db.NewIter(&engine.IterOptions{NoBackground: true})
		if err != nil {
			return err
		}
		it.First()
		return it.Close()
	})
	if err != nil || p["internal_delete_skipped_count"] != 90 {
		t.Errorf("%v, %v", p, err)
	}
}

func TestPerfOfFunctionsThatFail(t *testing.T) {
	db := perfDB(t, nil)
	boom := errors.New("boom")
	get := func() error { _, err := db.Get([]byte("050"), nil); return err }
	p, err := engine.WithPerf(engine.PerfCounts, func() error { return errors.Join(get(), boom) })
	if !errors.Is(err, boom) || p["get_read_bytes"] != 100 {
		t.Errorf("%v, %v", p, err)
	}
	for _, level := range []engine.PerfLevel{-1, engine.PerfTimes + 1} {
		_, err := engine.WithPerf(level, func() error { t.Error("called"); return nil })
		expectError(t, "an unknown level", err, engine.ErrInvalidArgument)
	}
	p, err = engine.WithPerf(engine.PerfCounts, func() error {
		_, err := engine.WithPerf(engine.PerfTimes, func() error { t.Error("called"); return nil })
		expectError(t, "within itself", err, engine.ErrBusy)
		return get()
	})
	if err != nil || p["get_read_bytes"] != 100 {
		t.Errorf("round a refused one: %v, %v", p, err)
	}
	func() {
		defer func() {
			if r := recover(); r != boom {
				t.Errorf("recovered %v", r)
			}
		}()
		engine.WithPerf(engine.PerfCounts, func() error { panic(boom) })
	}()
	var left sync.WaitGroup
	left.Go(func() {
		engine.WithPerf(engine.PerfCounts, func() error { runtime.Goexit(); return nil })
	})
	left.Wait()
	for range 100 { // on whatever thread: none was left counting
		if _, err := engine.WithPerf(engine.PerfCounts, get); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// Goroutines keep to threads of their own: no one's figures are another's.
func TestPerfOfManyGoroutines(t *testing.T) {
	db := perfDB(t, nil)
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for range 20 {
				p, err := engine.WithPerf(engine.PerfCounts, func() error {
					var err error
					for range n + 1 {
						_, e := db.Get([]byte("050"), nil)
						err = errors.Join(err, e)
						runtime.Gosched()
					}
					return err
				})
				if got := p["get_read_bytes"]; err != nil || got > uint64(n+1)*100 || got%100 != 0 {
					t.Errorf("%d reads: %v, %v", n+1, p, err)
				}
			}
		})
	}
	all.Wait()
}

// A slow call within WithPerf is logged, and takes nothing of its figures.
func TestPerfBesideSlowThreshold(t *testing.T) {
	h := new(heard)
	db := perfDB(t, &engine.Options{Logger: slog.New(h), SlowThreshold: 1})
	p, err := engine.WithPerf(engine.PerfCounts, func() error {
		for range 5 {
			if _, err := db.Get([]byte("050"), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || p["get_read_bytes"] != 500 {
		t.Errorf("%v, %v", p, err)
	}
	m, err := db.Metrics()
	if err != nil || m.Reads.Slow < 5 {
		t.Errorf("%d slow calls, %v", m.Reads.Slow, err)
	}
}

func ExampleWithPerf() {
	db, done := opened(nil)
	defer done()
	for i := range 10 {
		db.Put(fmt.Append(nil, i), []byte("value"), nil)
		db.Delete(fmt.Append(nil, i), nil)
	}
	perf, err := engine.WithPerf(engine.PerfCounts, func() error {
		_, _, _, err := engine.Count(nil, db, nil)
		return err
	})
	fmt.Println("deletions passed over:", perf["internal_delete_skipped_count"], err)
	// Output: deletions passed over: 10 <nil>
}
