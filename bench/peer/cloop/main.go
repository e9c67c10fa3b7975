// Program cloop is the benchmarks' peer without a wrapper: plain C loops on RocksDB's C API, on the same library as
// rockbridge. Go calls C once for each piece of work, and C takes the time.
package main

// #cgo CFLAGS: -std=c11 -D_DEFAULT_SOURCE -O2 -Wall -Wextra
// #include <stdlib.h>
// #include "loop.h"
// #cgo noescape loop_open
// #cgo nocallback loop_open
// #cgo noescape loop_close
// #cgo nocallback loop_close
// #cgo noescape loop_settle
// #cgo nocallback loop_settle
// #cgo noescape loop_scan
// #cgo nocallback loop_scan
// #cgo noescape loop_count
// #cgo nocallback loop_count
// #cgo noescape loop_get
// #cgo nocallback loop_get
// #cgo noescape loop_multiget
// #cgo nocallback loop_multiget
// #cgo noescape loop_seek
// #cgo nocallback loop_seek
// #cgo noescape loop_prefix
// #cgo nocallback loop_prefix
// #cgo noescape loop_put
// #cgo nocallback loop_put
// #cgo noescape loop_build
// #cgo nocallback loop_build
// #cgo noescape loop_replay
// #cgo nocallback loop_replay
import "C"

import (
	"errors"
	"time"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/works"
	"github.com/rockbridge-db/rockbridge/engine"
)

// loop makes a way of a function of C's.
func loop(f func(s *store, w *works.Work) C.loop_sum) works.Way[*store] {
	return func(s *store, w *works.Work) error { return take(f(s, w), w) }
}

// take takes over what C saw.
func take(c C.loop_sum, w *works.Work) error {
	w.Elapsed = time.Duration(c.nanos)
	w.Sum = works.Sum{Rows: int64(c.rows), Bytes: int64(c.bytes), Check: uint64(c.check)}
	return failure(c.error)
}

func failure(err *C.char) error {
	if err == nil {
		return nil
	}
	defer C.loop_free(err)
	return errors.New(C.GoString(err))
}

var ways = map[string]works.Way[*store]{
	"scan/loop":        loop(func(s *store, _ *works.Work) C.loop_sum { return C.loop_scan(&s.db, 0) }),
	"reverse/loop":     loop(func(s *store, _ *works.Work) C.loop_sum { return C.loop_scan(&s.db, 1) }),
	"count/loop":       loop(func(s *store, _ *works.Work) C.loop_sum { return C.loop_count(&s.db) }),
	"get/pinned":       loop(func(s *store, w *works.Work) C.loop_sum { return C.loop_get(&s.db, rows(w.Ops.Rows), 1) }),
	"get/malloc":       loop(func(s *store, w *works.Work) C.loop_sum { return C.loop_get(&s.db, rows(w.Ops.Rows), 0) }),
	"multiget/batched": multiGet(1),
	"multiget/older":   multiGet(0),
	"seek/loop": loop(func(s *store, w *works.Work) C.loop_sum {
		return C.loop_seek(&s.db, rows(w.Ops.Rows), C.size_t(w.N))
	}),
	"prefix/loop": loop(func(s *store, w *works.Work) C.loop_sum {
		return C.loop_prefix(&s.db, rows(w.Ops.Rows), works.PrefixBytes)
	}),
	"build/loop": loop(func(_ *store, w *works.Work) C.loop_sum { return C.loop_build(rows(w.Ops.Rows), C.size_t(w.N)) }),
	"ycsb/loop": loop(func(s *store, w *works.Work) C.loop_sum {
		return C.loop_replay(&s.db, rows(w.Ops.Rows), (*C.uint8_t)(unsafe.SliceData(w.Kinds)), (*C.uint16_t)(unsafe.SliceData(w.Lengths)))
	}),
}

func multiGet(batched C.int) works.Way[*store] {
	return loop(func(s *store, w *works.Work) C.loop_sum {
		return C.loop_multiget(&s.db, rows(w.Ops.Rows), C.size_t(w.N), batched)
	})
}

// rows lends C the rows for one call.
func rows(r *works.Rows) C.loop_rows {
	return C.loop_rows{
		keys: (*C.char)(unsafe.Pointer(unsafe.SliceData(r.Packed))), pool: (*C.char)(unsafe.Pointer(unsafe.SliceData(r.Pool))),
		offsets: (*C.uint32_t)(unsafe.SliceData(r.Offsets)), count: C.size_t(r.Len()), width: C.size_t(r.Width), size: C.size_t(r.Size),
	}
}

type store struct{ db C.loop_db }

func open(c works.Config) (*store, error) {
	dir, options := C.CString(c.Dir), C.CString(c.Options)
	defer C.free(unsafe.Pointer(dir))
	defer C.free(unsafe.Pointer(options))
	s := new(store)
	config := C.loop_config{
		cache: C.uint64_t(c.Cache), memtable: C.uint64_t(c.Memtable), block: C.uint64_t(c.Block), bloom: C.double(c.Bloom),
		options: options,
	}
	if c.Exists {
		config.exists = 1
	}
	return s, failure(C.loop_open(dir, config, &s.db))
}

func (s *store) Close() error {
	C.loop_close(&s.db)
	return nil
}

func (s *store) Settle() error { return failure(C.loop_settle(&s.db).error) }

func (s *store) Put(r *works.Rows, n int) error {
	return failure(C.loop_put(&s.db, rows(r), C.size_t(n)).error)
}

func (s *store) Scan(sum *works.Sum) error {
	w := &works.Work{}
	err := take(C.loop_scan(&s.db, 0), w)
	*sum = w.Sum
	return err
}

// version is what the library says that rockbridge links, which brings the flags for this program too.
func version() string { return "RocksDB " + engine.Version() }

func main() {
	program.Main(map[string]program.Kind{
		"works": works.Engine[*store]{Name: "cloop", Version: version, Open: open, Ways: ways}.Kind(),
	})
}
