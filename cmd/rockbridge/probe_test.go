package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbeExitsByTheAnswer(t *testing.T) {
	hold := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/well":
			w.Write([]byte("ok\n"))
		case "/slow":
			<-hold
		default:
			http.Error(w, "the disk is full"+strings.Repeat("!", 1<<16), http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	defer close(hold)
	if out := succeed(t, "probe", s.URL+"/well"); out != "ok\n" {
		t.Errorf("well: %q", out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	t.Setenv("HTTP_PROXY", s.URL)
	for what, c := range map[string]struct{ url, want string }{
		"ill": {s.URL + "/ill", "503 Service Unavailable: the disk is full!!"}, "gone": {gone, "refused"}, "slow": {s.URL + "/slow", "exceeded"},
	} {
		if r := runWith(t, "", "probe", c.url, "--timeout", "300ms"); r.code != 1 || !strings.Contains(r.stderr, c.want) || len(r.stderr) > 2000 {
			t.Errorf("%s: %d, %.300s", what, r.code, r.stderr)
		}
	}
}
