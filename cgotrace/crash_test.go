// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgotrace_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const crashSource = "internal/crash/crash.c"

func TestACrashInCPrintsTheCStackAndTheGoStack(t *testing.T) {
	t.Parallel()
	out := run(t, "", probe(t, traced), "fault")
	at := func(text string) string { return fmt.Sprintf("crash.c:%d pc=", lineOf(t, crashSource, text)) }
	missing := inOrder(out.text, "SIGSEGV: segmentation violation", "signal arrived during cgo execution",
		"\nrb_crash_inner\n\t", at("*rb_crash_nowhere = 1"),
		"\nrb_crash_middle\n\t", at("  rb_crash_inner();"),
		"\nrb_crash_fault\n\t", at("  rb_crash_middle();"),
		"\nruntime.cgocall(", "\nmain.play(", "main.go:", "\nmain.main(")
	if out.err == nil || missing != "" {
		t.Errorf("%v; %q is missing in\n%s", out.err, missing, out.text)
	}
	if strings.Contains(out.text, "asmcgocall") {
		t.Errorf("the switch of stacks is shown:\n%s", out.text)
	}
}

func TestACrashWithoutTheImportPrintsTheGoStackOnly(t *testing.T) {
	t.Parallel()
	out := run(t, "", probe(t, plain), "fault")
	missing := inOrder(out.text, "SIGSEGV: segmentation violation", "signal arrived during cgo execution",
		"\nruntime.cgocall(", "\nmain.play(", "\nmain.main(")
	if out.err == nil || missing != "" {
		t.Errorf("%v; %q is missing in\n%s", out.err, missing, out.text)
	}
	if strings.Contains(out.text, "rb_crash_inner") || strings.Contains(out.text, "crash.c") {
		t.Errorf("C frames are shown:\n%s", out.text)
	}
}

// TestACrashWithABrokenStackPrintsTheGoStack lets the walk itself fault.
func TestACrashWithABrokenStackPrintsTheGoStack(t *testing.T) {
	t.Parallel()
	for name, which := range map[string]func() (string, error){"traced": traced, "plain": plain} {
		out := run(t, "", probe(t, which), "smash")
		missing := inOrder(out.text, "SIGSEGV: segmentation violation", "signal arrived during cgo execution",
			"\nruntime.cgocall(", "\nmain.play(", "\nmain.main(")
		if out.err == nil || missing != "" {
			t.Errorf("%s: %v; %q is missing in\n%s", name, out.err, missing, out.text)
		}
		if shown := strings.Contains(out.text, "\nrb_crash_smash\n"); shown != (name == "traced") {
			t.Errorf("%s: where it crashed is shown: %t\n%s", name, shown, out.text)
		}
	}
}

// TestACrashOnAThreadOfC holds docs/debugging.md to its word: Go prints nothing, the core tells.
func TestACrashOnAThreadOfC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		args   []string
		frames []string
	}{
		{"a thread of its own", []string{"thread"}, []string{
			"signal handler called", "rb_crash_inner (", "crash.c:", "rb_crash_middle (", "rb_crash_body (",
		}},
		{"RocksDB's pool", []string{"background", "db"}, []string{
			"signal handler called", "rocksdb::ThreadPoolImpl::Impl::BGThread",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program, dir := probe(t, traced), t.TempDir()
			limit := "ulimit -c unlimited && exec \"$0\" \"$@\""
			out := run(t, dir, "sh", append([]string{"-c", limit, program}, c.args...)...)
			if out.err == nil || out.text != "" {
				t.Errorf("%v, and it printed\n%s", out.err, out.text)
			}
			cores, err := filepath.Glob(filepath.Join(dir, "core*"))
			if err != nil || len(cores) != 1 {
				pattern, _ := os.ReadFile("/proc/sys/kernel/core_pattern")
				t.Skipf("%d cores in the program's folder, core_pattern is %q: %v", len(cores), pattern, err)
			}
			back := run(t, "", tool(t, "gdb"), "-q", "-batch", "-nx", "-ex", "bt", program, cores[0])
			if missing := inOrder(back.text, c.frames...); missing != "" {
				t.Errorf("%v; %q is missing in\n%s", back.err, missing, back.text)
			}
		})
	}
}
