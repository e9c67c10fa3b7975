// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const brokenPromise = "broken_promise"

func init() {
	childModes[brokenPromise] = func() error {
		visitBroken()
		fmt.Println("returned")
		return nil
	}
}

// nocallback on a function that calls back is no slow path, it is a panic.
func TestCallbackThroughNocallbackFunctionPanics(t *testing.T) {
	stdout, stderr, err := spawn(t, brokenPromise)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("child ended with %v, want exit status 2 of a panic", err)
	}
	if stdout != "" || !strings.Contains(stderr, "marked with #cgo nocallback called back into Go") {
		t.Errorf("child wrote %q and %q", stdout, stderr)
	}
}
