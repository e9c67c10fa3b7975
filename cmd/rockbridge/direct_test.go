package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDirectLoadsAreAllOrNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	sorted, unsorted := writeFile(t, "a.tsv", "a\t1\nb\t1\n"), writeFile(t, "b.tsv", "z\t2\nb\t2\nb\t3\n")
	out := succeed(t, "load", dir, sorted, "--direct")
	if !regexp.MustCompile(`^2 rows loaded in \S+: sorted input, 2 keys, 1 files\n$`).MatchString(out) {
		t.Errorf("%q", out)
	}
	out = succeed(t, "load", dir, unsorted, "--direct", "--memory", "65536", "--temp-dir", t.TempDir())
	if !regexp.MustCompile(`^3 rows loaded in \S+: unsorted input, 2 keys, 1 files\n$`).MatchString(out) {
		t.Errorf("%q", out)
	}
	if got, want := succeed(t, "scan", dir), "a\t1\nb\t3\nz\t2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	bad := writeFile(t, "c.tsv", "c\t1\nno tab\n")
	fail(t, exitError, []string{"load", dir, bad, "--direct"}, "c.tsv:2:", "nothing loaded")
	if got, want := succeed(t, "count", dir), "3\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "rockbridge-load-*")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestDirectLoadsRefuseFlags(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "db"), writeFile(t, "a.tsv", "a\t1\n")
	fail(t, exitUsage, []string{"load", dir, file, "--direct", "--sync"}, "--sync is of no use with --direct")
	fail(t, exitUsage, []string{"load", dir, file, "--resume"}, "--resume needs --direct")
	fail(t, exitError, []string{"load", dir, file, "--direct", "--memory", "1"}, "Memory")
}

// TestADirectLoadIsInterruptedAndGoneOnWith ends a load whose input blocks, and has another one finish it.
func TestADirectLoadIsInterruptedAndGoneOnWith(t *testing.T) {
	var input bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&input, "%08d\t%s\n", i*7919%20_000, strings.Repeat("v", 20))
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "db")
		args := []string{"load", dir, "--format", "tsv", "--direct", "--resume", "--memory", "200000"}
		cmd := command(t, args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := stdin.Write(input.Bytes()); err != nil {
			t.Fatal(err)
		}
		noted := func() bool {
			notes, _ := filepath.Glob(filepath.Join(parent, "rockbridge-load-*", "NOTES"))
			text, err := os.ReadFile(strings.Join(notes, ""))
			return err == nil && bytes.Count(text, []byte("Run")) > 2
		}
		for deadline := time.Now().Add(time.Minute); !noted(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no run in a minute")
			}
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its error is the exit code
		if signal == syscall.SIGINT && stderr.String() != "rockbridge: interrupted (nothing loaded; --resume goes on)\n" {
			t.Errorf("%q", stderr.String())
		}
		if got := succeed(t, "count", dir); got != "0\n" {
			t.Errorf("%v: %q", signal, got)
		}
		out := succeedWith(t, input.String(), args...)
		if !regexp.MustCompile(`^20000 rows loaded in \S+: unsorted input, 20000 keys, \d+ files, \d+ rows of them before\n$`).MatchString(out) {
			t.Errorf("%v: %q", signal, out)
		}
		if got := succeed(t, "count", dir); got != "20000\n" {
			t.Errorf("%v: %q", signal, got)
		}
	}
}
