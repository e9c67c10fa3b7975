package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
	"github.com/rockbridge-db/rockbridge/server/monitor"
)

// shown is a server and its monitor, both served in this process.
type shown struct {
	t      *testing.T
	m      *monitor.Monitor
	s      *server.Server
	db     *engine.DB
	url    string
	redis  net.Listener
	client *bufio.ReadWriter
}

// show serves a monitor without a server.
func show(t *testing.T, o monitor.Options) *shown {
	t.Helper()
	w := &shown{t: t, m: monitor.New(o)}
	l := listen(t)
	w.url = "http://" + l.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- w.m.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := w.m.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-ended; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open opens a database and makes a server of it, which takes no clients yet.
func (w *shown) open(dir string, o engine.Options, c server.Config) {
	w.t.Helper()
	db, err := engine.Open(dir, server.Options(o))
	if err != nil {
		w.t.Fatal(err)
	}
	w.db = db
	if w.s, err = server.New(db, c); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.end)
	if err := w.m.Watch(w.s, db); err != nil {
		w.t.Fatal(err)
	}
}

func (w *shown) end() {
	if w.db != nil {
		if err := errors.Join(w.s.Shutdown(context.Background()), w.db.Close()); err != nil && !errors.Is(err, engine.ErrReadOnly) {
			w.t.Error(err)
		}
		w.db = nil
	}
}

// listen takes clients.
func (w *shown) listen() {
	w.redis = listen(w.t)
	go w.s.Serve(w.redis)
}

// running shows a server that takes clients.
func running(t *testing.T, c server.Config) *shown {
	t.Helper()
	w := show(t, monitor.Options{Name: "orders", Every: 20 * time.Millisecond})
	w.open(filepath.Join(t.TempDir(), "db"), engine.Options{Statistics: engine.UsualStatistics}, c)
	w.listen()
	return w
}

// ask sends commands, a line each, and gives the first lines of their answers.
func (w *shown) ask(commands ...string) (answers []string) {
	w.t.Helper()
	if w.client == nil {
		conn, err := net.Dial("tcp", w.redis.Addr().String())
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { conn.Close() })
		w.client = bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	}
	fmt.Fprint(w.client, strings.Join(commands, "\r\n")+"\r\n")
	w.client.Flush()
	for range commands {
		line, err := w.client.ReadString('\n')
		if err != nil {
			w.t.Fatal(err)
		}
		if n := 0; line[0] == '$' && line[1] != '-' {
			fmt.Sscan(line[1:], &n)
			text := make([]byte, n+2)
			if _, err := io.ReadFull(w.client, text); err != nil {
				w.t.Fatal(err)
			}
			line = string(text)
		}
		answers = append(answers, strings.TrimRight(line, "\r\n"))
	}
	return answers
}

// get asks over HTTP.
func (w *shown) get(method, path string) (code int, header http.Header, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(b)
}

// becomes waits until an answer is as it should be.
func (w *shown) becomes(path string, code int, part string) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got, _, body := w.get("GET", path)
		if got == code && strings.Contains(body, part) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: %d, %.300s", path, got, body)
		}
	}
}

// look is what /figures tells.
type look struct {
	Sample uint64
	Ready  bool
	State  string
	Values map[string]string
	Charts map[string]string
}

func (w *shown) look() (l look) {
	w.t.Helper()
	_, _, body := w.get("GET", "/figures")
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// sampled waits until there are samples that began after the call.
func (w *shown) sampled() look {
	w.t.Helper()
	first := w.look()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if now := w.look(); now.Sample > first.Sample+1 {
			return now
		}
		if time.Now().After(end) {
			w.t.Fatal("there are no new samples")
		}
	}
}

// A server that is not there yet, is there, refuses writes and goes away is ready only while it takes what clients bring, and alive all
// the while.
func TestAServerIsReadyWhileItTakesClientsAndWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	w := show(t, monitor.Options{})
	w.becomes("/readyz", 503, "no: starting: ")
	w.becomes("/healthz", 200, "ok")
	if l := w.look(); l.Ready || !strings.Contains(l.State, "starting") || l.Values["commands"] != "–" {
		t.Errorf("figures: %+v", l)
	}
	w.becomes("/", 200, "starting")
	w.becomes("/metrics", 200, "rockbridge_server_ready 0")

	w.open(dir, engine.Options{}, server.Config{})
	w.becomes("/readyz", 503, "takes no clients")
	w.listen()
	w.becomes("/readyz", 200, "ok")
	w.becomes("/metrics", 200, "rockbridge_server_ready 1")
	if err := w.m.Watch(w.s, w.db); err == nil {
		t.Error("a second server can be watched")
	}
	if err := w.s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.becomes("/readyz", 503, server.ErrServerClosed.Error())
	w.becomes("/healthz", 200, "ok")
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	w.db = nil
	time.Sleep(300 * time.Millisecond) // the last answer is given again for a while
	w.becomes("/healthz", 200, "ok")
	w.becomes("/readyz", 503, "no: ")
	w.becomes("/metrics", 200, `rockbridge_open{db="default"} 0`)

	refusing := show(t, monitor.Options{})
	refusing.open(dir, engine.Options{ReadOnly: true}, server.Config{AppendFsync: "no"})
	refusing.listen()
	refusing.becomes("/readyz", 200, "ok")
	if got := refusing.ask("SET a 1")[0]; !strings.HasPrefix(got, "-MISCONF ") {
		t.Fatal(got)
	}
	refusing.becomes("/readyz", 503, "writes are refused")
	refusing.becomes("/healthz", 200, "ok")
	refusing.becomes("/metrics", 200, "rockbridge_server_refused_writes_total 1")
}

// A database that has failed is neither alive nor ready.
func TestAFailedDatabaseIsNotAlive(t *testing.T) {
	w := show(t, monitor.Options{})
	failing := &engine.GoMergeOperator{
		Name:  "fails",
		Merge: func([]byte, []byte, []byte, [][]byte) ([]byte, error) { panic("no") },
	}
	w.open(filepath.Join(t.TempDir(), "db"), engine.Options{Families: map[string]engine.FamilyOptions{"other": {GoMerge: failing}}}, server.Config{})
	w.listen()
	w.becomes("/healthz", 200, "ok")
	other, err := w.db.ColumnFamily("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Merge([]byte("key"), []byte("operand"), nil); err != nil {
		t.Fatal(err)
	}
	other.Get([]byte("key"), nil)
	w.becomes("/healthz", 503, "no: ")
	w.becomes("/readyz", 503, "no: ")
	if l := w.look(); l.Ready || !strings.Contains(l.State, "health") {
		t.Errorf("figures: %+v", l)
	}
}

// What there is, is there, and of its own kind; nothing else is.
func TestWhatIsServed(t *testing.T) {
	w := running(t, server.Config{})
	w.ask("SET greeting hello")
	w.sampled()
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8", "/script.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/figures": "application/json", "/healthz": "text/plain; charset=utf-8", "/readyz": "text/plain; charset=utf-8",
		"/chart/throughput-light.svg": "image/svg+xml", "/chart/levels-dark.svg?7": "image/svg+xml", "/metrics": "text/plain; version=0.0.4",
	} {
		code, h, body := w.get("GET", path)
		if code != 200 || !strings.HasPrefix(h.Get("Content-Type"), kind) || body == "" {
			t.Errorf("%s: %d, %s", path, code, h.Get("Content-Type"))
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "http") || strings.Contains(policy, "*") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
		if code, _, body := w.get("HEAD", path); code != 200 || body != "" {
			t.Errorf("HEAD %s: %d, %.50q", path, code, body)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"} {
			if code, h, _ := w.get(method, path); code != http.StatusMethodNotAllowed || h.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, %q", method, path, code, h.Get("Allow"))
			}
		}
	}
	for _, path := range []string{
		"/nothing", "/page/index.html", "/index.html", "/chart/", "/chart/throughput", "/chart/throughput-.svg", "/chart/nothing-light.svg",
		"/chart/throughput-light.svg/more", "/chart/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/style.css/", "/debug/pprof/", "/debug/vars",
	} {
		if code, h, body := w.get("GET", path); code != http.StatusNotFound || strings.Contains(body, "root:") || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d, %.60s", path, code, body)
		}
	}
	raw := w.raw("GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if strings.Contains(raw, "root:") || strings.HasPrefix(raw, "HTTP/1.1 200") {
		t.Errorf("%.200s", raw)
	}
}

// raw sends bytes, and gives what comes until the connection ends.
func (w *shown) raw(s string) string {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, s)
	b, _ := io.ReadAll(conn)
	return string(b)
}

func TestRequestsThatAreTooLargeAreRefused(t *testing.T) {
	w := show(t, monitor.Options{})
	for what, request := range map[string]string{
		"a huge header":  "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"many headers":   "GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X-Some: y\r\n", 1<<16) + "\r\n",
		"a huge address": "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		if got := w.raw(request); got != "" && !strings.HasPrefix(got, "HTTP/1.1 431 ") {
			t.Errorf("%s: %.100s", what, got)
		}
	}
	if got := w.raw("nonsense\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("%.100s", got)
	}
	w.becomes("/healthz", 200, "ok")
}

// Nothing that the page loads comes from elsewhere, and its parts have names.
func TestThePageIsWhole(t *testing.T) {
	w := running(t, server.Config{})
	w.ask("SET secret-key secret-value", "GET secret-key")
	w.sampled()
	_, _, page := w.get("GET", "/")
	for _, m := range regexp.MustCompile(`(?:src|srcset|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//") {
			t.Errorf("the page asks for %s", m[1])
		}
		if code, _, _ := w.get("GET", m[1]); code != 200 {
			t.Errorf("%s: %d", m[1], code)
		}
	}
	if n := strings.Count(page, "<img "); n < 7 || n != len(regexp.MustCompile(`<img [^>]*alt="[^"]+, [^"]+"`).FindAllString(page, -1)) {
		t.Errorf("%d pictures, of which some have no words", n)
	}
	for _, part := range []string{`<html lang="en">`, "<title>orders – rockbridge</title>", `name="viewport"`, `role="status"`, "<h1>orders</h1>"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	l := w.look()
	for id := range l.Values {
		if strings.Count(page, `id="`+id+`"`) != 1 {
			t.Errorf("the page has no place for %s, or several", id)
		}
	}
	for name, words := range l.Charts {
		for _, shade := range []string{"light", "dark"} {
			_, _, svg := w.get("GET", "/chart/"+name+"-"+shade+".svg")
			if !strings.Contains(svg, "viewBox=\"0 0 ") || !strings.Contains(svg, "<title>") || strings.Contains(svg, "Liberation") || strings.Contains(svg, "#-") {
				t.Errorf("%s, %s: %.300s", name, shade, svg)
			}
			page += svg
		}
		if !strings.Contains(words, ", now: ") {
			t.Errorf("%s: %q", name, words)
		}
	}
	if strings.Contains(page, "secret") {
		t.Error("the page shows a key or a value")
	}
}

// Figures and charts go with what is done.
func TestFiguresGoWithTheLoad(t *testing.T) {
	w := running(t, server.Config{})
	idle := w.sampled()
	if idle.Values["commands"] != "0/s" || idle.Values["p99"] != "–" {
		t.Errorf("idle: %+v", idle.Values)
	}
	_, _, before := w.get("GET", "/chart/throughput-light.svg")
	for end := time.Now().Add(10 * time.Second); ; {
		for range 20 {
			w.ask("SET a 1", "GET a", "GET none")
		}
		l := w.look()
		if v := l.Values; v["writes"] != "0/s" && v["reads"] != "0/s" && v["p50"] != "–" && strings.HasSuffix(v["keyhits"], " %") && v["in"] != "0 B/s" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", l.Values)
		}
	}
	if err := w.db.Flush(); err != nil {
		t.Fatal(err)
	}
	w.becomes("/figures", 200, `"files0":"1"`)
	if got := w.look().Values; got["bytes0"] == "0 B" || got["goroutines"] == "0" || got["threads"] == "0" {
		t.Errorf("%+v", got)
	}
	if _, _, after := w.get("GET", "/chart/throughput-light.svg"); after == before {
		t.Error("the chart has not changed")
	}
}

// Slow clients take no more than their time, and no others' place for longer.
func TestManyConnectionsWaitForOneAnother(t *testing.T) {
	w := show(t, monitor.Options{})
	var held []net.Conn
	for range 64 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: ") // and no more
		held = append(held, conn)
	}
	begun := time.Now()
	time.AfterFunc(200*time.Millisecond, func() { held[0].Close() })
	if got := w.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("%.100s", got)
	}
	if took := time.Since(begun); took < 200*time.Millisecond || took > 4*time.Second {
		t.Errorf("it was answered after %v", took)
	}
}
