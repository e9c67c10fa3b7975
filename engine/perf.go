package engine

import (
	"iter"
	"runtime"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// PerfLevel says what WithPerf has RocksDB measure.
type PerfLevel int

// The levels. There are no more that mean the same in every supported RocksDB.
const (
	PerfCounts PerfLevel = iota // numbers and bytes
	PerfTimes                   // times too, but of waits for mutexes; it makes calls slower
)

// Perf is what RocksDB did in the calls of one function, by the names of its perf context, as in
// Perf["block_read_count"]. Names that end in time or nanos are nanoseconds, those in byte or bytes are
// bytes. What is 0 is not in the map. With the feature IOContext, which the build tag rb_cxx brings, those of its I/O
// context are beside them with "io." before: Perf["io.bytes_read"], Perf["io.fsync_nanos"].
type Perf map[string]uint64

// WithPerf calls f, and tells what RocksDB did in its calls, of whatever databases: blocks read, keys and
// deletions passed over, and with PerfTimes what the time went into. These are the figures of a thread, so f
// is locked to its own. Work that calls leave to others is not in them: commits that another goroutine
// makes for a group, cold reads that are made together under load, what iterators fetch in the background
// (see IterOptions.NoBackground), parts of ScanParallel, and calls that run apart because their context can
// end. A row that an iterator has fetched before costs nothing.
//
// The error is that of f, and the figures are right with it. ErrInvalidArgument for an unknown level,
// without a call of f; ErrBusy within another WithPerf. If f panics so does WithPerf. Calls that
// Options.SlowThreshold logs meanwhile are logged without figures of their own. Without the feature IOContext it tells of
// files what was read as blocks and blobs, and the times of calls such as env_new_writable_file_nanos.
func WithPerf(level PerfLevel, f func() error) (Perf, error) {
	if level != PerfCounts && level != PerfTimes {
		return nil, invalid("perf", "unknown level")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !cbridge.PerfBegin(level == PerfTimes) {
		return nil, dberr.New("perf", dberr.Busy, "it was called within itself")
	}
	ended := false
	defer func() {
		if !ended {
			cbridge.PerfEnd(false)
		}
	}()
	err := f()
	ended = true
	p := Perf{}
	if Supports(IOContext) {
		for name, n := range perfFigures(cbridge.PerfIO()) {
			if name != "thread_pool_id" {
				p["io."+name] = n
			}
		}
	}
	for name, n := range perfFigures(cbridge.PerfEnd(true)) {
		p[name] = n
	}
	return p, err
}

// perfFigures reads "name = number, ...". What is not of that form is passed over.
func perfFigures(text string) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for part := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(part, " = ")
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err == nil && !yield(strings.TrimSpace(name), n) {
				return
			}
		}
	}
}
