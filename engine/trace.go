package engine

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// TraceOptions say what a trace records. Nil and the zero value mean the defaults.
type TraceOptions struct {
	// MaxBytes is the size of the file beyond which nothing more is recorded: it exceeds it by one record at most, and
	// its end. 0: 1 GiB.
	MaxBytes int64

	// Every has one call of so many recorded, counted over all that Kinds names; of the block cache, all accesses to one
	// block of so many. 0 and 1: all. Of I/O all is recorded.
	Every int

	// Kinds are what StartTrace records; nil: all kinds.
	Kinds []TraceKind

	// Unordered has StartTrace record writes when they are asked for, those that fail or are turned away among them,
	// which keeps nobody waiting within RocksDB's writing. By default they come in the order in which they are logged.
	Unordered bool
}

const traceBytes = 1 << 30

// traces are the files of the traces that are under way, by kind.
type traces struct {
	mu    sync.Mutex
	paths [cbridge.TraceKinds]string // empty: none
}

// traceWords name the kinds in errors.
var traceWords = [cbridge.TraceKinds]string{"trace", "I/O trace", "block cache trace"}

// StartTrace has RocksDB record what it is asked from now on, until EndTrace or Close: lookups, writes and seeks with their
// keys, bounds and values, but not what came of them. OpenTrace reads the file, Replay does again what is in it;
// docs/trace.md says which calls are recorded, and as what.
//
// The file, which must not be there, is made with permissions for its owner only: it has keys and values. What fails
// while it is written, a full disk for instance, ends the recording and is told by EndTrace; the database's work goes on.
// Threads that record wait for each other and for the file.
//
// ErrBusy while there is such a trace, ErrInvalidArgument, and fs.ErrExist, for a file that is there, ErrIO and
// ErrNoSpace for one that cannot be made; ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx (feature
// Traces), and for the database of a Secondary. It is safe for concurrent use, and works on databases that are open for
// reading only, and in memory: the file is on disk.
func (d *DB) StartTrace(path string, o *TraceOptions) error {
	return d.startTrace(cbridge.TraceCalls, path, o)
}

// EndTrace ends what StartTrace began. ErrInvalidArgument if there is no trace; ErrIO if not all of it is
// in the file, ErrNoSpace if that is known to be why: what is there up to the failure can be read. The trace has ended all the same.
func (d *DB) EndTrace() error { return d.endTrace(cbridge.TraceCalls) }

// StartIOTrace has RocksDB record what it asks of files: operation, file, offset, length, time taken and outcome,
// but no content. Its io_tracer_parser reads the file. All else is as for StartTrace, but that of the options only MaxBytes
// counts: ErrInvalidArgument for the others.
func (d *DB) StartIOTrace(path string, o *TraceOptions) error {
	return d.startTrace(cbridge.TraceIO, path, o)
}

// EndIOTrace ends what StartIOTrace began, as EndTrace does. Without the build tag rb_cxx nobody learns what failed.
func (d *DB) EndIOTrace() error { return d.endTrace(cbridge.TraceIO) }

// StartBlockCacheTrace has RocksDB record the accesses to its block cache: block, kind, level, file, hit or miss, who
// asked, and the key of a lookup. Its block_cache_trace_analyzer reads the file. All else is as for StartTrace, but
// that of the options only MaxBytes and Every count: ErrInvalidArgument for the others.
func (d *DB) StartBlockCacheTrace(path string, o *TraceOptions) error {
	return d.startTrace(cbridge.TraceCache, path, o)
}

// EndBlockCacheTrace ends what StartBlockCacheTrace began, as EndTrace does. Without the build tag rb_cxx nobody learns what
// failed.
func (d *DB) EndBlockCacheTrace() error { return d.endTrace(cbridge.TraceCache) }

func (d *DB) startTrace(kind cbridge.TraceKind, path string, o *TraceOptions) error {
	op := "start " + traceWords[kind]
	if err := d.enter(nil, opTrace); err != nil {
		return d.describe(err, op)
	}
	defer d.guard.leave(opTrace)
	how, err := o.plan(kind)
	switch {
	case err != nil:
	case !Supports(Traces):
		err = unsupported("", Traces)
	case d.lent:
		err = dberr.New("", dberr.Unsupported, "the database belongs to a Secondary, which opens it anew")
	default:
		err = validatePath(path)
	}
	if err != nil {
		return d.describe(err, op)
	}
	d.traces.mu.Lock()
	defer d.traces.mu.Unlock()
	if at := d.traces.paths[kind]; at != "" {
		return d.describe(dberr.New("", dberr.Busy, "there is one already"), op)
	}
	if err := makeTraceFile(path); err != nil {
		return describe(err, op, path)
	}
	if d.observed() {
		defer d.observe(nil, opTrace, nil, noKey)()
	}
	if err := d.c.StartTrace(kind, path, how); err != nil {
		_ = os.Remove(path) // nothing is in it
		return describe(err, op, path)
	}
	d.traces.paths[kind] = path
	return nil
}

// plan gives the options to the C glue in its terms.
func (o *TraceOptions) plan(kind cbridge.TraceKind) (cbridge.TraceOptions, error) {
	if o == nil {
		o = &TraceOptions{}
	}
	how := cbridge.TraceOptions{MaxBytes: uint64(o.MaxBytes), Every: uint64(max(1, o.Every)), Ordered: !o.Unordered}
	if o.MaxBytes == 0 {
		how.MaxBytes = traceBytes
	}
	switch {
	case o.MaxBytes < 0 || o.Every < 0:
		return how, invalid("", "MaxBytes or Every is negative")
	case kind != cbridge.TraceCalls && (o.Kinds != nil || o.Unordered):
		return how, invalid("", "Kinds and Unordered are for StartTrace")
	case kind == cbridge.TraceIO && o.Every > 1:
		return how, invalid("", "Every is not for I/O")
	}
	if err := checkTraceKinds(o.Kinds); err != nil {
		return how, err
	}
	for k, filter := range traceFilters {
		if o.Kinds != nil && !slices.Contains(o.Kinds, k) {
			how.Without |= filter
		}
	}
	return how, nil
}

// checkTraceKinds refuses what names no kind; nil is all.
func checkTraceKinds(kinds []TraceKind) error {
	if kinds != nil && len(kinds) == 0 {
		return invalid("", "Kinds names none")
	}
	for _, k := range kinds {
		if !slices.Contains(traceKinds, k) {
			return invalid("", "Kinds has one that is not known")
		}
	}
	return nil
}

// traceFilters leave kinds out.
var traceFilters = map[TraceKind]uint64{
	TraceGet: cbridge.TraceNoGet, TraceMultiGet: cbridge.TraceNoMultiGet, TraceWrite: cbridge.TraceNoWrite,
	TraceSeek: cbridge.TraceNoSeek, TraceSeekForPrev: cbridge.TraceNoSeekForPrev,
}

// makeTraceFile makes the file that RocksDB then writes: so it is a new one, and for its owner only.
func makeTraceFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return dberr.Wrap("", dberr.InvalidArgument, err)
	}
	return fileFailure(path, err)
}

func (d *DB) endTrace(kind cbridge.TraceKind) error {
	op := "end " + traceWords[kind]
	if err := d.enter(nil, opTrace); err != nil {
		return d.describe(err, op)
	}
	defer d.guard.leave(opTrace)
	d.traces.mu.Lock()
	defer d.traces.mu.Unlock()
	if d.traces.paths[kind] == "" {
		return d.describe(invalid("", "there is none"), op)
	}
	if d.observed() {
		defer d.observe(nil, opTrace, nil, noKey)()
	}
	return d.finishTrace(kind)
}

// finishTrace ends a trace that there is, in C.
func (d *DB) finishTrace(kind cbridge.TraceKind) error {
	path := d.traces.paths[kind]
	d.traces.paths[kind] = ""
	err := d.c.EndTrace(kind)
	if e, ok := err.(*Error); ok && e.Code == dberr.Incomplete { // RocksDB's words for an error of the file before
		e.Code = dberr.IO
		if strings.Contains(e.Msg, "No space left") {
			e.Code = dberr.NoSpace
		}
	}
	if err == nil && kind == cbridge.TraceCalls {
		err = hasTraceEnd(path)
	}
	return describe(err, "end "+traceWords[kind], path)
}

// closeTraces ends the traces of a database that is being closed, when no call is in flight.
func (d *DB) closeTraces() error {
	var failed error
	for kind, path := range d.traces.paths {
		if path == "" {
			continue
		}
		if err := d.finishTrace(cbridge.TraceKind(kind)); err != nil {
			say(d.log, slog.LevelWarn, "rockbridge: a trace is not whole", slog.Any("error", err))
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// hasTraceEnd looks whether a trace of calls ends with its end. RocksDB's C API does not tell what the last bytes of the
// file met.
func hasTraceEnd(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fileFailure(path, err)
	}
	defer f.Close()
	var last [traceHead]byte
	info, err := f.Stat()
	if err == nil {
		_, err = f.ReadAt(last[:], max(0, info.Size()-traceHead))
	}
	if err != nil || last[8] != traceTypeEnd || binary.LittleEndian.Uint32(last[9:]) != 0 {
		return dberr.New("", dberr.IO, "not all of it is in the file, which has no end")
	}
	return nil
}
