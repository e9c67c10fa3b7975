//go:build rb_jemalloc

package cbridge

// malloc and C++'s new are looked up in the libraries in the order of the link, and the C library comes
// last: so jemalloc serves all C and C++ of the program.

// #cgo LDFLAGS: -Wl,--push-state,--no-as-needed -ljemalloc -Wl,--pop-state
import "C"
