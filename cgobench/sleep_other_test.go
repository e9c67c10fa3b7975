// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !linux

package cgobench

import "testing"

func TestGoroutineAsleepInCHoldsThread(t *testing.T) {
	t.Skip("counting a process's threads reads /proc/self/status, which is Linux's")
}
