// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"bytes"
	"testing"
)

// C must never write past the slice that Go gave it to fill, nor past its text.
func TestFillStaysWithinSliceAndText(t *testing.T) {
	const room = 12
	for size := 0; size <= room; size++ {
		for n := 0; n <= room; n++ {
			buf := make([]byte, room)
			got, want := fillText(buf[:n], size), min(size, n)
			if got != want || bytes.Count(buf[:want], []byte("x")) != want || bytes.Count(buf[want:], []byte{0}) != room-want {
				t.Errorf("a text of %d into a slice of %d wrote %d: %q", size, n, got, buf)
			}
		}
	}
}
