// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// heading says what was measured on: figures of different machines, compilers
// or builds do not compare.
func heading() string {
	c := compiler()
	if c != "" && c[0] >= '0' && c[0] <= '9' {
		c = "gcc " + c
	}
	text := fmt.Sprintf(
		"What a cgo call costs: %s, C by %s, %s/%s, GOMAXPROCS %d.\n",
		runtime.Version(), c, runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0),
	)
	text += "Article: \"The Cost and Complexity of Cgo\", Cockroach Labs, 2015. Ratios say more than times."
	for _, s := range buildSettings() {
		switch s.Key {
		case "-gcflags", "-race", "-asan", "-msan", "CGO_CFLAGS":
			if s.Value != "" {
				text += fmt.Sprintf("\nBuilt with %s=%s.", s.Key, s.Value)
			}
		}
	}
	return text
}

func buildSettings() []debug.BuildSetting {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Settings
	}
	return nil
}
