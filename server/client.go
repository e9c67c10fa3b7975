package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"
)

// client is a connection, served by one goroutine.
type client struct {
	server *Server
	conn   net.Conn
	id     int64
	since  time.Time

	in    []byte // what was read and not yet executed begins at from
	from  int
	frame framer
	ready int      // bytes of a whole command at from, if read has seen it
	args  [][]byte // room for those of a pipeline
	out   reply
	group segment

	db       int
	known    bool // has said who it is, or need not
	quit     bool
	overfull bool      // it is to be dropped
	deadline time.Time // of writes
	leaving  atomic.Bool
	spoiled  atomic.Bool // a watched key has changed
	watching []watched
	queue    *transaction // between MULTI and EXEC

	shown atomic.Pointer[clientFacts] // for others
	last  atomic.Int64                // nanoseconds since 1970 of the last command
}

// clientFacts are what CLIENT LIST tells of a client.
type clientFacts struct {
	name, library, version string
	db, resp, multi, watch int
	command                string
}

// Sizes of buffers. Both grow as what comes needs them, and are given back.
const (
	firstBuffer = 4 << 10
	keptBuffer  = 16 << 10
	firstArgs   = 16
	keptArgs    = 256
	flushAt     = 64 << 10 // answers go out in between, if nothing forbids it
)

func newClient(s *Server, conn net.Conn, id int64) *client {
	c := &client{server: s, conn: conn, id: id, since: time.Now(), known: s.conf.password() == ""}
	c.out.resp = 2
	c.shown.Store(&clientFacts{resp: 2, multi: -1, command: "NULL"})
	c.last.Store(c.since.UnixNano())
	return c
}

// serve reads commands and answers them until one of the two sides ends it.
func (c *client) serve() {
	defer c.server.left(c)
	defer c.conn.Close()
	defer func() {
		if cause := recover(); cause != nil {
			c.server.crashed(c, cause)
		}
	}()
	for !c.quit {
		err := c.read()
		if err == nil {
			err = c.pipeline()
		}
		if flushed := c.flush(); flushed != nil {
			err = flushed
		}
		if err != nil {
			c.goodbye(err)
			return
		}
		c.giveBack()
		runtime.Gosched() // what others do meanwhile is the time in which the next command comes: no wait, no poll
	}
}

// goodbye tells the client what it did wrong, and the log what is worth it.
func (c *client) goodbye(err error) {
	var wrong protocolError
	switch {
	case errors.As(err, &wrong):
		c.out.fail(failure("ERR " + wrong.Error()))
		_ = c.flush()
		what, _, _ := strings.Cut(wrong.Error(), ", got ") // nothing of what it sent
		c.server.log.Info("a client broke the protocol", slog.Int64("client", c.id), slog.String("error", what))
	case errors.Is(err, errOutput):
		c.server.stats.dropped.Add(1)
		c.server.log.Warn("a client was dropped", slog.Int64("client", c.id), slog.Any("error", err))
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.leaving.Load():
		c.server.stats.idle.Add(1)
		c.server.log.Debug("an idle client was dropped", slog.Int64("client", c.id))
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
	}
}

// leave has the client go once it has answered what it is at.
func (c *client) leave() {
	c.leaving.Store(true)
	c.conn.SetReadDeadline(time.Unix(1, 0))
}

// read waits until a whole command is there.
func (c *client) read() error {
	for {
		n, err := c.frame.next(c.in[c.from:], c.limits())
		if n > 0 || err != nil {
			c.ready = n
			return err
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

func (c *client) limits() limits {
	return limits{bulk: c.server.conf.maxBulk(), query: c.server.conf.maxQuery(), known: c.known}
}

// fill reads what has come. No more room is made than as much again as has come already.
func (c *client) fill() error {
	if c.from > 0 {
		c.in = c.in[:copy(c.in, c.in[c.from:])]
		c.from = 0
	}
	if len(c.in) == cap(c.in) {
		room := max(len(c.in), firstBuffer)
		if missing := c.frame.missing(len(c.in)); missing > 0 {
			room = min(room, missing)
		}
		grown := make([]byte, len(c.in), len(c.in)+room)
		copy(grown, c.in)
		c.in = grown
	}
	if !c.leaving.Load() {
		if idle := c.server.conf.idle(); idle > 0 {
			c.conn.SetReadDeadline(time.Now().Add(idle))
			if c.leaving.Load() {
				c.conn.SetReadDeadline(time.Unix(1, 0))
			}
		}
	}
	n, err := c.conn.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	c.server.stats.in.Add(int64(n))
	if n > 0 {
		return nil
	}
	return err
}

// command takes the next whole command off the input; nil at its end. Its arguments alias the input.
func (c *client) command() ([][]byte, error) {
	for {
		n, err := c.ready, error(nil)
		if c.ready = 0; n == 0 {
			n, err = c.frame.next(c.in[c.from:], c.limits())
		}
		if n == 0 || err != nil {
			return nil, err
		}
		packet := c.in[c.from : c.from+n : c.from+n]
		c.from += n
		args, err := c.parse(packet)
		if err != nil || len(args) > 0 {
			return args, err
		}
	}
}

// parse takes a whole command apart. An empty line, or an array of nothing, is none.
func (c *client) parse(packet []byte) ([][]byte, error) {
	if len(packet) > 1 && packet[0] == '*' && (packet[1] == '-' || packet[1] == '0') {
		return nil, nil
	}
	if packet[0] != '*' { // a line, of which the library has its own idea
		args, err := inlineWords(string(packet))
		if err != nil {
			return nil, protocolError("unbalanced quotes in request")
		}
		return args, nil
	}
	if len(c.args) == cap(c.args) {
		c.args = make([][]byte, 0, min(max(2*cap(c.args), firstArgs), keptArgs)) // those before keep theirs
	}
	room := c.args[len(c.args):]
	_, args, _, _, err := redcon.ReadNextCommand(packet, room)
	if err != nil {
		return nil, protocolError(err.Error())
	}
	if len(args) <= cap(room) {
		c.args = c.args[:len(c.args)+len(args)]
	}
	return args[:len(args):len(args)], nil
}

// flush sends the answers. A client that does not take them in time is dropped.
func (c *client) flush() error {
	if c.overfull || len(c.out.b) > c.server.conf.maxOutput() {
		return errOutput
	}
	if len(c.out.b) == 0 {
		return nil
	}
	c.hurry()
	n, err := c.conn.Write(c.out.b)
	c.server.stats.out.Add(int64(n))
	c.out.b = c.out.b[:0]
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errOutput
	}
	return err
}

// hurry gives the client as long as output-timeout says to take what is written now, and up to a fourth more: a deadline costs
// a timer, so that one serves several writes.
func (c *client) hurry() {
	now, patience := time.Now(), c.server.conf.patience()
	if left := c.deadline.Sub(now); left < patience || left > 2*patience {
		c.deadline = now.Add(patience + patience/4)
		c.conn.SetWriteDeadline(c.deadline)
	}
}

// errOutput ends a client whose answers are too large, or that does not take them.
var errOutput = errors.New("its answers exceed client-output-buffer-limit, or are not taken")

// giveBack frees large buffers when there is nothing in them.
func (c *client) giveBack() {
	if cap(c.out.b) > keptBuffer {
		c.out.b = nil
	}
	clear(c.args)
	c.args = c.args[:0]
	if c.from == len(c.in) {
		c.in, c.from = c.in[:0], 0
		if cap(c.in) > keptBuffer {
			c.in = nil
		}
	}
}
