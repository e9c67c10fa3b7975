// Package vast has address space without memory, for tests that pass lengths of gigabytes: it is all zeros, and takes memory
// only for what is looked at, which is little.
package vast

import (
	"syscall"
	"unsafe"
)

// Bytes gives n bytes that cannot be written, until the process ends.
func Bytes(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
}

// Text is the same bytes as a text, not copied. They must not change.
func Text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
