//go:build !cgo

package cbridge

// RocksDB is reached through cgo. This name does not exist, so that a build without cgo ends with
// one line that says so. Go turns cgo off by itself where it finds no C compiler, and for other systems.
var _ = rockbridge_needs_CGO_ENABLED_1_and_a_C_compiler_and_librocksdb
