package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// pipeline executes all whole commands that have come.
func (c *client) pipeline() error {
	for !c.quit {
		args, err := c.command()
		if err != nil || args == nil {
			if failed := c.finish(); failed != nil {
				err = failed
			}
			c.show(c.shown.Load().command)
			return err
		}
		if err := c.take(args); err != nil {
			return err
		}
	}
	return nil
}

// take executes a command, or puts it into the segment that is being collected.
func (c *client) take(args [][]byte) error {
	cmd, wrong := lookup(args)
	if wrong == "" {
		wrong = c.refusal(cmd, args)
	}
	if wrong != "" {
		if err := c.finish(); err != nil {
			return err
		}
		c.refuse(args, wrong)
		return nil
	}
	if c.queue != nil && !cmd.is(immediate) {
		c.queue.add(cmd, args)
		if c.queue.bytes > c.server.conf.maxQuery() {
			return protocolError("too big transaction")
		}
		c.out.simple("QUEUED")
		return nil
	}
	if !cmd.keyed() {
		if err := c.finish(); err != nil {
			return err
		}
		c.alone(call{cmd: cmd, args: args})
	} else if !c.group.add(call{cmd: cmd, args: args}) {
		if err := c.finish(); err != nil {
			return err
		}
		c.group.add(call{cmd: cmd, args: args})
	}
	if len(c.out.b) > flushAt {
		return c.flush()
	}
	return nil
}

// finish executes the segment that was collected, in parts if it takes much memory: each is answered before the next.
func (c *client) finish() error {
	if len(c.group.calls) == 0 {
		return nil
	}
	defer c.group.reset()
	c.note(c.group.calls[len(c.group.calls)-1].cmd)
	for c.group.run(c); len(c.group.ran()) < len(c.group.calls); c.group.run(c) {
		c.group.forget()
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}

// alone executes a command that does not say which keys it looks at.
func (c *client) alone(one call) {
	c.note(one.cmd)
	x := begin(c)
	defer x.end()
	begun := time.Now()
	if one.cmd.is(wideWrite) {
		var h held
		h.lockAll(&c.server.locks)
		defer h.unlock()
	}
	from := len(c.out.b)
	x.call(one)
	if one.cmd.is(wideWrite) {
		if err := x.commit(); err != nil {
			c.out.b = c.out.b[:from]
			c.out.fail(c.server.writeFailure(err))
		}
	}
	took := time.Since(begun)
	c.server.stats.commands.Add(1)
	c.server.counts[one.cmd.number].took(took, took, 1)
	if c.server.slow.takes(took) && !one.cmd.is(immediate) {
		c.server.slow.add(c, one.args, 0, took)
	}
}

// refusal is why a client may not call a command now, or nothing.
func (c *client) refusal(cmd *command, args [][]byte) (why failure) {
	switch {
	case !c.known && !cmd.is(noAuth):
		return errNoAuth
	case c.queue != nil && cmd.is(noMulti):
		return failure("ERR Command not allowed inside a transaction")
	}
	cmd.keys.each(args, func(key []byte) {
		if len(key) >= engine.MaxKeySize {
			why = "ERR the key is too long"
		}
	})
	return why
}

// refuse answers with what is wrong, and spoils a transaction.
func (c *client) refuse(args [][]byte, why failure) {
	if c.queue != nil {
		c.queue.bad = true
	}
	if cmd := find(args[0]); cmd != nil {
		c.server.counts[cmd.number].failed.Add(1)
		if cmd.name == "exec" {
			c.endTransaction()
			why = "EXECABORT Transaction discarded because of: " + failure(strings.TrimPrefix(string(why), "ERR "))
		}
	}
	c.server.stats.failed(why)
	c.out.fail(why)
}

// note is what CLIENT LIST shows of the client from now on.
func (c *client) note(cmd *command) {
	c.last.Store(time.Now().UnixNano())
	c.show(cmd.name)
}

func (c *client) show(command string) {
	old := c.shown.Load()
	now := *old
	now.db, now.resp, now.command, now.multi, now.watch = c.db, c.out.resp, command, -1, len(c.watching)
	if c.queue != nil {
		now.multi = len(c.queue.calls)
	}
	if now != *old {
		c.shown.Store(&now)
	}
}

// crashed ends a client over a panic, which is a fault of ours, and keeps the server alive.
func (s *Server) crashed(c *client, cause any) {
	s.log.Error("a command panicked", slog.Int64("client", c.id), slog.String("cause", fmt.Sprint(cause)),
		slog.String("stack", string(bytes.TrimSpace(debug.Stack()))))
}
