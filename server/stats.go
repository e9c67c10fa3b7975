package server

import (
	"sync/atomic"
	"time"
)

// stats are what INFO tells, since the start or CONFIG RESETSTAT.
type stats struct {
	began                         time.Time
	commands, connections, turned atomic.Int64
	hits, misses                  atomic.Int64
	expired, deleted              atomic.Int64 // keys that were found so, and of which the row was deleted then
	in, out                       atomic.Int64 // bytes
	errors, refused               atomic.Int64
	dropped, idle                 atomic.Int64
	segments, together            atomic.Int64 // those of pipelines, and the commands in them
	rate, rateIn, rateOut         rate
	byCode                        codes // of errors
}

// commandStats are what a command has done.
type commandStats struct {
	calls, nanos, failed atomic.Int64
	latency              latencies
}

// took counts n calls: what each took of the time, and what its client waited for.
func (c *commandStats) took(share, waited time.Duration, n int) {
	c.nanos.Add(int64(share) * int64(n))
	c.latency.add(waited, n)
}

func (c *commandStats) reset() {
	c.calls.Store(0)
	c.nanos.Store(0)
	c.failed.Store(0)
	c.latency.reset()
}

// Stats are what a Server has done and how it is, as INFO tells it. What a comment calls a total only grows, from the start or
// the last CONFIG RESETSTAT on. Figures that belong together may differ by what happened while they were read.
type Stats struct {
	Began time.Time // of New

	Clients, MaxClients     int
	Watching, InTransaction int   // of the clients
	Connections             int64 // total: clients that came
	Rejected                int64 // total: beyond MaxClients
	DroppedOutput           int64 // total: clients that took no answers, or too large ones
	DroppedIdle             int64 // total: clients that said nothing for longer than Timeout

	BytesIn, BytesOut int64 // total: from and to clients
	Commands          int64 // total: executed, those of transactions too
	Reads, Writes     int64 // of these, those that read keys and that may change them
	Errors            int64 // total: answers that are errors
	RefusedWrites     int64 // total: batches of which MISCONF was told
	Slow              int64 // total: entries that SLOWLOG has had; CONFIG RESETSTAT leaves it
	Segments          int64 // total: parts of pipelines that were executed together
	SegmentCommands   int64 // total: commands in these
	Hits, Misses      int64 // total: keys that commands found, and did not find
	Expired           int64 // total: of the missed keys, those whose rows were still there
	ExpiredDeleted    int64 // total: expired keys whose rows were deleted as a command had come upon them: expired_keys of INFO

	Saving, SaveFailed bool
	LastSave           time.Time // that succeeded; zero: none did

	ByCommand []CommandStats // of those that were called or refused, by name
}

// CommandStats are what a command has done; all are totals.
type CommandStats struct {
	Name          string // in small letters; "config|get" is CONFIG GET
	Calls, Failed int64  // failed ones may have been refused before they were called
	Took          time.Duration
	Latency       Latencies // of the calls but those within a transaction, which are part of EXEC's
}

// Stats gathers them, some microseconds of work. It may be called at any time, also after Shutdown, and concurrently.
func (s *Server) Stats() Stats {
	t := &s.stats
	v := Stats{
		Began: t.began, MaxClients: s.conf.maxClients(), Connections: t.connections.Load(), Rejected: t.turned.Load(),
		DroppedOutput: t.dropped.Load(), DroppedIdle: t.idle.Load(), BytesIn: t.in.Load(), BytesOut: t.out.Load(),
		Commands: t.commands.Load(), Errors: t.errors.Load(), RefusedWrites: t.refused.Load(), Slow: s.slow.count(),
		Segments: t.segments.Load(), SegmentCommands: t.together.Load(), Hits: t.hits.Load(), Misses: t.misses.Load(), Expired: t.expired.Load(), ExpiredDeleted: t.deleted.Load(),
	}
	v.Clients, v.Watching, v.InTransaction = s.countClients()
	v.Saving, v.LastSave, v.SaveFailed = s.saves.state()
	for i, cmd := range table.all {
		c := &s.counts[i]
		one := CommandStats{Name: cmd.name, Calls: c.calls.Load(), Failed: c.failed.Load()}
		if one.Calls == 0 && one.Failed == 0 {
			continue
		}
		one.Took = time.Duration(c.nanos.Load())
		c.latency.addTo(&one.Latency)
		v.ByCommand = append(v.ByCommand, one)
		switch {
		case cmd.is(write):
			v.Writes += one.Calls
		case cmd.is(readOnly):
			v.Reads += one.Calls
		}
	}
	return v
}

// Totals are the part of Stats that changes with every command, for who looks often.
type Totals struct {
	Clients                 int
	Commands, Reads, Writes int64
	BytesIn, BytesOut       int64
	Hits, Misses            int64
	Latency                 Latencies // of all commands
}

// Totals sets t, allocating nothing. It may be called at any time, and concurrently.
func (s *Server) Totals(t *Totals) {
	v := &s.stats
	*t = Totals{
		Commands: v.commands.Load(), BytesIn: v.in.Load(), BytesOut: v.out.Load(), Hits: v.hits.Load(), Misses: v.misses.Load(),
	}
	s.mu.Lock()
	t.Clients = len(s.clients)
	s.mu.Unlock()
	for i, cmd := range table.all {
		c := &s.counts[i]
		n := c.calls.Load()
		if n == 0 {
			continue
		}
		c.latency.addTo(&t.Latency)
		switch {
		case cmd.is(write):
			t.Writes += n
		case cmd.is(readOnly):
			t.Reads += n
		}
	}
}

// countClients tells how many there are, how many watch keys and how many are within a transaction.
func (s *Server) countClients() (all, watching, multi int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		f := c.shown.Load()
		watching += min(f.watch, 1)
		if f.multi >= 0 {
			multi++
		}
	}
	return len(s.clients), watching, multi
}
