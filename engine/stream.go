package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// StreamPosition is where a whole frame of exported rows ends: Export, Import and CheckExport return
// how far they came, and the first two go on from there. It is plain data but for one thing: the
// position that Export returns also knows the Snapshot that it read from, as long as the program runs.
type StreamPosition struct {
	Header   StreamHeader
	Offset   int64  // bytes of the file before it
	Rows     int64  // in them
	Bytes    int64  // of these rows' keys and values
	Checksum uint32 // CRC-32 of all that, as docs/export.md has it
	FirstKey []byte // nil: there was no row
	LastKey  []byte // nil: there was no row
	Mixed    bool   // the rows are of more than one state: an export was resumed over another one
	Whole    bool   // it is the end of the export: nothing is missing

	snapshot *snapshotState
}

// StreamHeader says what was exported. Export fills it in as far as it is known.
type StreamHeader struct {
	Identity   string // of the database, which RocksDB drew for it; empty: not known
	Family     string // empty: not known
	Sequence   uint64 // number of the newest write that the rows show; 0: not known
	LowerBound []byte // nil: open. A prefix shows as bounds
	UpperBound []byte // nil: open
}

// below gives a position to the layer below.
func (p *StreamPosition) below() cbridge.Position {
	b := cbridge.Position{
		Offset: uint64(p.Offset), Rows: uint64(p.Rows), Bytes: uint64(p.Bytes), Sum: p.Checksum, Mixed: p.Mixed,
	}
	if p.Rows > 0 {
		b.First, b.Last = append([]byte{}, p.FirstKey...), append([]byte{}, p.LastKey...)
	}
	return b
}

// advance moves a position to one from below; the header stays.
func (p *StreamPosition) advance(b cbridge.Position) {
	p.Offset, p.Rows, p.Bytes, p.Checksum = int64(b.Offset), int64(b.Rows), int64(b.Bytes), b.Sum
	p.FirstKey, p.LastKey, p.Mixed, p.Whole = b.First, b.Last, b.Mixed, b.Whole
}

// check refuses a position from which nothing can go on.
func (p *StreamPosition) check(op string) error {
	switch {
	case p.Offset < 0 || p.Rows < 0 || p.Bytes < 0 || max(len(p.FirstKey), len(p.LastKey)) > MaxKeySize:
		return invalid(op, "Resume is no position of an export")
	case p.Offset == 0 && (p.Rows > 0 || p.Bytes > 0 || p.Checksum != 0):
		return invalid(op, "Resume has rows before its offset 0")
	case p.Whole:
		return invalid(op, "Resume is the end of an export: there is nothing to go on with")
	}
	return nil
}

// ZstdVersion is the version of the linked zstd, such as "1.5.4": Export and Import use it.
func ZstdVersion() string {
	v := cbridge.ZstdVersion()
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}

// The first section of an export: what C writes before it tells that it is one.
const (
	streamMagic   = "RBEXPORT"
	streamVersion = 1
	streamOther   = 'S' // the section that says: other state
)

// Which bounds a header has.
const (
	headerLower = 1
	headerUpper = 2
)

// section is the header as the file's first section, without its checksum.
func (h *StreamHeader) section() []byte {
	b := append([]byte(streamMagic), streamVersion)
	for _, s := range []string{h.Identity, h.Family} {
		b = appendLong(b, []byte(s))
	}
	b = binary.LittleEndian.AppendUint64(b, h.Sequence)
	b = append(b, byte(bit(h.LowerBound != nil, headerLower)|bit(h.UpperBound != nil, headerUpper)))
	return appendLong(appendLong(b, h.LowerBound), h.UpperBound)
}

// appendLong appends s with its length before it.
func appendLong(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// otherState is the section after which the rows are of another state than before.
func otherState(sequence uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{streamOther}, sequence)
}

// parse reads what section wrote behind magic and version.
func (h *StreamHeader) parse(b []byte) bool {
	r := headerReader{b: b, ok: true}
	h.Identity, h.Family = string(r.long()), string(r.long())
	h.Sequence = binary.LittleEndian.Uint64(r.take(8))
	flags := r.take(1)[0]
	lower, upper := r.long(), r.long()
	if flags&headerLower != 0 {
		h.LowerBound = append([]byte{}, lower...)
	}
	if flags&headerUpper != 0 {
		h.UpperBound = append([]byte{}, upper...)
	}
	return r.ok && len(r.b) == 0 && flags <= headerLower|headerUpper
}

// headerReader takes a header apart. Once it is not ok, what it gives means nothing.
type headerReader struct {
	b  []byte
	ok bool
}

// take gives the next n bytes.
func (r *headerReader) take(n int) []byte {
	if n > len(r.b) {
		r.ok, r.b = false, nil
		return make([]byte, 8)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// long gives the next bytes that have their length before them.
func (r *headerReader) long() []byte {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.ok, r.b = false, nil
		return nil
	}
	r.b = r.b[size:]
	return r.take(int(n))
}
