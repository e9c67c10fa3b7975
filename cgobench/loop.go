// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

// A loop is one measured operation. The loop over it stands beside the call,
// in a file that may import "C", because a wrapper for the benchmark to call
// would add a Go call to every figure where inlining is off.
type loop struct {
	// name is what the benchmark is called within its group.
	name string
	// crossings is how many calls from Go to C one operation makes, as
	// runtime.NumCgoCall counts them.
	crossings int
	// want is what one operation adds to run's result: proof that the bytes
	// arrived.
	want uint64
	// run performs the operation n times and returns the sum of the results.
	run func(n int) uint64
}
