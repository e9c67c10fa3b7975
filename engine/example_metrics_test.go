package engine_test

import (
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What lies in C is told by kind, and what the calls brought.
func ExampleDB_Metrics() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{BlockCacheSize: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for i := range 1000 {
		if err := db.Put(fmt.Appendf(nil, "key %04d", i), make([]byte, 100), nil); err != nil {
			log.Fatal(err)
		}
	}
	rows, done := engine.Scan(db, nil)
	for range rows {
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	m, err := db.Metrics()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("memtables:", m.Memory.Memtables > 100_000)
	fmt.Println("cache:", m.Memory.BlockCacheCapacity>>20, "MiB")
	fmt.Println("rows:", m.Reads.Rows, "with many in a call:", m.Reads.Rows/m.Reads.Fills > 50)
	fmt.Println("iterators:", m.Handles["iterator"].Made, "made,", m.Handles["iterator"].Open, "open")
	// Output:
	// memtables: true
	// cache: 64 MiB
	// rows: 1000 with many in a call: true
	// iterators: 1 made, 0 open
}

// While it is on, the profile tells where open handles were made.
func ExampleProfileHandles() {
	engine.ProfileHandles(true)
	defer engine.ProfileHandles(false)
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	handles := pprof.Lookup("rockbridge.handles")
	before := handles.Count()
	db, err := engine.Open(filepath.Join(dir, "db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	s, err := db.NewSnapshot()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("open:", handles.Count()-before)
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("closed:", handles.Count()-before)
	// Output:
	// open: 2
	// closed: 0
}

// A logger hears RocksDB's own LOG, what was never closed, and calls above the threshold.
func ExampleOptions_logger() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		Logger:        logger,
		SlowThreshold: time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Put([]byte("key"), []byte("value"), engine.Sync); err != nil {
		log.Fatal(err)
	}
	m, err := db.Metrics()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("slow:", m.Reads.Slow)
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: slow: 0
}

// After a load that is over, memory goes back to the system.
func ExampleReadProcessMetrics() {
	before := engine.ReadProcessMetrics()
	_, done := opened(nil)
	done()
	after := engine.ReadProcessMetrics()
	fmt.Println("calls into C:", after.CgoCalls > before.CgoCalls)
	known := after.Allocator != "unknown"
	fmt.Println(engine.FreeOSMemory() == known, (after.AllocatorHeld > 0) == known)
	// Output:
	// calls into C: true
	// true true
}
