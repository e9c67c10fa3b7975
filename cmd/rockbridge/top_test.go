package main

import (
	"bufio"
	"encoding/json"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/metrics/vars"
)

// served is a server with the metrics of a database at work, until the test ends.
func served(t *testing.T) (url string) {
	t.Helper()
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{Families: map[string]engine.FamilyOptions{"users": {}}})
	ok(t, err, vars.Publish("shop "+t.Name(), db))
	server := httptest.NewServer(expvar.Handler())
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			case <-time.After(time.Millisecond):
			}
			key := fmt.Append(nil, i)
			if err := db.Put(key, key, nil); err != nil {
				done <- err
				return
			}
			if _, err := db.Get(key, nil); err != nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		server.Close()
		close(stop)
		ok(t, <-done, db.Close())
	})
	return server.URL
}

func wants(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("no %s in:\n%s", pattern, text)
		}
	}
}

func TestTopShowsADatabaseAtWork(t *testing.T) {
	url := served(t)
	out := succeed(t, "top", url, "--once", "--interval", "300ms")
	wants(t, out,
		`^`+regexp.QuoteMeta(url)+`/debug/vars at \d\d:\d\d:\d\d, rates over \d+\.\d s\n`,
		`(?m)^process: \w+ holds \d.*, \d.* in use; Go heap \d.*; \d+ calls into C a second; `,
		`(?m)^shop TestTopShowsADatabaseAtWork$`,
		`(?m)^  memory    block cache .* of 128\.0 MiB, `,
		`(?m)^  stalls    none now; writes waited 0s in the last `,
		`(?m)^ +get +[1-9]\d* +[1-9]\d* +\d+ *$`,
		`(?m)^ +default +[1-9]\d* `, `(?m)^ +users +0 `,
	)
	if strings.Contains(out, "\x1b") {
		t.Errorf("escapes without a terminal: %q", out)
	}
}

// canned serves what change makes of the metrics, and does it anew for each reading.
type canned struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
}

func newCanned(t *testing.T, answer http.HandlerFunc) *canned {
	t.Helper()
	c := &canned{}
	c.answer.Store(&answer)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*c.answer.Load())(w, r) }))
	t.Cleanup(c.Close)
	return c
}

func answering(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// metricsJSON is what a server with such databases answers.
func metricsJSON(t *testing.T, databases map[string]engine.Metrics) string {
	t.Helper()
	variables := map[string]any{"cmdline": []string{"x"}, "memstats": map[string]int{"HeapAlloc": 3 << 20}, "closed": nil}
	for name, m := range databases {
		variables[name] = m
	}
	b, err := json.Marshal(variables)
	ok(t, err)
	return string(b)
}

func metricsOf(gets uint64) engine.Metrics {
	return engine.Metrics{
		Memory:   engine.MemoryMetrics{BlockCache: 1 << 20, BlockCacheCapacity: 2 << 20},
		Handles:  map[string]engine.HandleMetrics{"iterator": {Open: 2, OldestSeconds: 90, Lost: 1}},
		Calls:    map[string]engine.CallMetrics{"get": {Calls: gets, InFlight: 1}, "flush": {Calls: 7}, "never": {}},
		Lanes:    map[string]engine.LaneMetrics{"writes": {Width: 8, InUse: 3, Waiting: 5, Waits: gets, WaitedSeconds: float64(gets) / 1000}},
		Commits:  engine.CommitMetrics{Groups: gets, Commits: 4 * gets},
		Families: map[string]engine.FamilyMetrics{"default": {Keys: 12, Level0Files: 3, CompactionDebt: 5 << 30}},
		Process:  engine.ProcessMetrics{Allocator: "glibc", AllocatorHeld: 5 << 20, CgoCalls: 10 * gets},
		Stalls:   engine.StallMetrics{DelayedRate: 16 << 20, StalledSeconds: float64(gets) / 1000, Stops: 2},
	}
}

// framed has a watch see readings at times that are so many seconds apart.
func framed(t *testing.T, apart time.Duration, databases ...map[string]engine.Metrics) string {
	t.Helper()
	w := &watch{source: newSource("http://x", time.Second)}
	for i, d := range databases {
		r, err := parseReading([]byte(metricsJSON(t, d)))
		ok(t, err)
		r.at = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(i) * apart)
		w.before, w.now = w.now, r
	}
	return w.frame()
}

func TestRatesAreWhatGrewBetweenTwoReadings(t *testing.T) {
	a, b := map[string]engine.Metrics{"d": metricsOf(1000)}, map[string]engine.Metrics{"d": metricsOf(1500)}
	wants(t, framed(t, 2*time.Second, a, b),
		`^http://x at 03:04:07, rates over 2\.0 s\n`,
		`(?m)^process: glibc holds 5\.0 MiB, 0 B in use; Go heap 3\.0 MiB; 2500 calls into C a second; 0 databases lost$`,
		`(?m)^  handles   iterator 2, the oldest of 1m30s, 1 lost$`,
		`(?m)^  commits   1000 a second in 250 groups; `,
		`(?m)^  stalls    writes are slowed down to 16\.0 MiB a second; writes waited 500ms in the last 2\.0 s; 0 slowdowns and 2 stops so far$`,
		`(?m)^ +get +250 +1500 +1 *\n +flush +0 +7 +0 *$`,
		`(?m)^ +writes +8 +3 +5 +250 +250 *$`,
		`(?m)^ +default +12 +0 B +0 B +3 +5\.0 GiB `,
	)
	if out := framed(t, time.Second, a, b); strings.Contains(out, "never") {
		t.Errorf("a call that was never made is shown:\n%s", out)
	}
	// After a restart totals are smaller than before; a database that was not there has no rates yet.
	wants(t, framed(t, time.Second, b, a), `(?m)^ +get +- +1000 +1 *$`, `(?m)^  commits   - a second in - groups`)
	wants(t, framed(t, time.Second, a, map[string]engine.Metrics{"d": metricsOf(1), "e": metricsOf(2)}), `(?s)\ne\n.* get +- +2 +1 *\n`)
	wants(t, framed(t, time.Second, a), `^http://x at 03:04:05\n`, `(?m)^ +get +- +1000 +1 *$`)
}

// TestNamesFromTheServerDoNotSteerTheTerminal has escapes in everything that is text.
func TestNamesFromTheServerDoNotSteerTheTerminal(t *testing.T) {
	const bad = "\x1b[2J\n\u009b"
	m := metricsOf(1)
	m.Calls[bad], m.Families[bad], m.Lanes[bad] = m.Calls["get"], engine.FamilyMetrics{}, engine.LaneMetrics{}
	m.Handles[bad], m.Process.Allocator = engine.HandleMetrics{}, bad
	out := framed(t, time.Second, map[string]engine.Metrics{bad: m})
	if strings.ContainsAny(out, "\x1b\u009b") || !strings.Contains(out, "?[2J??") {
		t.Errorf("%q", out)
	}
}

func TestTopSaysWhyThereIsNoReading(t *testing.T) {
	good := metricsJSON(t, map[string]engine.Metrics{"d": metricsOf(1)})
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		text   string
	}{
		"no such page":  {http.NotFound, "the server answers 404 Not Found"},
		"no JSON":       {answering("<html>"), "the answer is not what package expvar serves"},
		"half of it":    {answering(good[:len(good)-1]), "the answer is not what package expvar serves"},
		"no metrics":    {answering(`{"cmdline":[],"memory":{"memory":1}}`), "no variable there holds metrics of an open database"},
		"wrong metrics": {answering(`{"d":{"memory":1,"calls":{},"families":{},"process":{}}}`), `variable "d"`},
		"slow":          {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 300ms"},
		"slow in middle": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no answer within 300ms"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		}, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, once := range []string{"--once", "--once=false"} {
				fail(t, exitError, []string{"top", newCanned(t, c.answer).URL, once, "--interval", "100ms", "--timeout", "300ms"}, c.text)
			}
		})
	}
	gone := newCanned(t, answering(good))
	gone.Close()
	fail(t, exitError, []string{"top", gone.URL, "--once"}, "refused")
	fail(t, exitError, []string{"top", strings.TrimPrefix(gone.URL, "http://"), "--once"}, "refused", "/debug/vars")
}

// TestTopWaitsForAProcessThatGoesAway takes the server through what may happen to it, and wants top to
// tell of each, to show what was last, and to go on.
func TestTopWaitsForAProcessThatGoesAway(t *testing.T) {
	good := answering(metricsJSON(t, map[string]engine.Metrics{"d": metricsOf(1)}))
	server := newCanned(t, good)
	cmd := command(t, "top", server.URL, "--interval", "100ms", "--timeout", "300ms")
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	ok(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the output ended before %q; stderr %q", text, stderr.String())
	}
	until(", rates over 0.1 s")
	for text, answer := range map[string]http.HandlerFunc{
		"the server answers 503":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"not what package expvar serves": answering("no"),
		"no answer within":               func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no variable there holds":        answering(`{"d":null}`),
	} {
		server.answer.Store(&answer)
		until("no reading since ")
		if !strings.Contains(lines.Text(), text) {
			until(text) // the frame that was under way told of the failure before
		}
		until("process: glibc") // what was last is still shown
		server.answer.Store(&good)
		until("get")
		for !strings.Contains(lines.Text(), server.URL) {
			until(server.URL)
		}
		for lines.Scan() && strings.Contains(lines.Text(), "no reading since") {
			until(server.URL) // until a frame without a failure
		}
	}
	ok(t, cmd.Process.Signal(os.Interrupt))
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil || stderr.String() != "" {
		t.Errorf("after the interrupt: %v, stderr %q", err, stderr.String())
	}
}

func TestAFrameFitsTheTerminal(t *testing.T) {
	got := fit("abcdef\né12345\nxy\nz\n", 5, 3)
	if want := "\x1b[Habcde\x1b[K\r\né1234\x1b[K\r\nxy\x1b[K\x1b[J"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
