package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
)

// TestAClosedPipeIsQuiet reads one byte of a long scan and closes the pipe, as
// head does.
func TestAClosedPipeIsQuiet(t *testing.T) {
	dir := newDatabase(t, manyRows(20000))
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
	stdout.Close()
	if err := cmd.Wait(); err != nil || stderr.Len() != 0 {
		t.Errorf("%v, stderr %q", err, stderr.String())
	}
}

// TestAFullDeviceIsAnError writes to a device that takes nothing.
func TestAFullDeviceIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	dir := newDatabase(t, manyRows(10))
	for _, args := range [][]string{
		{"scan", dir},
		{"get", dir, "key 00001"},
		{"count", dir},
		{"stats", dir},
		{"--version"},
	} {
		cmd := command(t, args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		cmd.Run() // its error is the exit code below
		if cmd.ProcessState.ExitCode() != exitError || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%q: %v, stderr %q", args, cmd.ProcessState, stderr.String())
		}
	}
}

func manyRows(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("key " + strings.Repeat("0", 5-len(decimal(i))) + decimal(i) + "\tvalue\n")
	}
	return b.String()
}
