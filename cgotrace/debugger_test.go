// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgotrace_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool finds a debugger in .build/bin or on the path. Continuous integration has to have gdb.
func tool(t testing.TB, name string) string {
	t.Helper()
	if built, err := filepath.Abs("../.build/bin/" + name); err == nil {
		if _, err := os.Stat(built); err == nil {
			return built
		}
	}
	found, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("ROCKBRIDGE_MUST_RUN") != "" && name == "gdb":
		t.Fatal("gdb is not installed, and ROCKBRIDGE_MUST_RUN is set: make setup-debug")
	default:
		t.Skipf("%s is not installed; make setup-debug installs it", name)
	}
	return found
}

// fillLine is a line inside rb_iter_fill.
func fillLine(t testing.TB) string {
	return fmt.Sprintf("cbridge/fill.c:%d", lineOf(t, "../cbridge/fill.c", "\n  rb_iter_move(it, move, key, klen);")+1)
}

func TestGDBShowsBothHalvesOfTheStack(t *testing.T) {
	t.Parallel()
	program := probe(t, traced)
	goroot := run(t, "", "go", "env", "GOROOT")
	scripts := filepath.Join(strings.TrimSpace(goroot.text), "src", "runtime")
	out := run(t, "", tool(t, "gdb"), "-q", "-batch", "-nx", "-iex", "add-auto-load-safe-path "+scripts,
		"-ex", "handle SIGURG nostop noprint", "-ex", "break "+fillLine(t), "-ex", "run",
		"-ex", "bt 3", "-ex", "goroutine 1 bt", "-ex", "kill", "--args", program, "scan", "db", "1")
	missing := inOrder(out.text, "hit Breakpoint 1, rb_iter_fill (", "#0  rb_iter_fill (", "fill.c:",
		"_Cfunc_rb_iter_fill (", "runtime.asmcgocall",
		"runtime.cgocall (", "cbridge.(*Iter).Fill (", "iterator.(*Iterator).First (", "main.rows (", "main.main (")
	if missing != "" {
		t.Errorf("%v; %q is missing in\n%s", out.err, missing, out.text)
	}
}

func TestDelveShowsOneStack(t *testing.T) {
	t.Parallel()
	dlv, program, dir := tool(t, "dlv"), probe(t, traced), t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("break "+fillLine(t)+"\ncontinue\nbt 30\nexit\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := run(t, dir, dlv, "exec", "--allow-non-terminal-interactive", "--check-go-version=false", "--init", script,
		program, "--", "scan", "db", "1")
	missing := inOrder(out.text, " 0  0x", "C.rb_iter_fill", "fill.c:", "_Cfunc_rb_iter_fill", "runtime.asmcgocall",
		"runtime.cgocall", "cbridge.(*Iter).Fill", "iterator.(*Iterator).First", "main.rows", "main.main")
	if missing != "" {
		t.Errorf("%v; %q is missing in\n%s", out.err, missing, out.text)
	}
}
