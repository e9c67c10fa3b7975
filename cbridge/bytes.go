package cbridge

// #include "rb.h"
import "C"

import "unsafe"

// Limits that RocksDB's lengths set, in bytes. Callers refuse what exceeds them.
const (
	MaxKeySize   = C.RB_MAX_KEY
	MaxValueSize = C.RB_MAX_VALUE
	MaxBatchSize = C.RB_MAX_BATCH
)

// ptr gives C the bytes of b. C reads len(b) bytes and looks at no pointer when that is 0.
func ptr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

// lent makes a slice over n bytes of C memory.
func lent(p *C.uint8_t, n uint64) []byte {
	if n == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(p), int(n))
}

// flag is a boolean as C takes it.
func flag(b bool) C.uint8_t {
	if b {
		return 1
	}
	return 0
}
