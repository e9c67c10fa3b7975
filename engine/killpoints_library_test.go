package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// killPointLibrary is testdata/killpoint.cc, compiled once.
var killPointLibrary = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "killpoint")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	lib := filepath.Join(dir, "killpoint.so")
	c := exec.Command("g++", "-std=c++17", "-O2", "-fPIC", "-shared", "-o", lib, filepath.Join("testdata", "killpoint.cc"))
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("g++: %w\n%s", err, out)
	}
	return os.ReadFile(lib)
})

// killPoints starts children that die inside RocksDB.
type killPoints struct{ library string }

// noKillPoints is the exit code of testdata/killpoint.cc where the library has none.
const noKillPoints = 77

// newKillPoints skips the test where there is no compiler for testdata/killpoint.cc.
func newKillPoints(t *testing.T) killPoints {
	t.Helper()
	if _, err := exec.LookPath("g++"); err != nil {
		if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
			t.Fatal("g++ is not installed, and ROCKBRIDGE_MUST_RUN is set")
		}
		t.Skip("g++ is not installed")
	}
	text, err := killPointLibrary()
	if err != nil {
		t.Fatal(err)
	}
	k := killPoints{filepath.Join(t.TempDir(), "killpoint.so")}
	if err := os.WriteFile(k.library, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return k
}

// killOrder is where a child is to die: at a kill point that is not spared, once in so many times.
type killOrder struct {
	odds     int
	spared   string
	how      string        // of crashChild
	patience time.Duration // how long it may write before it is killed from outside
}

var crashingAt = regexp.MustCompile(`Crashing at (?:\S*/)?(\w+\.cc:\d+)`)

// run has a child write until it dies at a kill point, whose file and line it gives; or, if it has come to none of them
// in a while, kills it. The test is skipped if the library has no kill points.
func (k killPoints) run(t *testing.T, l *crashLife, seed uint64, o killOrder) (site string) {
	t.Helper()
	if err := l.acks.set(0, 0); err != nil {
		t.Fatal(err)
	}
	c := childCommand(context.Background(), t, "crash", l.dir, strconv.FormatUint(seed, 10), o.how)
	c.Env = append(c.Env, "LD_PRELOAD="+k.library, "KILLPOINT_ODDS="+strconv.Itoa(o.odds), "KILLPOINT_SPARE="+o.spared)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	err := l.waitForDeath(t, ended, o.patience)
	if err == nil {
		c.Process.Kill()
		err = <-ended
	}
	if c.ProcessState.ExitCode() == noKillPoints {
		t.Skip(strings.TrimSpace(stderr.String()))
	}
	if err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	if m := crashingAt.FindStringSubmatch(stdout.String()); m != nil {
		return m[1]
	}
	return ""
}

// waitForDeath waits for the end of a child, which it gives, but only so long once the child has begun to write: then nil.
func (l *crashLife) waitForDeath(t *testing.T, ended <-chan error, left time.Duration) error {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		n, err := l.acks.word(0)
		if err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			l.ready = true
			if left -= time.Millisecond; left <= 0 {
				return nil
			}
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}
