package engine

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// TraceKind is what a record of a trace is of.
type TraceKind string

// The kinds of records.
const (
	TraceGet         TraceKind = "get"
	TraceMultiGet    TraceKind = "multi get"
	TraceWrite       TraceKind = "write"
	TraceSeek        TraceKind = "seek"          // to the first key at or above
	TraceSeekForPrev TraceKind = "seek for prev" // to the last key at or below
)

var traceKinds = []TraceKind{TraceGet, TraceMultiGet, TraceWrite, TraceSeek, TraceSeekForPrev}

// TraceRecord is one call that was recorded. Its slices are Go memory that is the receiver's; those of one record share it.
type TraceRecord struct {
	Kind TraceKind
	Time time.Time // when it was recorded, by the database's clock, to the microsecond

	// Family and Key are of lookups and seeks, the former as ColumnFamily.ID gives it.
	Family uint32
	Key    []byte

	// Lower and Upper are the bounds of the iterator; nil: it had none.
	Lower, Upper []byte

	// Keys are those of TraceMultiGet, in its order.
	Keys []TraceKey

	// Batch is what TraceWrite wrote, as ParseBatch takes it, but that it may have the marks of transactions in two
	// phases. Values of a database with TimedRows have their times behind them.
	Batch []byte
}

// TraceKey is a key of a TraceMultiGet.
type TraceKey struct {
	Family uint32
	Key    []byte
}

// Trace reads what StartTrace has recorded, in Go, and needs no database and no particular RocksDB. It is for one
// goroutine at a time. A nil or zero Trace answers as a closed one.
type Trace struct {
	path    string
	file    *os.File // nil: the caller's reader
	in      *bufio.Reader
	started time.Time
	version string
	now     TraceRecord
	err     error
	ended   bool // nothing more is read
	closed  bool
}

// OpenTrace opens a trace and reads its head. ErrIO if it cannot be read, ErrIncomplete if it ends before the first record,
// ErrCorruption if it is none, ErrUnsupported for a version of the format that is not known; ErrInvalidArgument for a trace
// of I/O or of the block cache, which only programs of RocksDB's read. The Trace must be closed.
func OpenTrace(path string) (*Trace, error) {
	if err := validatePath(path); err != nil {
		return nil, describe(err, "open trace", "")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, describe(fileFailure(path, err), "open trace", path)
	}
	t := &Trace{path: path, file: f, in: bufio.NewReaderSize(f, traceChunk)}
	if err := t.begin(); err != nil {
		f.Close()
		return nil, describe(err, "open trace", path)
	}
	return t, nil
}

// ReadTrace reads a trace from anywhere: see OpenTrace. Close leaves the reader as it is.
func ReadTrace(r io.Reader) (*Trace, error) {
	if r == nil {
		return nil, invalid("open trace", "the reader is nil")
	}
	t := &Trace{in: bufio.NewReaderSize(r, traceChunk)}
	if err := t.begin(); err != nil {
		return nil, describe(err, "open trace", "")
	}
	return t, nil
}

// Started is when the recording began, and Version that of the RocksDB which recorded, such as "7.8"; zero and empty
// for a nil Trace.
func (t *Trace) Started() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.started
}

// Version is that of the RocksDB which recorded, such as "7.8"; empty for a nil Trace.
func (t *Trace) Version() string {
	if t == nil {
		return ""
	}
	return t.version
}

// Next goes to the next record, which Record then gives. False means the end, if Error is nil, or an error.
func (t *Trace) Next() bool {
	if t == nil || t.in == nil || t.closed || t.ended {
		return false
	}
	var more bool
	t.now, more, t.err = t.next()
	t.ended = !more
	t.err = describe(t.err, "read trace", t.path)
	return more
}

// Record is what Next went to; the zero one if that was false.
func (t *Trace) Record() TraceRecord {
	if t == nil {
		return TraceRecord{}
	}
	return t.now
}

// Error is why the last Next was false; nil at the end. ErrIncomplete: the trace breaks off without its end, since it is
// still being recorded, or the program that did was killed, or its disk was full; the records before are right.
// ErrCorruption: it is damaged. There are no checksums in a trace: not each damage is seen. ErrIO: it could not be read.
// ErrClosed after Close.
func (t *Trace) Error() error {
	if t == nil || t.in == nil {
		return ErrClosed
	}
	return t.err
}

// Close ends it. It is idempotent.
func (t *Trace) Close() error {
	if t == nil || t.in == nil || t.closed {
		return nil
	}
	t.closed, t.now, t.err = true, TraceRecord{}, ErrClosed
	if t.file == nil {
		return nil
	}
	if err := t.file.Close(); err != nil {
		return describe(fileFailure(t.path, err), "close trace", t.path)
	}
	return nil
}

// The format, which is the same from RocksDB 7.8 to 11.8: records of a time in microseconds (8 bytes), a type (1), the
// length of what follows (4) and that, numbers in little-endian order.
const (
	traceHead  = 13
	traceMagic = "feedcafedeadbeef"
	traceChunk = 16 << 10
	traceText  = 1 << 10 // more than what is in the head of a trace

	traceTypeBegin = 1
	traceTypeEnd   = 2
)

// traceTypes are the kinds by their numbers.
var traceTypes = map[byte]TraceKind{3: TraceWrite, 4: TraceGet, 5: TraceSeek, 6: TraceSeekForPrev, 13: TraceMultiGet}

// The fields of a record, in the order in which they come. A map of 64 bits before them says which are there.
const (
	fieldBatch = iota + 1
	fieldGetFamily
	fieldGetKey
	fieldSeekFamily
	fieldSeekKey
	fieldLower
	fieldUpper
	fieldKeyCount
	fieldFamilies
	fieldKeys
)

// traceFields are what the records of a kind must have, and what they may.
var traceFields = map[TraceKind]struct{ must, may uint64 }{
	TraceWrite:       {1 << fieldBatch, 0},
	TraceGet:         {1<<fieldGetFamily | 1<<fieldGetKey, 0},
	TraceSeek:        {1<<fieldSeekFamily | 1<<fieldSeekKey, 1<<fieldLower | 1<<fieldUpper},
	TraceSeekForPrev: {1<<fieldSeekFamily | 1<<fieldSeekKey, 1<<fieldLower | 1<<fieldUpper},
	TraceMultiGet:    {1<<fieldKeyCount | 1<<fieldFamilies | 1<<fieldKeys, 0},
}

// begin reads the head. A length from another kind of file is not followed.
func (t *Trace) begin() error {
	if head, err := t.in.Peek(traceHead); err == nil && (head[8] != traceTypeBegin || binary.LittleEndian.Uint32(head[9:]) > traceText) {
		return traceDamaged("it does not begin as a trace")
	}
	at, _, payload, err := t.record()
	if err == io.EOF {
		err = traceBreaks()
	}
	if err != nil {
		return err
	}
	words := strings.Split(string(payload), "\t")
	switch {
	case strings.HasPrefix(words[0], "\x10"+traceMagic):
		return invalid("", "it is a trace of I/O or of the block cache: RocksDB's io_tracer_parser or block_cache_trace_analyzer reads it")
	case words[0] != traceMagic || len(words) < 3:
		return traceDamaged("it does not begin as a trace")
	}
	format, isFormat := strings.CutPrefix(words[1], "Trace Version: ")
	version, isVersion := strings.CutPrefix(words[2], "RocksDB Version: ")
	switch {
	case !isFormat || !isVersion:
		return traceDamaged("its head names no version")
	case format != "0.2":
		return dberr.New("", dberr.Unsupported, "its format has another version than 0.2")
	}
	t.started, t.version = at, version
	return nil
}

func traceDamaged(words string) error { return dberr.New("", dberr.Corruption, words) }

func traceBreaks() error { return dberr.New("", dberr.Incomplete, "the trace breaks off") }

// record reads what all records have. io.EOF: there is none.
func (t *Trace) record() (at time.Time, kind byte, payload []byte, err error) {
	var head [traceHead]byte
	switch _, err := io.ReadFull(t.in, head[:]); err {
	case nil:
	case io.EOF:
		return at, 0, nil, io.EOF
	default:
		return at, 0, nil, breaksOr(err)
	}
	micros := binary.LittleEndian.Uint64(head[:])
	if micros > math.MaxInt64 {
		return at, 0, nil, traceDamaged("a record is of no time")
	}
	payload, err = t.bytes(int64(binary.LittleEndian.Uint32(head[9:])))
	return time.UnixMicro(int64(micros)), head[8], payload, err
}

// bytes reads so many bytes. Memory is taken as they come, since their number may be damaged.
func (t *Trace) bytes(n int64) ([]byte, error) {
	b := make([]byte, 0, min(n, traceChunk))
	for int64(len(b)) < n {
		if len(b) == cap(b) {
			b = slices.Grow(b, int(min(n-int64(len(b)), int64(len(b)))))
		}
		at := len(b)
		b = b[:min(int64(cap(b)), n)]
		if _, err := io.ReadFull(t.in, b[at:]); err != nil {
			return nil, breaksOr(err)
		}
	}
	return b, nil
}

// breaksOr is the error of a record that cannot be read as far as its length says.
func breaksOr(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return traceBreaks()
	}
	return fileFailure("", err)
}

// next reads a record; no more: the end.
func (t *Trace) next() (r TraceRecord, more bool, err error) {
	at, number, payload, err := t.record()
	switch {
	case err == io.EOF:
		return r, false, traceBreaks()
	case err != nil:
		return r, false, err
	case number == traceTypeEnd:
		if _, err := t.in.Peek(1); len(payload) > 0 || err == nil {
			return r, false, traceDamaged("something stands in its end or behind it")
		}
		return r, false, nil
	}
	kind, known := traceTypes[number]
	if !known {
		return r, false, traceDamaged("a record is of no kind that is known")
	}
	r = TraceRecord{Kind: kind, Time: at}
	if !r.decode(payload) {
		return TraceRecord{}, false, traceDamaged("a record of kind " + string(kind) + " is malformed")
	}
	return r, true, nil
}

// decode reads what a record of a kind has, and reports whether it is all there and nothing else.
func (r *TraceRecord) decode(payload []byte) bool {
	p := tracePayload{rest: payload}
	fields, allowed := p.fixed64(), traceFields[r.Kind]
	if fields&allowed.must != allowed.must || fields&^(allowed.must|allowed.may) != 0 {
		return false
	}
	switch r.Kind {
	case TraceWrite:
		r.Batch = p.prefixed()
	case TraceMultiGet:
		r.keys(&p)
	default:
		r.Family, r.Key = p.fixed32(), p.prefixed()
		if fields&(1<<fieldLower) != 0 {
			r.Lower = p.prefixed()
		}
		if fields&(1<<fieldUpper) != 0 {
			r.Upper = p.prefixed()
		}
	}
	return !p.bad && len(p.rest) == 0
}

// keys reads the keys of a TraceMultiGet. Each takes four bytes of the families and one of the keys at least.
func (r *TraceRecord) keys(p *tracePayload) {
	n := p.fixed32()
	families, keys := tracePayload{rest: p.prefixed()}, tracePayload{rest: p.prefixed()}
	if p.bad || uint64(len(families.rest)) != 4*uint64(n) || uint64(len(keys.rest)) < uint64(n) || n == 0 {
		p.bad = true
		return
	}
	r.Keys = make([]TraceKey, n)
	for i := range r.Keys {
		r.Keys[i] = TraceKey{families.fixed32(), keys.prefixed()}
	}
	p.bad = keys.bad || len(keys.rest) > 0
}

// tracePayload takes fields off the front of bytes. What is not there is zero, and bad from then on.
type tracePayload struct {
	rest []byte
	bad  bool
}

func (p *tracePayload) take(n uint64) []byte {
	if p.bad || n > uint64(len(p.rest)) {
		p.bad = true
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}

func (p *tracePayload) fixed64() uint64 {
	if b := p.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (p *tracePayload) fixed32() uint32 {
	if b := p.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// prefixed takes bytes with their length before them.
func (p *tracePayload) prefixed() []byte {
	n, size := binary.Uvarint(p.rest[:min(len(p.rest), binary.MaxVarintLen32)])
	if p.bad || size <= 0 {
		p.bad = true
		return nil
	}
	p.rest = p.rest[size:]
	return p.take(n)
}
