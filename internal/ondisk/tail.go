package ondisk

import (
	"errors"
	"io"
	"os"
)

// Tail reads the records of a write-ahead log that may still be written, and goes on where it was when there
// are more. It stays with its file when that is renamed or deleted. It is for one goroutine at a time.
type Tail struct {
	f        *os.File
	number   uint32
	at       int64 // where the next record begins
	block    []byte
	blockAt  int64 // -1: none is there
	recycled bool

	// Compressed is true once the log has said that its records are compressed: Next gives them as they are.
	Compressed bool
}

// OpenTail opens the log of that number at its start.
func OpenTail(path string, number uint64) (*Tail, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &Tail{f: f, number: uint32(number), blockAt: -1}, nil
}

// Close ends it.
func (t *Tail) Close() error { return t.f.Close() }

// Offset is where the next record begins, or will.
func (t *Tail) Offset() int64 { return t.at }

// Next gives the next whole record, whose bytes are the caller's. io.EOF means that there is none now; the
// next call looks again. ErrDamaged is what can be no record, and no beginning of one.
func (t *Tail) Next() (record []byte, err error) {
	at, within := t.at, false
	for {
		kind, data, end, err := t.piece(at)
		if err != nil {
			t.blockAt = -1 // what is there now is read anew
			return nil, err
		}
		at = end
		if kind > kindLast { // what may be passed over
			t.Compressed = t.Compressed || kind == kindCompression
			continue
		}
		first, last := kind == kindFull || kind == kindFirst, kind == kindFull || kind == kindLast
		if first == within {
			return nil, damaged("a piece out of order before offset %d", at)
		}
		record = append(record, data...)
		if last {
			t.at = at
			return record, nil
		}
		within = true
	}
}

// piece reads the piece at an offset, or at the next block's start if only a filling is there, and gives the offset
// behind it. Its bytes are valid until the next call.
func (t *Tail) piece(at int64) (kind int, data []byte, end int64, err error) {
	if rest := blockSize - at%blockSize; rest < pieceHead || t.recycled && rest < recyclableHead {
		at += rest
	}
	b, err := t.bytes(at, pieceHead)
	if err != nil {
		return 0, nil, 0, err
	}
	h, why := headOf(b)
	switch {
	case why == noPiece:
		return 0, nil, 0, io.EOF // space that was set aside
	case why != "":
		return 0, nil, 0, t.none(why, at)
	case int64(h.end) > blockSize-at%blockSize:
		return 0, nil, 0, t.none(reaches, at)
	}
	if b, err = t.bytes(at, h.end); err != nil {
		return 0, nil, 0, err
	}
	if !h.fits(b) {
		return 0, nil, 0, t.none(wrongSum, at)
	}
	if h.numbered && h.number(b) != t.number || !h.numbered && t.recycled && h.kind <= kindLast {
		return 0, nil, 0, io.EOF // what the file held before
	}
	t.recycled = t.recycled || h.numbered
	return h.kind, b[h.size:], at + int64(h.end), nil
}

// none is what stands where no piece is: in a recycled log what the file held before.
func (t *Tail) none(why string, at int64) error {
	if t.recycled {
		return io.EOF
	}
	return damaged("%s at offset %d", why, at)
}

// bytes gives n bytes of a block from an offset on. io.EOF if they are not there yet.
func (t *Tail) bytes(at int64, n int) ([]byte, error) {
	blockAt := at - at%blockSize
	from := int(at - blockAt)
	if t.blockAt != blockAt || len(t.block) < from+n {
		if t.block == nil {
			t.block = make([]byte, 0, blockSize)
		}
		got, err := t.f.ReadAt(t.block[:blockSize], blockAt)
		if err != nil && !errors.Is(err, io.EOF) {
			t.blockAt = -1
			return nil, err
		}
		t.block, t.blockAt = t.block[:got], blockAt
	}
	if len(t.block) < from+n {
		return nil, io.EOF
	}
	return t.block[from : from+n], nil
}
