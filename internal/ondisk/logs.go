package ondisk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Log is what a write-ahead log holds, as far as can be told without its values.
type Log struct {
	Path   string
	Number uint64
	Size   int64
	Whole  Tally // the records up to Break, or all
	Break  *Break
	Behind Tally // the whole records behind Break

	// What some versions of RocksDB read again and again, without end: a piece of another log, of which this one
	// was made, and a piece as recycled logs have in one that did not begin so.
	Older, Mixed bool
}

// Tally counts whole records.
type Tally struct {
	Records int
	Rows    uint64 // operations in them; of a compressed log they are not known, and 0
	First   uint64 // sequence number of the first operation; 0: not known
	Last    uint64 // of the last
}

// Break is a place where a log holds no record though it goes on, or ends within one.
type Break struct {
	At     int64
	Reason string
	// Cut: the log ends within a piece, or within a record, and nothing shows that it was longer.
	Cut bool
	// Zeros: whole records end here, and zeros follow to the end of the block, as in space that was set aside
	// and in a page that was not written.
	Zeros bool
}

// ReadLogs reads the write-ahead logs in folder dir from number on, in their order. One that is gone when
// its turn comes, since a writer has no more use for it, is left out.
func ReadLogs(dir string, from uint64) ([]*Log, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var logs []*Log
	for _, e := range entries {
		number, ok := LogNumber(e.Name())
		if !ok || number < from {
			continue
		}
		l, err := ReadLog(filepath.Join(dir, e.Name()), number)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		logs = append(logs, l)
	}
	slices.SortFunc(logs, func(a, b *Log) int { return cmp.Compare(a.Number, b.Number) })
	return logs, nil
}

// LogNumber gives the number of a log by its file's name; 0 and false if it is no log's.
func LogNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, ".log")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	return number, true
}

// ReadLog reads what the file holds now, a write-ahead log of that number, or a manifest, which
// has 0 and no rows. A writer that appends meanwhile does no harm.
func ReadLog(path string, number uint64) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	l, err := scanLog(f, info.Size(), number)
	if err != nil {
		return nil, err
	}
	l.Path = path
	return l, nil
}

// scanLog reads size bytes of a log.
func scanLog(f io.ReaderAt, size int64, number uint64) (*Log, error) {
	s := &logScan{log: &Log{Number: number, Size: size}, opaque: number == 0}
	r, buf := io.NewSectionReader(f, 0, size), make([]byte, min(16*blockSize, size+1))
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, err
		}
		for b := buf[:n]; len(b) > 0; {
			piece := min(blockSize, len(b))
			s.block(b[:piece], piece < blockSize)
			b = b[piece:]
		}
		if n < len(buf) {
			s.end()
			return s.log, nil
		}
	}
}

// logScan is the way through a log. It goes on behind a break, to see what stands there.
type logScan struct {
	log      *Log
	at       int64 // offset of the block
	recycled bool  // the log's pieces carry its number; others are of an older one
	numbered bool  // a head was seen that says so, be it damaged
	opaque   bool  // the records are compressed, or no writes: they begin with no sequence number
	sought   bool  // a piece was looked for at every byte
	quiet    bool  // the break is the log's end as a writer leaves it, if nothing follows

	open  bool     // within a record
	from  int64    // where that begins
	head  [12]byte // its first bytes: a sequence number and a count
	heads int      // so many of them
}

// pieceFound is a good piece.
type pieceFound struct {
	kind int
	data []byte
	size int // with its head
}

// block goes through the pieces of a block; last: the log ends with it.
func (s *logScan) block(b []byte, last bool) {
	pos := 0
	for len(b)-pos >= pieceHead {
		if !s.open && len(b) == blockSize && isTrailer(b[pos:], s.recycled) {
			break
		}
		s.heed(b[pos:])
		p, why := s.piece(b[pos:])
		if why == "" {
			s.take(p, s.at+int64(pos))
			pos += p.size
			continue
		}
		s.broken(b, pos, why)
		s.open = false
		if pos = s.resume(b, pos); pos < 0 {
			pos = len(b)
		}
	}
	if rest := b[pos:]; last && len(rest) > 0 && !allZero(rest) {
		s.breakAt(s.at+int64(pos), endsWithin, true, s.recycled)
	}
	s.at += int64(len(b))
}

// heed notes what RocksDB's reader may not get past, which looks at the kind and the number of a piece before
// it looks at its checksum.
func (s *logScan) heed(b []byte) {
	kind := int(b[6])
	if !hasNumber(kind) {
		return
	}
	if len(b) >= recyclableHead && binary.LittleEndian.Uint32(b[pieceHead:]) != uint32(s.log.Number) {
		s.log.Older = true
	}
	if !s.numbered && s.log.Whole.Records+s.log.Behind.Records > 0 {
		s.log.Mixed = true
		return
	}
	s.numbered = true
}

// piece reads the piece that b begins with, or tells why there is none.
func (s *logScan) piece(b []byte) (p pieceFound, why string) {
	h, why := headOf(b)
	switch {
	case why != "":
		return p, why
	case h.end > len(b):
		return p, reaches
	case !h.fits(b):
		return p, wrongSum
	case h.numbered && h.number(b) != uint32(s.log.Number), !h.numbered && s.recycled && h.kind <= kindLast:
		return p, older
	}
	s.recycled = s.recycled || h.numbered
	return pieceFound{h.kind, b[h.size:h.end], h.end}, ""
}

// take takes in a piece that begins at the offset.
func (s *logScan) take(p pieceFound, at int64) {
	switch {
	case p.kind == kindCompression:
		s.opaque = true
		return
	case p.kind > kindLast:
		return
	case p.kind == kindFull || p.kind == kindFirst:
		if s.open {
			s.breakAt(s.from, outOfOrder, false, false)
		}
		s.open, s.from, s.heads = true, at, 0
	case !s.open:
		if s.log.Break == nil {
			s.breakAt(at, outOfOrder, false, false)
		}
		return
	}
	s.heads += copy(s.head[s.heads:], p.data)
	if p.kind == kindFull || p.kind == kindLast {
		s.open = false
		s.count()
	}
}

// count counts the record that has ended.
func (s *logScan) count() {
	t := &s.log.Whole
	if s.log.Break != nil {
		t = &s.log.Behind
	}
	t.Records++
	if s.opaque || s.heads < len(s.head) {
		return
	}
	first, rows := binary.LittleEndian.Uint64(s.head[:]), uint64(binary.LittleEndian.Uint32(s.head[8:]))
	t.Rows += rows
	if t.First == 0 {
		t.First = first
	}
	if rows > 0 {
		t.Last = max(t.Last, first+rows-1)
	}
}

// broken notes that no piece is at pos.
func (s *logScan) broken(b []byte, pos int, why string) {
	rest := b[pos:]
	cut := why == reaches && len(b) < blockSize
	if cut {
		why = endsWithin
	}
	zeros := s.log.Break == nil && !s.open && why == noPiece && allZero(rest)
	s.breakAt(s.at+int64(pos), why, cut, why == older || s.recycled)
	if zeros {
		s.log.Break.Zeros = true
	}
}

// breakAt notes the first break. A record that is open belongs to it.
func (s *logScan) breakAt(at int64, why string, cut, quiet bool) {
	if s.log.Break != nil {
		return
	}
	if s.open {
		at, quiet = s.from, false
	}
	s.log.Break, s.quiet = &Break{At: at, Reason: why, Cut: cut}, quiet
}

// resume finds the next good piece of the block behind the bad one at pos, which its head may still
// delimit; -1: there is none.
func (s *logScan) resume(b []byte, pos int) int {
	for _, head := range []int{pieceHead, recyclableHead} {
		end := pos + head + int(binary.LittleEndian.Uint16(b[pos+4:]))
		if end <= len(b)-pieceHead {
			if _, why := s.piece(b[end:]); why == "" {
				return end
			}
		} else if end <= len(b) && len(b) == blockSize {
			return -1 // the block's end
		}
	}
	if s.sought {
		return -1 // once is enough to know that there is more, and a log of nonsense would take long
	}
	s.sought = true
	for next := pos + 1; next <= len(b)-pieceHead; next++ {
		if s.canBegin(b[next:]) {
			if _, why := s.piece(b[next:]); why == "" {
				return next
			}
		}
	}
	return -1
}

// canBegin tells whether b can be the piece that begins the next record: in the bad piece's bytes there
// may be others, as part of a value.
func (s *logScan) canBegin(b []byte) bool {
	head := pieceHead
	switch b[6] {
	case kindFull, kindFirst:
	case kindRecyclable, kindRecyclable + 1:
		head = recyclableHead
	default:
		return false
	}
	if s.opaque {
		return true
	}
	if len(b) < head+len(s.head) {
		return false
	}
	first, last := binary.LittleEndian.Uint64(b[head:]), max(s.log.Whole.Last, s.log.Behind.Last)
	return first > last && first < 1<<56
}

// end looks whether the log ends as it should.
func (s *logScan) end() {
	if s.open {
		s.breakAt(s.from, endsWithin, true, false)
	}
	b := s.log.Break
	switch {
	case s.log.Behind.Records == 0 && s.quiet:
		s.log.Break = nil
	case s.log.Behind.Records > 0 && b.Reason == endsWithin: // its length is wrong
		b.Reason, b.Cut = reaches, false
	}
}

func allZero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}

// String tells what is there, and where.
func (b *Break) String() string { return fmt.Sprintf("%s at offset %d", b.Reason, b.At) }
