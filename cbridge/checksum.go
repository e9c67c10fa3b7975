package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_checksum
// #cgo nocallback rb_iter_checksum
// #cgo noescape rb_checksum_of
// #cgo nocallback rb_checksum_of
import "C"

// Checksum is one over rows that C goes on with; the zero value is that of no row.
type Checksum struct{ c C.rb_checksum }

// Numbers are the CRC-32C, and the bytes of keys and values.
func (s *Checksum) Numbers() (crc uint32, keyBytes, valueBytes int64) {
	return uint32(s.c.crc), int64(s.c.key_bytes), int64(s.c.value_bytes)
}

// Checksum goes on with the checksum of the rows of one stretch.
func (it *Iter) Checksum(m Move, s Stretch, sum *Checksum) Passed {
	return passed(C.rb_iter_checksum(it.p, C.uint32_t(m), s.c(), &sum.c))
}

// ChecksumOf is the CRC-32C of bytes, byTable without the processor's instruction. For tests.
func ChecksumOf(byTable bool, data []byte) uint32 {
	return uint32(C.rb_checksum_of(flag(byTable), ptr(data), C.size_t(len(data))))
}
