package server

import (
	"errors"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// call is a command with its arguments, which lie in the client's buffer.
type call struct {
	cmd   *command
	args  [][]byte
	named int // where in exec.named its keys begin
}

// What one segment takes at most.
const (
	segmentCalls = 1024
	segmentBytes = 4 << 20
	keptCalls    = 256 // of the room for them, between segments
)

// segment is a run of commands of a pipeline that name all keys that they look at: what they read is read by one call, and
// what they write is one batch.
type segment struct {
	calls   []call
	bytes   int
	writes  bool
	begins  []int  // of the answers, in the client's output
	tainted []bool // answers that are wrong if the batch cannot be written
	read    []int
	locks   held
}

// add takes a command, unless the segment is full.
func (g *segment) add(c call) bool {
	size := 0
	for _, a := range c.args {
		size += len(a)
	}
	if len(g.calls) > 0 && (len(g.calls) == segmentCalls || g.bytes+size > segmentBytes) {
		return false
	}
	g.calls, g.bytes = append(g.calls, c), g.bytes+size
	g.writes = g.writes || c.cmd.is(write)
	return true
}

func (g *segment) reset() {
	if cap(g.calls) > keptCalls {
		*g = segment{}
		return
	}
	clear(g.calls)
	*g = segment{calls: g.calls[:0], begins: g.begins[:0], tainted: g.tainted[:0], read: g.read[:0], locks: g.locks}
}

// run executes the segment's commands, as far as they go within heldBytes: those that are left are another segment.
func (g *segment) run(c *client) {
	x := begin(c)
	defer x.end()
	begun := time.Now()
	for i := range g.calls {
		g.read = x.foresee(&g.calls[i], g.writes, &g.locks, g.read)
	}
	if g.writes {
		g.locks.lock(&c.server.locks)
		defer g.locks.unlock()
		x.now = time.Now().UnixMilli()
	}
	most, full := x.memory()+heldBytes, len(c.out.b)+min(heldBytes, c.server.conf.maxOutput()/2)
	if len(g.read) > 0 {
		_ = x.load(g.read) // what could not be read, its command reads again, and tells
	}
	dirty := false
	for _, call := range g.calls {
		g.begins = append(g.begins, len(c.out.b))
		dirty = dirty || call.cmd.is(write)
		g.tainted = append(g.tainted, dirty)
		x.call(call)
		if x.memory() > most || len(c.out.b) > full || c.overfull {
			break
		}
	}
	if g.writes {
		if err := x.commit(); err != nil {
			g.fail(c, c.server.writeFailure(err))
		}
	}
	g.account(c, time.Since(begun))
}

// ran are the commands that were executed.
func (g *segment) ran() []call { return g.calls[:len(g.begins)] }

// forget leaves those that were not.
func (g *segment) forget() {
	n := copy(g.calls, g.calls[len(g.begins):])
	clear(g.calls[n:])
	g.calls, g.begins, g.tainted, g.read = g.calls[:n], g.begins[:0], g.tainted[:0], g.read[:0]
}

// foresee finds the slots that a command looks at, and those that are to be read, each once; the locks too, if it is to have them.
func (x *exec) foresee(c *call, locked bool, h *held, read []int) []int {
	blind := c.cmd.blind != nil && c.cmd.blind(c.args)
	c.named = len(x.named)
	c.cmd.keys.each(c.args, func(key []byte) {
		s := x.slot(key)
		if len(key) > 0 {
			x.named = append(x.named, naming{first: &key[0], size: len(key), db: x.db, at: s.at})
		}
		if locked {
			h.stripes = append(h.stripes, stripe(s.hash))
		}
		if !blind && !s.asked {
			s.asked = true
			read = append(read, s.at)
		}
	})
	return read
}

// call runs one command, and answers with its error if it has one.
func (x *exec) call(call call) {
	x.turn = call.named
	from := len(x.out.b)
	err := call.cmd.run(x, call.args)
	count := &x.s.counts[call.cmd.number]
	count.calls.Add(1)
	switch {
	case err != nil:
		count.failed.Add(1)
		why := asFailure(err)
		x.s.stats.failed(why)
		x.out.b = x.out.b[:from]
		x.out.fail(why)
	case x.overfull():
		x.out.b = x.out.b[:from]
		x.c.overfull = true
	}
}

// overfull tells whether the answers exceed what the client may be sent: it will be dropped.
func (x *exec) overfull() bool { return len(x.out.b) > x.s.conf.maxOutput() }

// asFailure is what a client is told of an error: its own, or the engine's.
func asFailure(err error) failure {
	var f failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, engine.ErrClosed):
		return "ERR the server is shutting down"
	}
	return cleanError("ERR " + err.Error())
}

// fail puts an error in the place of all answers that stand on what was not written.
func (g *segment) fail(c *client, why failure) {
	answers := append([]byte(nil), c.out.b[g.begins[0]:]...)
	base := g.begins[0]
	c.out.b = c.out.b[:base]
	for i := range g.ran() {
		end := len(answers)
		if i+1 < len(g.begins) {
			end = g.begins[i+1] - base
		}
		if g.tainted[i] {
			c.out.fail(why)
			continue
		}
		c.out.b = append(c.out.b, answers[g.begins[i]-base:end]...)
	}
}

// account counts, and notes what was slow: the time is that of the segment, which is what each of its callers waited for.
func (g *segment) account(c *client, took time.Duration) {
	s, calls := c.server, g.ran()
	s.stats.commands.Add(int64(len(calls)))
	s.stats.segments.Add(1)
	s.stats.together.Add(int64(len(calls)))
	each := took / time.Duration(len(calls))
	for from := 0; from < len(calls); {
		cmd, to := calls[from].cmd, from+1
		for to < len(calls) && calls[to].cmd == cmd {
			to++
		}
		s.counts[cmd.number].took(each, took, to-from)
		from = to
	}
	if s.slow.takes(took) {
		s.slow.add(c, calls[0].args, len(calls)-1, took)
	}
}
