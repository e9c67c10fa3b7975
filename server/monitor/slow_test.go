package monitor

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Clients that send nothing, never come to an end, or take nothing are left.
func TestSlowClientsAreDropped(t *testing.T) {
	m := New(Options{})
	if h := m.http; h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 {
		t.Fatalf("there is no limit: %+v", h)
	}
	const patience = 100 * time.Millisecond
	m.http.ReadHeaderTimeout, m.http.ReadTimeout, m.http.WriteTimeout, m.http.IdleTimeout = patience, patience, patience, patience
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go m.Serve(l)
	defer m.Shutdown(t.Context())
	const whole = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for what, c := range map[string]struct {
		sends string
		want  string
	}{
		"nothing":         {"", ""},
		"half a head":     {"GET / HTTP/1.1\r\nHost: ", ""},
		"a head in bits":  {"GET / HTTP/1.1\r\nX: ", ""},
		"no next request": {whole, "HTTP/1.1 200 OK\r\n"},
		"half a body":     {strings.Replace(whole, "Host", "Content-Length: 1000000\r\nHost", 1), "HTTP/1.1 200 OK\r\n"},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, c.sends)
		if what == "a head in bits" {
			go func() {
				for range 1000 {
					if _, err := io.WriteString(conn, "x"); err != nil {
						return
					}
					time.Sleep(patience / 10)
				}
			}()
		}
		begun := time.Now()
		conn.SetDeadline(begun.Add(10 * time.Second))
		got, err := io.ReadAll(conn)
		if e, ok := err.(net.Error); ok && e.Timeout() || time.Since(begun) > 5*time.Second {
			t.Errorf("%s: it is still there after %v", what, time.Since(begun))
		}
		if !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%s: %.100s", what, got)
		}
	}
	deaf, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	deaf.(*net.TCPConn).SetReadBuffer(4 << 10)
	deaf.SetWriteDeadline(time.Now().Add(10 * time.Second))
	request := []byte(strings.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 100))
	for range 10_000 { // until the server waits for us, and we for the server: or it would end with a time-out
		if _, err = deaf.Write(request); err != nil {
			break
		}
	}
	if e, ok := err.(net.Error); err == nil || ok && e.Timeout() {
		t.Errorf("who takes no answers is still there: %v", err)
	}
}
