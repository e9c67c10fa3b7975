// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// childEnv names the mode in which the test program runs as a child.
const childEnv = "RB_BENCH_CHILD"

// childTime is how long a child may take on a busy machine.
const childTime = 2 * time.Minute

// childModes are the things that would harm the test process and are therefore
// done in a child of it. Each writes its findings to standard output.
var childModes = map[string]func() error{}

// runChild does what mode says and ends the process.
func runChild(mode string) {
	run, ok := childModes[mode]
	if !ok {
		fmt.Fprintf(os.Stderr, "cgobench: no child mode %q\n", mode)
		os.Exit(3)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "cgobench: child %s: %v\n", mode, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// spawn runs the test program as a child in mode and returns what it wrote.
// The error is an *exec.ExitError if the child ended badly.
func spawn(tb testing.TB, mode string) (stdout, stderr string, err error) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), childTime)
	defer cancel()
	cmd := runner.Command(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if ctx.Err() != nil {
		tb.Fatalf("child %s took more than %v", mode, childTime)
	}
	return out.String(), errs.String(), err
}
