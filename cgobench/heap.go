// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

// ends is the sum of the first and the last byte of a marked slice.
const ends = 3 + 4

// marked is a slice of size bytes, zero but for a 3 at the start and a 4 at the
// end. It is on the heap: inlined, the compiler would put it on the stack of
// every loop whose C function does not let it escape, and the loops would
// differ in more than their names say.
//
//go:noinline
func marked(size int) []byte {
	b := make([]byte, size)
	b[0], b[size-1] = 3, 4
	return b
}

// zeroed is a slice of size zero bytes, on the heap as marked is.
//
//go:noinline
func zeroed(size int) []byte { return make([]byte, size) }
