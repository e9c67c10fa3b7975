package server

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/tidwall/redcon"
)

var roomy = limits{bulk: 1 << 20, query: 4 << 20, known: true}

// feed gives b to a framer in pieces of a size, and tells the ends of commands and the error.
func feed(b []byte, size int, l limits) (ends []int, err error) {
	var f framer
	from, have := 0, 0
	for {
		n, err := f.next(b[from:have], l)
		switch {
		case err != nil:
			return ends, err
		case n > 0:
			from += n
			ends = append(ends, from)
		case have == len(b):
			return ends, nil
		default:
			have = min(have+size, len(b))
		}
	}
}

// The ends of commands are found alike whatever pieces they come in, and are those that the protocol's library finds.
func FuzzFramer(f *testing.F) {
	for _, s := range []string{
		"PING\r\n", "*1\r\n$4\r\nPING\r\n", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n", "*0\r\n*-1\r\nPING\n", "\r\n\r\nSET a 'b c'\r\n",
		"*1000000000\r\n$1\r\n", "*1\r\n$9999999999\r\n", "*1\r\n$-1\r\n", "*1\r\n$3\r\nabcd\r\n", "*1\r$3\r\n", "*+1\r\n", "*01\r\n", "$5\r\nhello\r\n", "*1\r\n:1\r\n",
	} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		whole, werr := feed(b, len(b)+1, roomy)
		parts, perr := feed(b, int(size)+1, roomy)
		if fmt.Sprint(whole, werr) != fmt.Sprint(parts, perr) {
			t.Fatalf("whole: %v, %v; in pieces of %d: %v, %v", whole, werr, int(size)+1, parts, perr)
		}
		from := 0
		for _, end := range whole {
			packet := b[from:end]
			from = end
			if packet[0] != '*' || packet[1] == '-' || packet[1] == '0' {
				continue
			}
			complete, args, _, left, err := redcon.ReadNextCommand(packet, nil)
			if !complete || len(args) == 0 || len(left) != 0 || err != nil {
				t.Fatalf("%q: %v, %d arguments, %d bytes left, %v", packet, complete, len(args), len(left), err)
			}
		}
	})
}

// What is too large is refused by its length, before it has come.
func TestLengthsAreLookedAtBeforeTheirBytesCome(t *testing.T) {
	strange := roomy
	strange.known = false
	for _, c := range []struct {
		sent string
		l    limits
		want string
	}{
		{"*1048577\r\n", roomy, "invalid multibulk length"},
		{"*1000000000\r\n", roomy, "invalid multibulk length"},
		{"*99999999999999999999\r\n", roomy, "invalid multibulk length"},
		{"*x\r\n", roomy, "invalid multibulk length"},
		{"*11\r\n", strange, "unauthenticated multibulk length"},
		{"*1\r\n$1048577\r\n", roomy, "invalid bulk length"},
		{"*1\r\n$9999999999\r\n", roomy, "invalid bulk length"},
		{"*1\r\n$-1\r\n", roomy, "invalid bulk length"},
		{"*1\r\n$16385\r\n", strange, "unauthenticated bulk length"},
		{"*1\r\nPING\r\n", roomy, "expected '$', got 'P'"},
		{"*1\r\n\x01", roomy, "expected '$', got '?'"},
		{"*" + string(bytes.Repeat([]byte("1"), maxHeader)), roomy, "too big mbulk count string"},
		{"*1\r\n$" + string(bytes.Repeat([]byte("1"), maxHeader)), roomy, "too big bulk count string"},
		{string(bytes.Repeat([]byte("x"), maxInline+1)), roomy, "too big inline request"},
		{"*6\r\n" + string(bytes.Repeat([]byte("$1000000\r\n"+string(make([]byte, 1000000))+"\r\n"), 4)) + "$1000000\r\n", roomy, "too big request"},
	} {
		_, err := feed([]byte(c.sent), 4096, c.l)
		var wrong protocolError
		if !errors.As(err, &wrong) || string(wrong) != c.want {
			t.Errorf("%.40q: %v, want %s", c.sent, err, c.want)
		}
	}
}
