package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// infoOf is what INFO tells, by name.
func infoOf(w *wire) map[string]string {
	w.t.Helper()
	m := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(w.ask("INFO", "all")))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			m[name] = value
		}
	}
	return m
}

// Stats, and Totals, are what INFO tells, and what was done.
func TestStatsAreWhatInfoTells(t *testing.T) {
	s, other := start(t, server.Config{MaxClients: 2}), start(t, server.Config{})
	w := dial(t, s.addr)
	w.send(slices.Concat(encode("SET", "a", "1"), encode("GET", "a"), encode("GET", "none"), encode("INCR", "a"), encode("INCR", "a")))
	for range 5 {
		w.answer()
	}
	w.ask("SET", "short", "1", "PX", "1")
	time.Sleep(5 * time.Millisecond)
	w.ask("GET", "short")
	w.ask("INCR", "a", "b")
	w.ask("MULTI")
	w.ask("GET", "a")
	w.ask("EXEC")
	w.ask("WATCH", "a")
	second := dial(t, s.addr)
	second.ask("MULTI")
	dial(t, s.addr).closed()
	w.ask("CONFIG", "GET", "port")
	dial(t, other.addr).ask("GET", "elsewhere")
	info, v := infoOf(w), s.Stats()
	for name, got := range map[string]int64{
		"connected_clients": int64(v.Clients), "clients_watching": int64(v.Watching), "clients_in_transaction": int64(v.InTransaction),
		"total_connections_received": v.Connections, "rejected_connections": v.Rejected, "keyspace_hits": v.Hits, "keyspace_misses": v.Misses,
		"total_error_replies": v.Errors, "total_commands_processed": v.Commands - 1, "total_net_input_bytes": v.BytesIn,
	} {
		if info[name] != strconv.FormatInt(got, 10) {
			t.Errorf("%s: INFO %s, Stats %d", name, info[name], got)
		}
	}
	if v.Clients != 2 || v.InTransaction != 1 || v.Watching != 1 || v.Rejected != 1 || v.Expired != 1 || v.Errors != 1 || v.Reads != 4 || v.Writes != 4 ||
		v.Segments < 3 || v.SegmentCommands != 7 || v.RefusedWrites != 0 || v.MaxClients != 2 || v.BytesOut == 0 {
		t.Errorf("%+v", v)
	}
	calls, sum := map[string]int64{}, int64(0)
	for _, c := range v.ByCommand {
		calls[c.Name] = c.Calls
		sum += c.Calls
		within := c.Calls
		if c.Name == "get" {
			within-- // one was within a transaction
		}
		if c.Name != "info" && c.Latency.Count() != uint64(within) {
			t.Errorf("%s: %d calls, %d latencies", c.Name, c.Calls, c.Latency.Count())
		}
		stat := info["cmdstat_"+c.Name]
		if want := fmt.Sprintf("calls=%d,usec=%d,", c.Calls, c.Took.Microseconds()); c.Name != "info" && !strings.HasPrefix(stat, want) && c.Calls > 0 {
			t.Errorf("%s: INFO %s, Stats %s", c.Name, stat, want)
		}
		if c.Name == "incr" && c.Failed != 1 {
			t.Errorf("INCR failed %d times", c.Failed)
		}
	}
	if sum != v.Commands || calls["get"] != 4 || calls["config|get"] != 1 || calls["incr"] != 2 {
		t.Errorf("%d of %d: %v", sum, v.Commands, calls)
	}
	if n := other.Stats(); n.Commands != 1 || len(n.ByCommand) != 1 {
		t.Errorf("another server: %+v", n.ByCommand)
	}
	var totals server.Totals
	s.Totals(&totals)
	if v = s.Stats(); totals.Commands != v.Commands || totals.Reads != v.Reads || totals.Writes != v.Writes || totals.Hits != v.Hits || totals.Misses != v.Misses ||
		totals.BytesIn != v.BytesIn || totals.BytesOut != v.BytesOut || totals.Clients != v.Clients || totals.Latency.Count() == 0 {
		t.Errorf("%+v\n%+v", totals, v)
	}
	if n := testing.AllocsPerRun(10, func() { s.Totals(&totals) }); n != 0 {
		t.Errorf("Totals makes %v allocations", n)
	}
	w.ask("CONFIG", "RESETSTAT")
	if v = s.Stats(); v.Commands > 1 || v.Hits != 0 || v.Segments != 0 || len(v.ByCommand) > 1 {
		t.Errorf("afterwards %+v", v)
	}
}

// Clients that say nothing, and those that take nothing, are told apart.
func TestStatsTellWhyClientsWereDropped(t *testing.T) {
	s := start(t, server.Config{Timeout: time.Second, ClientOutputBufferLimit: 64 << 10})
	dial(t, s.addr).closed()
	w := dial(t, s.addr)
	w.ask("SET", "large", strings.Repeat("v", 60_000))
	w.send(encode("MGET", "large", "large"))
	w.closed()
	if v := s.Stats(); v.DroppedIdle != 1 || v.DroppedOutput != 1 {
		t.Errorf("%+v", v)
	}
	if got := infoOf(dial(t, s.addr))["client_output_buffer_limit_disconnections"]; got != "1" {
		t.Errorf("INFO: %s", got)
	}
}

// A quantile is that of a sorted list, to a fourth.
func TestQuantilesAreThoseOfASortedList(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for range 200 {
		var l server.LatencyCounter
		var list []time.Duration
		var sum time.Duration
		for range 1 + r.IntN(200) {
			d := time.Duration(1<<10 + r.ExpFloat64()*float64(uint64(1)<<(12+r.IntN(16))))
			n := 1 + r.IntN(3)
			l.Count(d, n)
			for range n {
				list = append(list, d)
				sum += d
			}
		}
		slices.Sort(list)
		all := l.All()
		if all.Count() != uint64(len(list)) || all.Sum() != sum {
			t.Fatalf("%d of %d, %v of %v", all.Count(), len(list), all.Sum(), sum)
		}
		for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
			rank := max(int(float64(len(list))*q+0.999999)-1, 0)
			want, got := float64(list[rank]), float64(all.Quantile(q))
			if got < want*0.79 || got > want*1.26 {
				t.Fatalf("quantile %v of %d: %v, want %v", q, len(list), time.Duration(got), time.Duration(want))
			}
		}
		for e := 10; e <= 34; e++ {
			end := time.Duration(1) << e
			want, _ := slices.BinarySearch(list, end)
			if got := all.Under(end); got != uint64(want) {
				t.Fatalf("%d are under %v, want %d", got, end, want)
			}
		}
		before := all
		l.Count(time.Millisecond, 5)
		all = l.All()
		if d := all.Since(&before); d.Count() != 5 || d.Sum() != 5*time.Millisecond {
			t.Fatalf("since: %d, %v", d.Count(), d.Sum())
		}
		if d := before.Since(&all); d.Count() != before.Count() {
			t.Fatal("statistics that began anew are not told whole")
		}
	}
	var none server.Latencies
	if none.Quantile(0.5) != 0 || none.Count() != 0 {
		t.Error("nothing has a quantile")
	}
	var ends server.LatencyCounter
	for _, d := range []time.Duration{-1, 0, 1, 1<<63 - 1} {
		ends.Count(d, 1)
	}
	if all := ends.All(); all.Count() != 4 || all.Quantile(1) > 20*time.Second {
		t.Errorf("%d, %v", all.Count(), all.Quantile(1))
	}
}

// A server is ready from its first listener on until its shutdown, as long as the database takes writes.
func TestReadyTellsWhyNot(t *testing.T) {
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), server.Options(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	idle, err := server.New(db, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := idle.Ready(); !errors.Is(err, server.ErrNotListening) {
		t.Errorf("without a listener: %v", err)
	}
	if err := idle.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := idle.Ready(); !errors.Is(err, server.ErrServerClosed) {
		t.Errorf("after Shutdown: %v", err)
	}

	s := start(t, server.Config{})
	w := dial(t, s.addr)
	w.ask("PING")
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	if got := w.ask("SET", strings.Repeat("k", engine.MaxKeySize), "v"); !strings.HasPrefix(got, "-ERR ") || s.Ready() != nil {
		t.Errorf("after a wrong write: %.40s, %v", got, s.Ready())
	}
	s.RefuseWrite(engine.ErrReadOnly, 0)
	if err := s.Ready(); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("after a refused write: %v", err)
	}
	w.ask("SET", "a", "1")
	if err := s.Ready(); err != nil {
		t.Errorf("after a write that succeeded: %v", err)
	}
	s.RefuseWrite(engine.ErrReadOnly, time.Minute)
	if err := s.Ready(); err != nil {
		t.Errorf("a minute after a refused write: %v", err)
	}
	s.RefuseWrite(engine.ErrTooLarge, 0)
	if err := s.Ready(); err != nil {
		t.Errorf("after a write that was too large: %v", err)
	}
}
