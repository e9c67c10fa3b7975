package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// wire is a client that sees each byte of an answer.
type wire struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func dial(t testing.TB, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &wire{t, conn, bufio.NewReader(conn)}
}

// encode writes a command as clients do.
func encode(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// send writes bytes as they are.
func (w *wire) send(b []byte) {
	w.t.Helper()
	w.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := w.conn.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// ask sends a command and gives its answer.
func (w *wire) ask(args ...string) string {
	w.t.Helper()
	w.send(encode(args...))
	return w.answer()
}

// answer reads one answer, whole, as it came.
func (w *wire) answer() string {
	w.t.Helper()
	b, err := readAnswer(w.r, nil)
	if err != nil {
		w.t.Fatalf("after %q: %v", b, err)
	}
	return string(b)
}

func readAnswer(r *bufio.Reader, b []byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	b = append(b, line...)
	if err != nil {
		return b, err
	}
	n, _ := strconv.Atoi(string(line[1 : len(line)-2]))
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return b, nil
		}
		from := len(b)
		b = append(b, make([]byte, n+2)...)
		_, err := io.ReadFull(r, b[from:])
		return b, err
	case '%':
		n *= 2
		fallthrough
	case '*', '~':
		for range n {
			if b, err = readAnswer(r, b); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}
