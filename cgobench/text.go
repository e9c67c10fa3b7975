// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgobench

// #include <stdlib.h>
// #include "cgobench.h"
//
// #cgo noescape rb_bench_text_fill_pair
// #cgo nocallback rb_bench_text_fill_pair
import "C"

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"
)

// textSizes are the lengths of the texts that are copied.
var textSizes = []int{16, 1 << 10, 64 << 10}

// textWant is what a text of size letters 'x' adds: length, first and last byte.
func textWant(size int) uint64 { return uint64(size) + 2*'x' }

// toCLoops hand a Go text to C: as a C string that is made and freed for the
// call, as the Go slice that it is, and as a copy made in Go.
func toCLoops() []loop {
	var all []loop
	for _, size := range textSizes {
		s := strings.Repeat("x", size)
		all = append(
			all,
			loop{"CString/" + strconv.Itoa(size), 3, textWant(size), func(n int) (sum uint64) {
				for range n {
					c := C.CString(s)
					sum += uint64(size) + uint64(C.rb_bench_touch_bytes_pair((*C.uint8_t)(unsafe.Pointer(c)), C.size_t(size)))
					C.free(unsafe.Pointer(c))
				}
				return sum
			}},
			loop{"GoSlice/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
				for b := append(zeroed(size)[:0], s...); n > 0; n-- {
					sum += uint64(len(b)) + uint64(C.rb_bench_touch_bytes_pair((*C.uint8_t)(&b[0]), C.size_t(len(b))))
				}
				return sum
			}},
			loop{"GoCopy/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
				for b := zeroed(size); n > 0; n-- {
					b = append(b[:0], s...)
					sum += uint64(len(b)) + uint64(C.rb_bench_touch_bytes_pair((*C.uint8_t)(&b[0]), C.size_t(len(b))))
				}
				return sum
			}},
		)
	}
	return all
}

// fromCLoops bring a text from C into Go: copied out of memory that C lends, by
// C.GoString and C.GoBytes; filled by C into a slice that Go owns, as it is or
// copied once more into a string; and, for the bare copy, from Go to Go.
func fromCLoops() []loop {
	var all []loop
	for _, size := range textSizes {
		all = append(all, lentLoops(size)...)
		all = append(all, ownedLoops(size)...)
	}
	return all
}

func lentLoops(size int) []loop {
	return []loop{
		{"GoString/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
			t := newText(size)
			defer C.rb_bench_text_free(t)
			for range n {
				s := C.GoString(C.rb_bench_text_data(t))
				sum += uint64(len(s)) + uint64(s[0]) + uint64(s[len(s)-1])
			}
			return sum
		}},
		{"GoBytes/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
			t := newText(size)
			defer C.rb_bench_text_free(t)
			for range n {
				b := C.GoBytes(unsafe.Pointer(C.rb_bench_text_data(t)), C.int(size))
				sum += uint64(len(b)) + uint64(b[0]) + uint64(b[len(b)-1])
			}
			return sum
		}},
	}
}

func ownedLoops(size int) []loop {
	return []loop{
		{"Fill/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
			t := newText(size)
			defer C.rb_bench_text_free(t)
			for b := zeroed(size); n > 0; n-- {
				got := b[:C.rb_bench_text_fill_pair(t, (*C.uint8_t)(&b[0]), C.size_t(len(b)))]
				sum += uint64(len(got)) + uint64(got[0]) + uint64(got[len(got)-1])
			}
			return sum
		}},
		{"FillThenCopy/" + strconv.Itoa(size), 1, textWant(size), func(n int) (sum uint64) {
			t := newText(size)
			defer C.rb_bench_text_free(t)
			for b := zeroed(size); n > 0; n-- {
				s := goString(b[:C.rb_bench_text_fill_pair(t, (*C.uint8_t)(&b[0]), C.size_t(len(b)))])
				sum += uint64(len(s)) + uint64(s[0]) + uint64(s[len(s)-1])
			}
			return sum
		}},
		{"GoToGo/" + strconv.Itoa(size), 0, textWant(size), func(n int) (sum uint64) {
			for b := append(zeroed(size)[:0], strings.Repeat("x", size)...); n > 0; n-- {
				s := goString(b)
				sum += uint64(len(s)) + uint64(s[0]) + uint64(s[len(s)-1])
			}
			return sum
		}},
	}
}

// goString copies b, out of the compiler's sight: it would otherwise read a
// short-lived string in place.
//
//go:noinline
func goString(b []byte) string { return string(b) }

// newText makes a C text of size letters; the caller frees it. Like Go's own
// allocator it does not return when there is no memory.
func newText(size int) *C.rb_bench_text {
	t := C.rb_bench_text_new(C.size_t(size))
	if t == nil {
		panic(fmt.Sprintf("cgobench: C has no memory for a text of %d bytes", size))
	}
	return t
}

// fillText lets C fill dst from a text of size letters and returns how many it
// wrote.
func fillText(dst []byte, size int) int {
	t := newText(size)
	defer C.rb_bench_text_free(t)
	return int(C.rb_bench_text_fill_pair(t, (*C.uint8_t)(unsafe.SliceData(dst)), C.size_t(len(dst))))
}
