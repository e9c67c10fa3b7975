// Package ondisk reads what RocksDB leaves in a database's folder without RocksDB: the records of
// manifests and write-ahead logs, the state that a manifest describes, and the properties of table files.
// So a database can be looked into that RocksDB refuses to open, or that another process has open.
//
// It changes nothing, but for what Records.Blank is told to. Its formats are those of RocksDB 7.8 to 11; what a later one
// adds, and marks as skippable, is skipped.
package ondisk

import (
	"errors"
	"fmt"
	"io"
)

// ErrDamaged is what every error about contents, rather than about reading them, wraps.
var ErrDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// Records reads the records of a manifest or a write-ahead log, one after the other.
type Records struct {
	r     io.Reader
	block []byte // what is left of the current one
	last  bool   // it is the last one
	at    int64  // offset of what is left

	places []place // of the record that Next gave last

	recycled bool // behind the log's end lies what the file held before

	// Compressed is true once the log has said that its records are compressed: Next gives them as they are.
	Compressed bool
}

// NewRecords reads from r, which stands at the start of the log.
func NewRecords(r io.Reader) *Records { return &Records{r: r} }

// Offset is how far the records that Next gave reach.
func (l *Records) Offset() int64 { return l.at }

// Next gives the next record, whose bytes are the caller's. io.EOF is the end, io.ErrUnexpectedEOF a record
// that the log ends in the middle of, as a writer that is at it or was killed leaves it. ErrDamaged
// is everything else that is wrong.
func (l *Records) Next() ([]byte, error) {
	var record []byte
	within := false
	l.places = l.places[:0]
	for {
		kind, piece, at, err := l.piece()
		if errors.Is(err, ErrDamaged) && l.recycled {
			err = io.EOF
		}
		if err == io.EOF && within {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if kind > kindLast { // what may be passed over
			l.Compressed = l.Compressed || kind == kindCompression
			continue
		}
		first, last := kind == kindFull || kind == kindFirst, kind == kindFull || kind == kindLast
		if first == within {
			return nil, damaged("a piece out of order before offset %d", l.at)
		}
		record = append(record, piece...)
		l.places = append(l.places, at)
		if last {
			return record, nil
		}
		within = true
	}
}

// piece gives the next piece, with the kind that it has in a log that is not recycled.
func (l *Records) piece() (kind int, bytes []byte, at place, err error) {
	for len(l.block) < pieceHead || !l.last && isTrailer(l.block, l.recycled) {
		if err := l.fill(); err != nil {
			return 0, nil, at, err
		}
	}
	h, why := headOf(l.block)
	switch {
	case why == noPiece:
		return 0, nil, at, io.EOF // space that was set aside
	case why != "":
		return 0, nil, at, damaged("%s at offset %d", why, l.at)
	case h.end > len(l.block) && l.last:
		return 0, nil, at, io.ErrUnexpectedEOF
	case h.end > len(l.block):
		return 0, nil, at, damaged("%s at offset %d", reaches, l.at)
	case !h.fits(l.block):
		return 0, nil, at, damaged("%s at offset %d", wrongSum, l.at)
	}
	l.recycled = l.recycled || h.numbered
	bytes = l.block[h.size:h.end]
	at = place{at: l.at, size: h.size, n: len(bytes)}
	copy(at.head[:], l.block[:h.size])
	l.block = l.block[h.end:]
	l.at += int64(h.end)
	return h.kind, bytes, at, nil
}

// fill reads the next block. What is left of the one before is too little for a head.
func (l *Records) fill() error {
	if l.last {
		if len(l.block) > 0 {
			return io.ErrUnexpectedEOF
		}
		return io.EOF
	}
	l.at += int64(len(l.block))
	block := make([]byte, blockSize)
	n, err := io.ReadFull(l.r, block)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	l.block, l.last = block[:n], n < blockSize
	return nil
}
