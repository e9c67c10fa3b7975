package batchrepr

import (
	"fmt"
	"math"
)

// MaxRecordLen is the largest sum of the lengths of key and value in one record, in bytes,
// for every kind. RocksDB's memtable adds to them an 8-byte suffix of the key, two varint
// lengths and up to 8 bytes of checksum, and computes the sum in 32 bits without a check: a
// larger record would be written beyond its allocation.
const MaxRecordLen = math.MaxUint32 - (8 + 5 + 5 + 8)

// AppendPut appends to rep a record that sets the value of key in the family of that id
// and returns the extended slice, as append does. Key and value are copied; nil is as
// empty. The header is not touched, see [SetCount].
//
// It allocates nothing if rep has room. If not, the room at least doubles.
//
// It panics if key and value together are longer than [MaxRecordLen]: such a record could
// never be written.
func AppendPut(rep []byte, family uint32, key, value []byte) []byte {
	return appendTwo(rep, uint64(family)<<8|tagPut, key, value)
}

// AppendMerge is as [AppendPut], for a record that adds operand to key.
func AppendMerge(rep []byte, family uint32, key, operand []byte) []byte {
	return appendTwo(rep, uint64(family)<<8|tagMerge, key, operand)
}

// AppendPutEntity is as [AppendPut], for a record that sets the columns of key. They come in RocksDB's form of them, as
// Record.Value has it: [Check] looks at that, this does not.
func AppendPutEntity(rep []byte, family uint32, key, columns []byte) []byte {
	return appendTwo(rep, uint64(family)<<8|tagPutEntity, key, columns)
}

// AppendDeleteRange is as [AppendPut], for a record that deletes the keys from start up to
// and not including end, in the order of the family.
//
// RocksDB fails a batch whose start lies behind its end, and it does so after logging it:
// refuse such a range before. A range with start equal to end is harmless and does
// nothing. There is no way to say "to the last key".
func AppendDeleteRange(rep []byte, family uint32, start, end []byte) []byte {
	return appendTwo(rep, uint64(family)<<8|tagDeleteRange, start, end)
}

// AppendDelete is as [AppendPut], for a record that deletes key.
func AppendDelete(rep []byte, family uint32, key []byte) []byte {
	return appendOne(rep, uint64(family)<<8|tagDelete, key)
}

// AppendSingleDelete is as [AppendPut], for a record that deletes a key which was put once
// since it was last absent, and never merged into.
func AppendSingleDelete(rep []byte, family uint32, key []byte) []byte {
	return appendOne(rep, uint64(family)<<8|tagSingleDelete, key)
}

// AppendLogData is as [AppendPut], for a blob that goes to the write-ahead log with the
// batch and touches no key. It is not part of the record count.
func AppendLogData(rep, blob []byte) []byte {
	return appendOne(rep, tagLogData, blob)
}

// appendTwo appends a record of two fields. The low byte of head is the tag for the
// default family, the rest the family: one word instead of two keeps more of the
// arguments in registers.
//
// The quick way is for what is most common: the default family and two lengths of one
// byte each. There the lengths are written first and the bytes copied last, as few values
// then have to survive a call.
func appendTwo(rep []byte, head uint64, key, value []byte) []byte {
	if head > 0xff || uint(len(key)|len(value)) >= 0x80 {
		return appendTwoLong(rep, head, key, value)
	}
	at := len(rep)
	rep = extend(rep, 3+len(key)+len(value))
	dst := rep[at:]
	dst[0] = byte(head)
	dst[1] = byte(len(key))
	dst[2+len(key)] = byte(len(value))
	copy(dst[3+len(key):], value)
	copy(dst[2:], key)
	return rep
}

// appendTwoLong is appendTwo for any family and any length.
func appendTwoLong(rep []byte, head uint64, key, value []byte) []byte {
	mustFit(uint64(len(key)) + uint64(len(value)))
	keyLen, valueLen := uint32(len(key)), uint32(len(value))
	at := len(rep)
	rep = extend(rep, headLen(head)+
		varintLen(keyLen)+len(key)+varintLen(valueLen)+len(value))
	at = putHead(rep, at, head)
	at = putVarint(rep, at, keyLen)
	at += copy(rep[at:], key)
	at = putVarint(rep, at, valueLen)
	copy(rep[at:], value)
	return rep
}

// appendOne appends a record of one field. For head see appendTwo.
func appendOne(rep []byte, head uint64, field []byte) []byte {
	mustFit(uint64(len(field)))
	n := uint32(len(field))
	at := len(rep)
	rep = extend(rep, headLen(head)+varintLen(n)+len(field))
	at = putHead(rep, at, head)
	at = putVarint(rep, at, n)
	copy(rep[at:], field)
	return rep
}

// headLen returns the length of the tag and the family that head stands for.
func headLen(head uint64) int {
	if head <= 0xff {
		return 1
	}
	return 1 + varintLen(uint32(head>>8))
}

// putHead writes the tag and the family that head stands for at rep[at:] and returns the
// offset behind them.
func putHead(rep []byte, at int, head uint64) int {
	if head <= 0xff {
		rep[at] = byte(head)
		return at + 1
	}
	rep[at] = familyTags[byte(head)]
	return putVarint(rep, at+1, uint32(head>>8))
}

// mustFit panics if a record may not have n bytes of key and value. To cut a length to 32
// bits would make a batch that ruins the database it is written to.
func mustFit(n uint64) {
	if n > MaxRecordLen {
		panic(fmt.Sprintf("batchrepr: record of %d bytes, limit %d", n, uint64(MaxRecordLen)))
	}
}

// extend returns rep lengthened by n bytes whose content is not defined.
func extend(rep []byte, n int) []byte {
	if n <= cap(rep)-len(rep) {
		return rep[:len(rep)+n]
	}
	return grow(rep, n)
}

// firstRoom is what a batch gets for its first record, in bytes.
const firstRoom = 256

// grow is extend into new memory. It doubles where append, for large slices, adds a
// quarter, because a batch grows to the size that its writer aims at and then stays there.
func grow(rep []byte, n int) []byte {
	need := len(rep) + n
	room := max(need, firstRoom)
	if double := 2 * cap(rep); double > room {
		room = double
	}
	grown := make([]byte, need, room)
	copy(grown, rep)
	return grown
}
