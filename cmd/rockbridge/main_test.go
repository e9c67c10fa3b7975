package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// program is the built binary: the tests run it as a user does.
var program string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rockbridge-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "rockbridge")
	build := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", program, ".")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

// command is a run of the program that is killed if it does not end.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return runner.Command(ctx, program, args...)
}

// result is how a run of the program ended.
type result struct {
	code           int
	stdout, stderr string
}

// runWith runs the program with stdin and arguments.
func runWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := command(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// succeed runs the program, wants exit code 0 and an empty stderr, and gives
// its stdout.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	return succeedWith(t, "", args...)
}

func succeedWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := runWith(t, stdin, args...)
	if r.code != exitOK || r.stderr != "" {
		t.Fatalf("%q: exit code %d, stderr %q", args, r.code, r.stderr)
	}
	return r.stdout
}

// fail runs the program, wants the exit code and each text in stderr, and
// nothing on stdout.
func fail(t *testing.T, code int, args []string, texts ...string) {
	t.Helper()
	failWith(t, "", code, args, texts...)
}

func failWith(t *testing.T, stdin string, code int, args []string, texts ...string) {
	t.Helper()
	r := runWith(t, stdin, args...)
	if r.code != code {
		t.Errorf("%q: exit code %d, want %d; stderr %q", args, r.code, code, r.stderr)
	}
	if r.stdout != "" {
		t.Errorf("%q: stdout %q, want none", args, r.stdout)
	}
	if !strings.HasPrefix(r.stderr, "rockbridge: ") {
		t.Errorf("%q: stderr %q does not begin with the program's name", args, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%q: stderr %q lacks %q", args, r.stderr, text)
		}
	}
}

// newDatabase makes a database of tab-separated rows and gives its directory.
func newDatabase(t *testing.T, rows string, flags ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	succeedWith(t, rows, append([]string{"load", dir, "--format", "tsv"}, flags...)...)
	return dir
}

// writeFile puts content into a new file of the given base name.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
