package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
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
		cmd := command(t, "load", dir, "--format", "lines", "--batch-bytes", "2000")
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
		m := regexp.MustCompile(`^rockbridge: interrupted: (\d+) rows written\n$`).FindStringSubmatch(stderr.String())
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

// TestAnInterruptedScanStops interrupts a scan while it waits for its reader.
func TestAnInterruptedScanStops(t *testing.T) {
	const rows = 99999
	dir := newDatabase(t, manyRows(rows))
	cmd := command(t, "scan", dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the pipe is full: the scan gets no further meanwhile
	rest, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // its error is the exit code below
	if cmd.ProcessState.ExitCode() != exitError || stderr.String() != "rockbridge: interrupted\n" {
		t.Errorf("%v, stderr %q", cmd.ProcessState, stderr.String())
	}
	if got := bytes.Count(rest, []byte("\n")); got >= rows || got == 0 || !bytes.HasSuffix(rest, []byte("\n")) {
		t.Errorf("%d rows printed of %d", got, rows)
	}
}

// TestAnInterruptedDemoRemovesItsDatabase interrupts it while it loads or scans.
func TestAnInterruptedDemoRemovesItsDatabase(t *testing.T) {
	temp := t.TempDir()
	cmd := command(t, "demo", "--rounds", "100000", "--data", writeFile(t, "rows.tsv", manyRows(2000)))
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if made, err := os.ReadDir(temp); err == nil && len(made) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the demo made no database in a minute")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // its error is the exit code below
	if cmd.ProcessState.ExitCode() != exitError || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("%v, stderr %q", cmd.ProcessState, stderr.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
