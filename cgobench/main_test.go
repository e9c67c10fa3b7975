// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs this process as somebody's child if it is told to, and prints
// the table of what was measured once the benchmarks are through.
func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		runChild(mode)
	}
	code := m.Run()
	if err := measured.print(os.Stdout, heading()); err != nil {
		fmt.Fprintln(os.Stderr, "cgobench: printing the table:", err)
		code = 1
	}
	os.Exit(code)
}
