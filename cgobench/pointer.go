// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #include "cgobench.h"
//
// #cgo noescape rb_bench_touch_void_noescape
// #cgo nocallback rb_bench_touch_void_nocallback
// #cgo noescape rb_bench_touch_void_pair
// #cgo nocallback rb_bench_touch_void_pair
//
// #cgo noescape rb_bench_touch_bytes_noescape
// #cgo nocallback rb_bench_touch_bytes_nocallback
// #cgo noescape rb_bench_touch_bytes_pair
// #cgo nocallback rb_bench_touch_bytes_pair
import "C"

import "unsafe"

const (
	heapBytes  = 64 << 10 // of the slice on the heap
	stackBytes = 32       // of the array on the stack
)

// voidHeapLoops pass a heap slice as void *: Go looks the address up in its
// heap, to see whether the memory holds pointers.
func voidHeapLoops() []loop {
	return []loop{
		{"void/heap/unmarked", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_void(unsafe.Pointer(&b[0]), heapBytes))
			}
			return sum
		}},
		{"void/heap/noescape", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_void_noescape(unsafe.Pointer(&b[0]), heapBytes))
			}
			return sum
		}},
		{"void/heap/nocallback", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_void_nocallback(unsafe.Pointer(&b[0]), heapBytes))
			}
			return sum
		}},
		{"void/heap/pair", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_void_pair(unsafe.Pointer(&b[0]), heapBytes))
			}
			return sum
		}},
	}
}

// voidStackLoops pass an array that each operation declares anew. It stays on
// the stack only if C is known neither to keep the pointer nor to call back.
func voidStackLoops() []loop {
	return []loop{
		{"void/stack/unmarked", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_void(unsafe.Pointer(&a[0]), stackBytes))
			}
			return sum
		}},
		{"void/stack/noescape", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_void_noescape(unsafe.Pointer(&a[0]), stackBytes))
			}
			return sum
		}},
		{"void/stack/nocallback", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_void_nocallback(unsafe.Pointer(&a[0]), stackBytes))
			}
			return sum
		}},
		{"void/stack/pair", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_void_pair(unsafe.Pointer(&a[0]), stackBytes))
			}
			return sum
		}},
	}
}

// bytesHeapLoops pass the heap slice as uint8_t *: the type says that there are
// no pointers in the memory, and Go does not look.
func bytesHeapLoops() []loop {
	return []loop{
		{"uint8/heap/unmarked", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_bytes((*C.uint8_t)(&b[0]), heapBytes))
			}
			return sum
		}},
		{"uint8/heap/noescape", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_bytes_noescape((*C.uint8_t)(&b[0]), heapBytes))
			}
			return sum
		}},
		{"uint8/heap/nocallback", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_bytes_nocallback((*C.uint8_t)(&b[0]), heapBytes))
			}
			return sum
		}},
		{"uint8/heap/pair", 1, ends, func(n int) (sum uint64) {
			for b := marked(heapBytes); n > 0; n-- {
				sum += uint64(C.rb_bench_touch_bytes_pair((*C.uint8_t)(&b[0]), heapBytes))
			}
			return sum
		}},
	}
}

// bytesStackLoops pass the stack array as uint8_t *.
func bytesStackLoops() []loop {
	return []loop{
		{"uint8/stack/unmarked", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_bytes((*C.uint8_t)(&a[0]), stackBytes))
			}
			return sum
		}},
		{"uint8/stack/noescape", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_bytes_noescape((*C.uint8_t)(&a[0]), stackBytes))
			}
			return sum
		}},
		{"uint8/stack/nocallback", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_bytes_nocallback((*C.uint8_t)(&a[0]), stackBytes))
			}
			return sum
		}},
		{"uint8/stack/pair", 1, ends, func(n int) (sum uint64) {
			for range n {
				a := [stackBytes]byte{0: 3, stackBytes - 1: 4}
				sum += uint64(C.rb_bench_touch_bytes_pair((*C.uint8_t)(&a[0]), stackBytes))
			}
			return sum
		}},
	}
}

// pointerLoops is every way to hand a pointer to Go memory to C.
func pointerLoops() []loop {
	var all []loop
	for _, loops := range [][]loop{
		voidHeapLoops(), voidStackLoops(), bytesHeapLoops(), bytesStackLoops(),
	} {
		all = append(all, loops...)
	}
	return all
}
