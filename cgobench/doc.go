// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

// Package cgobench measures what it costs to call C from Go, in the way of "The
// Cost and Complexity of Cgo" (Cockroach Labs, 2015), ten years on. It links no
// library: its C functions do next to nothing, so that the way there and back is
// all that shows. rockbridge crosses once for a batch of rows because of it.
//
// The package exports nothing. It is run:
//
//	go test -bench . ./cgobench
//	go test -bench . -gcflags=-l ./cgobench
//
// # What is measured
//
//	Empty      a function that does nothing, in C and in Go: the article's own pair
//	Pointer    a pointer to Go memory as argument: void * or uint8_t *, to a slice on
//	           the heap or an array on the stack, under #cgo noescape and nocallback,
//	           under one of them, and under neither
//	Result     a struct of five fields, returned by value or written to a pointer
//	TextToC    C.CString and free, beside the Go slice itself and a copy made in Go
//	TextFromC  C.GoString and C.GoBytes of memory that C lends, beside a slice that
//	           Go owns and C fills, with and without a copy made in Go after it
//	Copy64     64 bytes copied in C and in Go
//	Callback   Go functions called from C, one in a crossing and a hundred
//	Sleepers   threads of a process with 1,000 goroutines asleep in C, with 1,000
//	           asleep in Go, and with 1,000 of which 16 at a time may be in C (Linux)
//
// # How to read it
//
// After the benchmarks a table shows every figure once more, beside the two that
// the article gave: 171 ns for an empty call to C and 1.83 ns for an empty call in
// Go. "x Go call" is the time in empty Go calls, that is, divided by Empty/Go of
// the same run. Times change with the machine and its load, so compare ratios of
// one run, and use -count: the table takes the median. "C calls" is how many
// crossings one operation makes; tests hold that number against the runtime's
// own count, and the allocations that matter against what they should be.
// Nothing asserts a time or a ratio. Under -race, -asan or CGO_CFLAGS of your own
// the figures are those of another program; the table says so.
//
// A blocked goroutine costs a few KiB in Go and a whole thread in C, and a process
// that reaches its limit of threads ends. Hence the last lines of the table, and
// the bound on goroutines inside C that stands behind them.
//
// # Pitfalls
//
// Inlining. The compiler inlines an empty Go function away, and then the loop
// around it is measured. Empty/Go is marked noinline and stays a call in every
// build; Empty/Go_inlinable is the plain function, and becomes a call under
// -gcflags=-l, as the article measured it. A call to C is never inlined: its
// bodies are in .c files, apart from the code that cgo generates, which a C
// compiler could merge them with.
//
// -gcflags=-l. It applies to every Go function of this package, so each wrapper
// around a call to C, and testing.B.Loop, would show in the figures. That is why
// the loops stand in the files that import "C" and count to b.N. What cgo
// generates loses its inlining too, which the noise of measuring hides.
//
// noescape and nocallback pay only as a pair. Without both, a variable whose
// address goes to C moves to the heap, one allocation in each call, because C
// might keep the pointer or Go's stack might move in a callback. Either
// directive alone saves no allocation (Go 1.26); a function without pointers, and a
// slice that is on the heap anyway, gain nothing.
// A function that calls back in spite of nocallback panics; a pointer that C keeps
// in spite of noescape is silent corruption.
//
// void * is dearer than uint8_t *. Memory passed as void * could hold Go
// pointers, which C must not see, so each call looks it up; a uint8_t * cannot.
//
// Strings. C.CString is three crossings (allocate, call, free), and the one who
// forgets the free leaks. C.GoString and C.GoBytes allocate for each result.
// Filling a slice that Go owns and reuses does neither.
package cgobench
