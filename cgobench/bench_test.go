// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"runtime"
	"testing"
)

// measured is what TestMain prints at the end.
var measured table

func BenchmarkEmpty(b *testing.B)     { benchmarkLoops(b, emptyLoops()) }
func BenchmarkPointer(b *testing.B)   { benchmarkLoops(b, pointerLoops()) }
func BenchmarkResult(b *testing.B)    { benchmarkLoops(b, resultLoops()) }
func BenchmarkTextToC(b *testing.B)   { benchmarkLoops(b, toCLoops()) }
func BenchmarkTextFromC(b *testing.B) { benchmarkLoops(b, fromCLoops()) }
func BenchmarkCopy64(b *testing.B)    { benchmarkLoops(b, copyLoops()) }
func BenchmarkCallback(b *testing.B)  { benchmarkLoops(b, visitLoops()) }

func benchmarkLoops(b *testing.B, loops []loop) {
	for _, l := range loops {
		b.Run(l.name, func(b *testing.B) { benchmarkLoop(b, l) })
	}
}

// benchmarkLoop times b.N operations. It uses neither b.Loop nor a closure per
// operation: where inlining is off, those calls would be in the figure.
func benchmarkLoop(b *testing.B, l loop) {
	b.ReportAllocs()
	before := mallocs()
	b.ResetTimer()
	sum := l.run(b.N)
	b.StopTimer()
	allocated := mallocs() - before
	b.ReportMetric(float64(l.crossings), "C-calls/op")
	if want := l.want * uint64(b.N); sum != want {
		b.Fatalf("%d operations returned %d, want %d", b.N, sum, want)
	}
	measured.add(b.Name(), b.N, figure{
		ns:        float64(b.Elapsed().Nanoseconds()) / float64(b.N),
		allocs:    float64(allocated) / float64(b.N),
		crossings: l.crossings,
	})
}

// mallocs is how many objects this process has allocated in Go so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
