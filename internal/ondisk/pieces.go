package ondisk

import (
	"encoding/binary"
	"hash/crc32"
)

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

// Why there is no piece at a place.
const (
	endsWithin  = "it ends within a piece"
	reaches     = "a piece reaches beyond its block"
	wrongSum    = "wrong checksum"
	unknownKind = "a piece of an unknown kind"
	noPiece     = "zeros"
	older       = "a piece of an older log"
	outOfOrder  = "pieces out of order"
)

// head is what a piece begins with.
type head struct {
	kind     int    // that of a log that is not recycled
	numbered bool   // it has the number of its log
	size     int    // of the head
	end      int    // of the piece
	stored   uint32 // its checksum
}

// headOf reads the head that b begins with, which has at least pieceHead bytes, or tells why there is none.
func headOf(b []byte) (h head, why string) {
	h = head{kind: int(b[6]), numbered: hasNumber(int(b[6])), size: pieceHead, stored: binary.LittleEndian.Uint32(b)}
	if h.numbered {
		h.size = recyclableHead
	}
	length := int(binary.LittleEndian.Uint16(b[4:]))
	h.end = h.size + length
	switch {
	case h.kind == kindZero && length == 0 && h.stored == 0:
		return h, noPiece
	case h.kind == kindZero || h.kind > kindTimestamps2 && h.kind < kindSkippable:
		return h, unknownKind
	case h.kind >= kindRecyclable && h.kind < kindRecyclable+4:
		h.kind += kindFull - kindRecyclable
	}
	return h, ""
}

// isTrailer tells whether the rest of a block has no room for a head and is filled up. Heads of recycled logs are longer,
// so their trailers may be as long as a head of others, which would be that of space that was set aside.
func isTrailer(rest []byte, recycled bool) bool {
	return len(rest) < pieceHead || recycled && len(rest) < recyclableHead && allZero(rest)
}

// fits tells whether the checksum is that of the piece that b begins with.
func (h head) fits(b []byte) bool {
	return crc32.Checksum(b[6:h.end], castagnoli) == unmasked(h.stored)
}

// number is that of the log, in the piece that b begins with. Logs have only so many of its bits there.
func (h head) number(b []byte) uint32 { return binary.LittleEndian.Uint32(b[pieceHead:]) }

// hasNumber tells whether pieces of a kind carry their log's number.
func hasNumber(kind int) bool {
	return kind >= kindRecyclable && kind < kindRecyclable+4 || kind == kindTimestamps2 || kind == kindPredecessor2
}
