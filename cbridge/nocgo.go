//go:build !cgo

package cbridge

// RocksDB is reached through cgo. This name does not exist, so that a build without cgo ends with
// one line that says so.
var _ = rockbridge_needs_CGO_ENABLED_1_and_a_C_compiler
