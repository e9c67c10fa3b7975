// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgotrace_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/cgotrace"
	_ "github.com/rockbridge-db/rockbridge/engine" // so that the test cache knows what probe is made of
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// The program in internal/probe, with the import and without it. It is built, since what "go test"
// links has no line numbers.
var (
	folder string
	traced = sync.OnceValues(func() (string, error) { return build("traced") })
	plain  = sync.OnceValues(func() (string, error) { return build("plain", "-tags=untraced") })
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "cgotrace-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder)
		return m.Run()
	}())
}

func build(name string, flags ...string) (string, error) {
	program := filepath.Join(folder, name)
	args := append([]string{"build", "-o", program}, flags...)
	out, err := exec.Command("go", append(args, "./internal/probe")...).CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return program, err
}

// probe gives one of the two programs; without support there is nothing to look at.
func probe(t testing.TB, which func() (string, error)) string {
	t.Helper()
	if !cgotrace.Supported() {
		t.Skip("this build cannot trace C: see the package's comment")
	}
	if os.Getenv(runner.Variable) != "" {
		t.Skip("under an emulator, whose file stands in /proc/self/exe, names cannot be had, and debuggers see the emulator")
	}
	program, err := which()
	if err != nil {
		t.Fatalf("probe is not built: %v", err)
	}
	return program
}

// shown is how a program ended and what it printed.
type shown struct {
	text string
	err  error
}

// run runs a command in a folder of its own, or in dir, and kills it if it hangs.
func run(t testing.TB, dir, program string, args ...string) shown {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOTRACEBACK=single", "NO_COLOR=1", "TERM=dumb")
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s %v hung:\n%s", filepath.Base(program), args, &out)
	}
	return shown{out.String(), err}
}

// inOrder reports the first of the words that does not follow the one before it in text, or "".
func inOrder(text string, words ...string) string {
	for _, w := range words {
		_, after, found := strings.Cut(text, w)
		if !found {
			return w
		}
		text = after
	}
	return ""
}

// lineOf gives the number of the line of a file that contains text.
func lineOf(t testing.TB, file, text string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(b), text)
	if !found {
		t.Fatalf("%s does not contain %q", file, text)
	}
	return 1 + strings.Count(before, "\n")
}
