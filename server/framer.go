package server

import (
	"bytes"
	"fmt"
)

// What a command may consist of. The numbers that cannot be set are Redis's own.
const (
	maxArguments   = 1 << 20
	maxInline      = 64 << 10
	maxHeader      = 64 << 10 // bytes of a line with a length
	maxStrangeArgs = 10       // of clients that have not said who they are
	maxStrangeBulk = 16 << 10
)

// limits bound what a client may send.
type limits struct {
	bulk  int // bytes of an argument
	query int // bytes of a command
	known bool
}

// protocolError is what a client is told before its connection ends.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

// framer finds the ends of commands in what a client sends. It looks at each byte once, and at each length before
// anybody makes room for it.
type framer struct {
	pos  int // bytes of the command that were looked at
	args int // arguments that are to come, if open
	bulk int // bytes that are to come of an argument, if body
	open bool
	body bool
}

// next gives the length of the command that b begins with, 0 if more of it must come. b is to begin where it began the last
// time, until a command is complete. It fails as Redis does, for lengths beyond the limits before what they announce has come.
func (f *framer) next(b []byte, l limits) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if !f.open {
		if b[0] != '*' {
			return f.inline(b)
		}
		n, err := f.number(b, "mbulk count string")
		if err != nil || n == nil {
			return 0, err
		}
		count, ok := parseLength(n)
		switch {
		case !ok || count > maxArguments:
			return 0, protocolError("invalid multibulk length")
		case count > maxStrangeArgs && !l.known:
			return 0, protocolError("unauthenticated multibulk length")
		case count <= 0:
			return f.done(), nil
		}
		f.open, f.args = true, count
	}
	for f.args > 0 {
		if !f.body {
			if err := f.header(b, l); err != nil || !f.body {
				return 0, err
			}
		}
		if len(b)-f.pos < f.bulk {
			return 0, nil
		}
		f.pos += f.bulk
		if b[f.pos-2] != '\r' || b[f.pos-1] != '\n' {
			return 0, protocolError("invalid bulk length")
		}
		f.body = false
		f.args--
	}
	return f.done(), nil
}

// header reads the length of an argument.
func (f *framer) header(b []byte, l limits) error {
	if f.pos == len(b) {
		return nil
	}
	if b[f.pos] != '$' {
		return protocolError(fmt.Sprintf("expected '$', got '%c'", printable(b[f.pos])))
	}
	n, err := f.number(b, "bulk count string")
	if err != nil || n == nil {
		return err
	}
	size, ok := parseLength(n)
	switch {
	case !ok || size < 0 || size > l.bulk:
		return protocolError("invalid bulk length")
	case size > maxStrangeBulk && !l.known:
		return protocolError("unauthenticated bulk length")
	case size > l.query-f.pos:
		return protocolError("too big request")
	}
	f.body, f.bulk = true, size+2
	return nil
}

// number gives the digits of a line that begins with a mark, and passes it; nil if its end is not there.
func (f *framer) number(b []byte, what string) ([]byte, error) {
	line := b[f.pos:]
	end := bytes.IndexByte(line[:min(len(line), maxHeader)], '\r')
	switch {
	case end < 0 && len(line) >= maxHeader:
		return nil, protocolError("too big " + what)
	case end < 0 || end+1 == len(line):
		return nil, nil
	case line[end+1] != '\n':
		return nil, protocolError("invalid " + map[bool]string{false: "multibulk", true: "bulk"}[f.open] + " length")
	}
	f.pos += end + 2
	return line[1:end], nil
}

// inline passes a command that is a line.
func (f *framer) inline(b []byte) (int, error) {
	from := f.pos
	end := bytes.IndexByte(b[from:], '\n')
	if end < 0 {
		f.pos = len(b)
		if len(b) > maxInline {
			return 0, protocolError("too big inline request")
		}
		return 0, nil
	}
	f.pos = from + end + 1
	if f.pos > maxInline {
		return 0, protocolError("too big inline request")
	}
	return f.done(), nil
}

// done gives the command's length, and is ready for the next.
func (f *framer) done() int {
	n := f.pos
	*f = framer{}
	return n
}

// missing is how many bytes of an argument have not come, of which there are have; 0 if no length is known.
func (f *framer) missing(have int) int {
	if f.body {
		return f.pos + f.bulk - have
	}
	return 0
}

// parseLength reads a number as it stands in a header: a sign, no leading zeros.
func parseLength(b []byte) (int, bool) {
	n, ok := parseInt(b)
	return int(n), ok && int64(int(n)) == n
}

func printable(c byte) byte {
	if c < ' ' || c > '~' {
		return '?'
	}
	return c
}
