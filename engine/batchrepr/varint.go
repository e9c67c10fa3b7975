package batchrepr

import (
	"math"
	"math/bits"
)

// maxVarintLen is the longest varint32 in bytes.
const maxVarintLen = 5

// varintLen returns how many bytes putVarint writes for v.
func varintLen(v uint32) int {
	// One byte for each seven bits, rounded up, and one for none: up to 32 bits, 9/64 is near
	// enough to 1/7.
	return (bits.Len32(v)*9 + 64) >> 6
}

// putVarint writes v at rep[at:] in its shortest form and returns the offset behind it.
func putVarint(rep []byte, at int, v uint32) int {
	for v >= 0x80 {
		rep[at] = byte(v) | 0x80
		v >>= 7
		at++
	}
	rep[at] = byte(v)
	return at + 1
}

// getVarint reads a varint32 at rep[at:] exactly as RocksDB does and returns it with the
// offset behind it, which is -1 if there is none. Like RocksDB it takes up to five bytes
// even where fewer would do, and drops the three bits of the fifth byte that have no place
// in 32; shortest reports that neither was the case.
func getVarint(rep []byte, at int) (v uint32, next int, shortest bool) {
	var wide uint64
	for i := 0; i < maxVarintLen && at+i < len(rep); i++ {
		b := rep[at+i]
		wide |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			v = uint32(wide)
			return v, at + i + 1, wide <= math.MaxUint32 && i+1 == varintLen(v)
		}
	}
	return 0, -1, false
}
