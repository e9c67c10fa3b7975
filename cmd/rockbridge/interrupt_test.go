package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAnInterruptedLoadReportsWhatItWrote sends SIGINT to a load whose input
// neither ends nor goes on, and compares its report with the database.
func TestAnInterruptedLoadReportsWhatItWrote(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := filepath.Join(t.TempDir(), "db")
		cmd := exec.Command(program, "load", dir, "--format", "lines", "--batch-bytes", "2000")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for i := range 10000 {
			if _, err := fmt.Fprintf(stdin, "key %06d\n", i); err != nil {
				t.Fatal(err)
			}
		}
		waitForRows(t, dir)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its error is the exit code below
		if code := cmd.ProcessState.ExitCode(); code != exitError {
			t.Errorf("%v: exit code %d", signal, code)
		}
		m := regexp.MustCompile(`^rockbridge: interrupted: (\d+) rows were written\n$`).FindStringSubmatch(stderr.String())
		if m == nil || stdout.Len() != 0 {
			t.Fatalf("%v: stdout %q, stderr %q", signal, stdout.String(), stderr.String())
		}
		if got := strings.TrimSpace(succeed(t, "count", dir)); got != m[1] || got == "0" {
			t.Errorf("%v: %s rows reported, %s are there", signal, m[1], got)
		}
		stdin.Close()
	}
}

// waitForRows waits until a load in another process has written something.
func waitForRows(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if r := runWith(t, "", "count", dir); r.code == exitOK && r.stdout != "0\n" {
			return
		}
	}
	t.Fatal("the load wrote nothing in a minute")
}
