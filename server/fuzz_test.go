package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// script is a connection whose client has said all that it will say, in pieces of a size, and takes every answer.
type script struct {
	say    []byte
	size   int
	heard  bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.say) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.say[:min(s.size, len(s.say))])
	s.say = s.say[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return s.heard.Write(p) }
func (s *script) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *script) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// stage is a listener for scripts.
type stage struct {
	scripts chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *stage) Accept() (net.Conn, error) {
	select {
	case c := <-l.scripts:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *stage) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *stage) Addr() net.Addr { return &net.UnixAddr{} }

// play has the server hear a client out, and gives what it answered.
func (l *stage) play(t *testing.T, say []byte, size int) []byte {
	t.Helper()
	s := &script{say: say, size: size, closed: make(chan struct{})}
	l.scripts <- s
	select {
	case <-s.closed:
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not come to an end")
	}
	return s.heard.Bytes()
}

// panics are what a log tells of commands that panicked.
type panics struct {
	slog.Handler
	mu   sync.Mutex
	told []string
}

func (p *panics) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "a command panicked" {
		p.mu.Lock()
		defer p.mu.Unlock()
		r.Attrs(func(a slog.Attr) bool { p.told = append(p.told, a.String()); return true })
	}
	return nil
}

// strictAnswer passes one answer, of which each byte is as RESP2 or RESP3 has it.
func strictAnswer(b []byte) (rest []byte, err error) {
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || len(line) == 0 || bytes.ContainsAny(line, "\r\n") {
		return nil, fmt.Errorf("no line: %.60q", b)
	}
	body := string(line[1:])
	n, nerr := strconv.ParseInt(body, 10, 64)
	if nerr == nil && strconv.FormatInt(n, 10) != body {
		return nil, fmt.Errorf("a number: %.60q", line)
	}
	switch line[0] {
	case '+', '-':
		if body == "" {
			return nil, errors.New("an empty line")
		}
		return rest, nil
	case '_':
		return rest, only(body == "", line)
	case ':':
		return rest, only(nerr == nil, line)
	case '$', '=':
		if body == "-1" && line[0] == '$' {
			return rest, nil
		}
		if nerr != nil || n < 0 || n > int64(len(rest)-2) || string(rest[n:n+2]) != "\r\n" || line[0] == '=' && !bytes.HasPrefix(rest[:n], []byte("txt:")) {
			return nil, fmt.Errorf("a string: %.60q", b)
		}
		return rest[n+2:], nil
	case '*', '~', '%':
		if body == "-1" && line[0] == '*' {
			return rest, nil
		}
		if nerr != nil || n < 0 || n > int64(len(rest)) {
			return nil, fmt.Errorf("a length: %.60q", line)
		}
		if line[0] == '%' {
			n *= 2
		}
		for ; n > 0 && err == nil; n-- {
			rest, err = strictAnswer(rest)
		}
		return rest, err
	}
	return nil, fmt.Errorf("an answer: %.60q", line)
}

func only(ok bool, line []byte) error {
	if !ok {
		return fmt.Errorf("an answer: %.60q", line)
	}
	return nil
}

// expected counts the commands that a client sends, up to QUIT, and tells whether it breaks the protocol behind them; sure is false where
// that takes more than these few lines.
func expected(b []byte) (n int, broken, sure bool) {
	for len(b) > 0 {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			return n, false, waits(b)
		}
		if b[0] != '*' {
			if bytes.ContainsFunc(line, func(r rune) bool { return r == '"' || r == '\'' || r == '\v' || r == '\f' || r >= 0x80 }) {
				return n, false, false
			}
			words := strings.Fields(string(line))
			if len(words) > 0 {
				n++
				if strings.EqualFold(words[0], "quit") {
					return n, false, true
				}
			}
			b = rest
			continue
		}
		count, ok := strictLength(line[1:])
		if !ok {
			return n, false, false
		}
		b = rest
		if count <= 0 {
			continue
		}
		quit := false
		for i := range count {
			if len(b) == 0 {
				return n, false, true
			}
			if b[0] != '$' {
				return n, true, true
			}
			line, rest, ok := bytes.Cut(b, []byte("\n"))
			if !ok {
				return n, false, waits(b)
			}
			size, ok := strictLength(line[1:])
			if !ok || size < 0 || size > 1<<20 {
				return n, false, false
			}
			if len(rest) < size+2 {
				return n, false, true
			}
			if string(rest[size:size+2]) != "\r\n" {
				return n, true, true
			}
			quit = quit || i == 0 && strings.EqualFold(string(rest[:size]), "quit")
			b = rest[size+2:]
		}
		n++
		if quit {
			return n, false, true
		}
	}
	return n, false, true
}

// waits tells whether the rest is the begin of a line, and no fault for its length.
func waits(b []byte) bool { return len(b) < 60<<10 && !bytes.Contains(b, []byte("\r")) }

// strictLength reads a length that no reading of the protocol doubts.
func strictLength(b []byte) (int, bool) {
	digits, ok := bytes.CutSuffix(b, []byte("\r"))
	n, err := strconv.Atoi(string(digits))
	return n, ok && err == nil && strconv.Itoa(n) == string(digits) && n < 1<<20
}

// What any client may send is answered: by answers that are whole, one for each command, unless it broke the protocol, was too greedy or
// was sent away; nothing panics, no length alone takes memory, and others are served.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		"PING\r\n", "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n", "SET a 1\r\nINCR a\r\nGET a\r\nMGET a b a\r\nDEL a\r\nQUIT\r\nGET a\r\n",
		"MULTI\r\nSET a 1\r\nNOSUCH\r\nEXEC\r\nEXEC\r\n", "WATCH a b\r\nMULTI\r\nSETRANGE a 100 x\r\nSELECT 3\r\nFLUSHDB\r\nDBSIZE\r\nKEYS *\r\nEXEC\r\n",
		"HELLO 3\r\nCONFIG GET *\r\nINFO everything\r\nGET none\r\nCOMMAND DOCS set\r\nCOMMAND INFO get nosuch\r\nCLIENT LIST\r\nSLOWLOG GET -1\r\n",
		"SET n 1 EX 10 GET\r\nSCAN 0 MATCH n* COUNT 5 TYPE string\r\nSCAN 99\r\nTTL n\r\nEXPIRE n -1\r\nRANDOMKEY\r\nMEMORY USAGE n\r\n",
		"CONFIG SET slowlog-log-slower-than 0 maxclients 5\r\nAUTH a b\r\nHELLO 2 AUTH default x SETNAME y\r\nRESET\r\nDEBUG SLEEP 0\r\nSHUTDOWN\r\nBGSAVE\r\n",
		"*0\r\n*-1\r\n\r\nPING\n$5\r\nhello\r\n", "*2\r\n$3\r\nGET\r\n$9999999999\r\n", "*1\r\n:1\r\n", "*99999999\r\n", "SET \"a\\x00\" 'b'\r\nSET \"a\r\n",
		"SETRANGE a 1048570 x\r\nAPPEND a yyyyyyyyyyyy\r\nINCRBYFLOAT f 1e4000\r\nINCRBYFLOAT f 1e-4000\r\nGETRANGE a -5 -1\r\nMSET a b c\r\n",
	} {
		f.Add([]byte(s), uint16(3))
		f.Add([]byte(s), uint16(4096))
	}
	dir, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		f.Fatal(err)
	}
	db, err := engine.Open(filepath.Join(dir, "db"), server.Options(engine.Options{}))
	if err != nil {
		f.Fatal(err)
	}
	fell := &panics{Handler: slog.NewTextHandler(io.Discard, nil)}
	s, err := server.New(db, server.Config{
		AppendFsync: "no", ProtoMaxBulkLen: 1 << 20, ClientQueryBufferLimit: 1 << 20, ClientOutputBufferLimit: 1 << 20, Logger: slog.New(fell),
	})
	if err != nil {
		f.Fatal(err)
	}
	l := &stage{scripts: make(chan net.Conn), closed: make(chan struct{})}
	go s.Serve(l)
	f.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), db.Close(), os.RemoveAll(dir)); err != nil {
			f.Error(err)
		}
	})
	restore := s.KeepConfig()
	f.Fuzz(func(t *testing.T, say []byte, size uint16) {
		if len(say) > 64<<10 {
			t.Skip("more than one read")
		}
		dropped, sequence := s.Stats().DroppedOutput, db.LatestSequence()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		heard := l.play(t, say, int(size)+1)
		runtime.ReadMemStats(&after)
		restore()
		for _, told := range fell.told {
			t.Error(told)
		}
		n, last := 0, ""
		for rest := heard; len(rest) > 0; n++ {
			from := rest
			if rest, err = strictAnswer(rest); err != nil {
				t.Fatalf("answer %d: %v", n, err)
			}
			last = string(from[:len(from)-len(rest)])
		}
		ended := strings.HasPrefix(last, "-ERR Protocol error: ")
		want, broken, sure := expected(say)
		if broken {
			want++
		}
		text := bytes.ToLower(say)
		if bytes.Contains(text, []byte("config")) || bytes.Contains(text, []byte("kill")) || s.Stats().DroppedOutput > dropped ||
			strings.Contains(last, "too big transaction") {
			sure = false
		}
		if sure && (n != want || ended != broken) {
			t.Errorf("%d answers, the last %.80q, to %d commands, broken: %v", n, last, want, broken)
		}
		// Each command may make a string of a megabyte, and copy it some times on its way.
		if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20+uint64(max(n, want))*8<<20 {
			t.Errorf("%d bytes were allocated for %d commands", took, max(n, want))
		}
		if got := l.play(t, []byte("PING\r\n"), 64); string(got) != "+PONG\r\n" {
			t.Errorf("others are answered %q", got)
		}
		if db.LatestSequence() != sequence {
			l.play(t, []byte("FLUSHALL\r\n"), 64)
		}
	})
}
