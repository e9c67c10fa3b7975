package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is what a service manager listens on.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func told(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// A service manager is told that the server serves when it does, and that it ends when it begins to; at a path and at an abstract
// address.
func TestTheServiceManagerIsTold(t *testing.T) {
	for kind, name := range map[string]string{
		"a path": filepath.Join(t.TempDir(), "notify"), "an abstract address": fmt.Sprintf("@rockbridge-%d", os.Getpid()),
	} {
		c := manager(t, name)
		t.Setenv("NOTIFY_SOCKET", name)
		s := startServing(t, filepath.Join(t.TempDir(), "db"), "--bind", "127.0.0.1", "--port", "0")
		if got := told(t, c); got != "READY=1" {
			t.Errorf("%s: first %q", kind, got)
		}
		if got, err := s.dial(t).ask("PING"); err != nil || got != "+PONG" {
			t.Errorf("%s: it is not ready: %q, %v", kind, got, err)
		}
		s.cmd.Process.Signal(syscall.SIGTERM)
		if got := told(t, c); got != "STOPPING=1" {
			t.Errorf("%s: then %q", kind, got)
		}
		if words := <-s.words; s.cmd.Wait() != nil || strings.Contains(words, "not told") {
			t.Errorf("%s: its end: %s", kind, words)
		}
	}
}

// A server that does not come to serve does not say that it would; one whose manager is gone serves, and says so.
func TestNobodyIsToldWhatIsNotSo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	c := manager(t, name)
	t.Setenv("NOTIFY_SOCKET", name)
	if r := runWith(t, "", "serve", filepath.Join(t.TempDir(), "db"), "--bind", "192.0.2.1", "--port", "0"); r.code != 1 {
		t.Fatalf("%+v", r)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Errorf("it told something: %d bytes", n)
	}
	t.Setenv("NOTIFY_SOCKET", name+".gone")
	s := startServing(t, filepath.Join(t.TempDir(), "db"), "--bind", "127.0.0.1", "--port", "0")
	if got, err := s.dial(t).ask("PING"); err != nil || got != "+PONG" {
		t.Errorf("%q, %v", got, err)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	if words := <-s.words; s.cmd.Wait() != nil || !strings.Contains(words, "the service manager is not told") {
		t.Errorf("its end: %s", words)
	}
}
