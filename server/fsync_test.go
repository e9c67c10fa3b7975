package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/server"
)

// The log is synced after a write, once an interval, and not where nothing is written or that is left to the system.
func TestTheLogIsSyncedAsOftenAsItIsAskedFor(t *testing.T) {
	s := start(t, server.Config{AppendFsyncInterval: 5 * time.Millisecond})
	c := dial(t, s.addr)
	ok := func(args ...string) {
		t.Helper()
		if got := c.ask(args...); got != "+OK\r\n" {
			t.Fatalf("%q: %q", args, got)
		}
	}
	syncs := func() uint64 {
		m, err := s.db.Metrics()
		if err != nil {
			t.Fatal(err)
		}
		return m.Commits.Syncs
	}
	await := func(what string, n uint64) {
		t.Helper()
		for begin, before := time.Now(), syncs(); syncs() < before+n; time.Sleep(time.Millisecond) {
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("%s: %d syncs in 20 s", what, syncs()-before)
			}
			ok("SET", "k", "v")
		}
	}
	none := func(what string, write bool, most uint64) {
		t.Helper()
		time.Sleep(1200 * time.Millisecond) // what a change has to count within
		before := syncs()
		for begin := time.Now(); time.Since(begin) < 1500*time.Millisecond; time.Sleep(time.Millisecond) {
			if write {
				ok("SET", "k", "v")
			}
		}
		if n := syncs() - before; n > most {
			t.Errorf("%s: %d syncs", what, n)
		}
	}
	await("every 5 ms", 20)
	none("nothing is written", false, 0)
	ok("CONFIG", "SET", "appendfsync-interval", "60000")
	none("every minute", true, 0)
	ok("CONFIG", "SET", "appendfsync-interval", "1")
	await("every millisecond", 20)
	ok("CONFIG", "SET", "appendfsync", "no")
	none("no", true, 0)
	ok("CONFIG", "SET", "appendfsync", "everysec")
	await("again", 5)
	for _, wrong := range []string{"0", "60001", "-1", "x", "1.5", ""} {
		if got := c.ask("CONFIG", "SET", "appendfsync-interval", wrong); !strings.HasPrefix(got, "-ERR CONFIG SET failed") {
			t.Errorf("%q: %q", wrong, got)
		}
	}
	if got := c.ask("CONFIG", "GET", "appendfsync-interval"); !strings.HasSuffix(got, "\r\n1\r\n") {
		t.Errorf("CONFIG GET: %q", got)
	}
}
