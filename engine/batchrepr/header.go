package batchrepr

import "encoding/binary"

// HeaderLen is the length in bytes of the header of a batch: 8 bytes of sequence number
// and 4 bytes of record count. A batch without records is exactly this long.
const HeaderLen = 12

// countAt is the offset of the record count.
const countAt = 8

// AppendHeader appends the header of an empty batch, all zero, to rep and returns the
// extended slice. A batch starts with it, so rep is usually empty.
func AppendHeader(rep []byte) []byte {
	return append(rep, make([]byte, HeaderLen)...)
}

// Count returns the record count that the header of rep states. It is 0 for a rep too
// short to have a header.
func Count(rep []byte) uint32 {
	if len(rep) < HeaderLen {
		return 0
	}
	return binary.LittleEndian.Uint32(rep[countAt:])
}

// SetCount writes n into the header of rep: the number of records in rep that touch keys,
// see [Kind.Counted]. The Append functions leave the header alone, so that a caller who
// adds many records pays for this once. It panics if rep has no header.
func SetCount(rep []byte, n uint32) {
	binary.LittleEndian.PutUint32(rep[countAt:], n)
}
