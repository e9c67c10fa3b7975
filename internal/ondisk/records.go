// Package ondisk reads what RocksDB leaves in a database's folder without RocksDB: the records of
// manifests and write-ahead logs, the state that a manifest describes, and the properties of table files.
// So a database can be looked into that RocksDB refuses to open, or that another process has open.
//
// It changes nothing. Its formats are those of RocksDB 7.8 to 11; what a later one adds, and marks as
// skippable, is skipped.
package ondisk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrDamaged is what every error about contents, rather than about reading them, wraps.
var ErrDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// A log consists of blocks. A record lies in one piece within a block or in several pieces; a piece is a
// checksum, a length of 16 bits, a kind, in logs that are written into old files the number of the log,
// and the bytes.
const (
	blockSize      = 32 << 10
	pieceHead      = 7
	recyclableHead = 11
)

// The kinds of pieces. Those from recyclable on have the number of the log in their head.
const (
	kindZero         = 0
	kindFull         = 1
	kindFirst        = 2
	kindMiddle       = 3
	kindLast         = 4
	kindRecyclable   = 5 // to 8: the same four again
	kindCompression  = 9
	kindTimestamps   = 10
	kindTimestamps2  = 11
	kindPredecessor  = 130
	kindPredecessor2 = 131
	kindSkippable    = 128 // who does not know a kind from here on passes over it
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// unmasked is the checksum behind a stored one: RocksDB rotates it and adds a constant.
func unmasked(stored uint32) uint32 {
	rotated := stored - 0xa282ead8
	return rotated>>17 | rotated<<15
}

// Records reads the records of a manifest or a write-ahead log, one after the other.
type Records struct {
	r     io.Reader
	block []byte // what is left of the current one
	last  bool   // it is the last one
	at    int64  // offset of what is left

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
	for {
		kind, piece, err := l.piece()
		if errors.Is(err, ErrDamaged) && l.recycled {
			err = io.EOF
		}
		if err == io.EOF && within {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch kind {
		case kindCompression:
			l.Compressed = true
			continue
		case kindTimestamps, kindTimestamps2, kindPredecessor, kindPredecessor2:
			continue
		}
		first, last := kind == kindFull || kind == kindFirst, kind == kindFull || kind == kindLast
		if first == within {
			return nil, damaged("a piece out of order before offset %d", l.at)
		}
		record = append(record, piece...)
		if last {
			return record, nil
		}
		within = true
	}
}

// piece gives the next piece, with the kind that it has in a log that is not recycled.
func (l *Records) piece() (kind int, bytes []byte, err error) {
	for len(l.block) < pieceHead {
		if err := l.fill(); err != nil {
			return 0, nil, err
		}
	}
	length, kind, head := int(binary.LittleEndian.Uint16(l.block[4:])), int(l.block[6]), pieceHead
	stored := binary.LittleEndian.Uint32(l.block)
	switch {
	case kind == kindZero && length == 0 && stored == 0:
		return 0, nil, io.EOF // space that was set aside
	case kind >= kindRecyclable && kind < kindRecyclable+4:
		kind, head = kind-kindRecyclable+kindFull, recyclableHead
	case kind == kindTimestamps2 || kind == kindPredecessor2:
		head = recyclableHead
	case kind < kindFull || kind > kindTimestamps && kind != kindPredecessor:
		return 0, nil, damaged("a piece of unknown kind %d at offset %d", kind, l.at)
	}
	if head+length > len(l.block) {
		if l.last {
			return 0, nil, io.ErrUnexpectedEOF
		}
		return 0, nil, damaged("a piece of %d bytes at offset %d reaches beyond its block", length, l.at)
	}
	if crc32.Checksum(l.block[6:head+length], castagnoli) != unmasked(stored) {
		return 0, nil, damaged("wrong checksum at offset %d", l.at)
	}
	l.recycled = l.recycled || head == recyclableHead
	bytes = l.block[head : head+length]
	l.block = l.block[head+length:]
	l.at += int64(head + length)
	return kind, bytes, nil
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
