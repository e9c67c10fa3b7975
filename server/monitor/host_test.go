package monitor_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/server/monitor"
)

// A page of another site whose name leads to this machine reads nothing.
func TestTheLoopbackAnswersUnderItsOwnNamesOnly(t *testing.T) {
	w := show(t, monitor.Options{})
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:9121": 200, "localhost": 200, "LOCALHOST:80": 200, "localhost.": 200, "db.localhost": 200,
		"[::1]:80": 200, "::1": 200, "": 200,
		"example.org": 421, "example.org:80": 421, "localhost.example.org": 421, "127.0.0.1.example.org": 421, "10.0.0.1": 421,
		"notlocalhost": 421, "0.0.0.0": 421,
	} {
		if got := statusFor(t, strings.TrimPrefix(w.url, "http://"), host); got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
}

// statusFor asks by hand, as Go's client would not send every name.
func statusFor(t *testing.T, address, host string) int {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /style.css HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode
}
