package main

import (
	"bufio"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serving is a run of "rockbridge serve".
type serving struct {
	cmd   *exec.Cmd
	addr  string
	began string      // what it said before it listened
	words chan string // what it says, up to its end
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func startServing(t *testing.T, args ...string) *serving {
	t.Helper()
	s := &serving{cmd: command(t, append([]string{"serve"}, args...)...), words: make(chan string, 1)}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	lines := bufio.NewScanner(stderr)
	said := ""
	for s.addr == "" && lines.Scan() {
		said += lines.Text() + "\n"
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			s.addr = m[1]
		}
	}
	if s.addr == "" {
		t.Fatalf("it does not listen: %s", said)
	}
	s.began = said
	go func() {
		for lines.Scan() {
			said += lines.Text() + "\n"
		}
		s.words <- said
	}()
	return s
}

// redisConn sends lines, and reads answers of one line, or of a string.
type redisConn struct {
	net.Conn
	r *bufio.Reader
}

func (s *serving) dial(t *testing.T) *redisConn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &redisConn{c, bufio.NewReader(c)}
}

func (c *redisConn) ask(format string, args ...any) (string, error) {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(c, format+"\r\n", args...); err != nil {
		return "", err
	}
	line, err := c.r.ReadString('\n')
	if err == nil && line[0] == '$' && line[1] != '-' {
		line, err = c.r.ReadString('\n')
	}
	return strings.TrimSpace(line), err
}

// strings asks for the strings of keys.
func (c *redisConn) strings(keys ...string) (list []string, err error) {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(c, "MGET %s\r\n", strings.Join(keys, " ")); err != nil {
		return nil, err
	}
	if _, err := c.r.ReadString('\n'); err != nil {
		return nil, err
	}
	for range keys {
		line, err := c.r.ReadString('\n')
		if err == nil && line[1] != '-' {
			line, err = c.r.ReadString('\n')
		}
		if err != nil {
			return nil, err
		}
		list = append(list, strings.TrimSpace(line))
	}
	return list, nil
}

// writer is a client that writes its number of the round to its keys, again and again.
type writer struct {
	keys         []string
	atomic       bool                   // they change together
	packet       func(n int64) []string // lines
	answers      []string               // to a packet; unless atomic, each is that of a key
	acknowledged []int64                // by key
	next         int64
}

// newWriter makes one of four: single writes, pipelines, MSET, and transactions that count too.
func newWriter(id int) *writer {
	const many = 8
	w := &writer{next: 1, acknowledged: make([]int64, many)}
	for i := range many {
		w.keys = append(w.keys, fmt.Sprintf("k%d:%d", id, i))
	}
	sets := func(n int64) (list []string) {
		for _, key := range w.keys {
			list = append(list, fmt.Sprintf("SET %s %d", key, n))
		}
		return list
	}
	repeat := func(answer string, n int) []string { return slices.Repeat([]string{answer}, n) }
	switch id % 4 {
	case 0:
		w.keys, w.answers = w.keys[:1], []string{"+OK"}
		w.packet = sets
	case 1:
		w.packet, w.answers = sets, repeat("+OK", many)
	case 2:
		w.atomic, w.answers = true, []string{"+OK"}
		w.packet = func(n int64) []string {
			line := "MSET"
			for _, key := range w.keys {
				line += fmt.Sprintf(" %s %d", key, n)
			}
			return []string{line}
		}
	default:
		w.atomic = true
		w.packet = func(n int64) []string {
			list := append([]string{"MULTI", "INCR " + w.keys[0]}, sets(n)[1:]...)
			return append(list, "EXEC")
		}
		w.answers = append(append([]string{"+OK"}, repeat("+QUEUED", many)...), fmt.Sprintf("*%d", many), ":N")
		w.answers = append(w.answers, repeat("+OK", many-1)...)
	}
	return w
}

// write writes until the server is gone.
func (w *writer) write(t *testing.T, c *redisConn) {
	for ; ; w.next++ {
		c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := c.Write([]byte(strings.Join(w.packet(w.next), "\r\n") + "\r\n")); err != nil {
			return
		}
		for i, want := range w.answers {
			line, err := c.r.ReadString('\n')
			if err != nil {
				return
			}
			if got := strings.TrimSpace(line); got != strings.Replace(want, "N", fmt.Sprint(w.next), 1) {
				t.Errorf("answer %d to %q: %q", i, w.packet(w.next), got)
				return
			}
			if !w.atomic {
				w.acknowledged[i] = w.next
			}
		}
		if w.atomic {
			for i := range w.acknowledged {
				w.acknowledged[i] = w.next
			}
		}
	}
}

// check compares what is there with what was acknowledged. What was not may be there too.
func (w *writer) check(t *testing.T, c *redisConn) {
	t.Helper()
	list, err := c.strings(w.keys...)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range list {
		n := int64(0)
		fmt.Sscan(text, &n)
		if n < w.acknowledged[i] || n > w.next {
			t.Errorf("%s: %q, acknowledged up to %d, sent up to %d", w.keys[i], text, w.acknowledged[i], w.next)
		}
		if w.atomic && text != list[0] {
			t.Errorf("a part of %q: %q", w.packet(w.next), list)
		}
	}
	last := int64(0)
	fmt.Sscan(list[0], &last)
	w.next = last + 1
}

// A server that is killed under load has, started again, every write that it acknowledged, of single writes, pipelines, MSET and transactions;
// and of the latter two all or nothing.
func TestAKilledServerLosesNoAcknowledgedWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	var writers []*writer
	for id := range 32 {
		writers = append(writers, newWriter(id))
	}
	for _, mode := range []string{"everysec", "always", "always", "everysec", ""} {
		s := startServing(t, dir, "--bind", "127.0.0.1", "--port", "0", "--appendfsync", cmp.Or(mode, "no"))
		looking := s.dial(t)
		for _, w := range writers {
			w.check(t, looking)
		}
		if mode == "" || t.Failed() {
			return
		}
		began := make([]int64, len(writers))
		var all sync.WaitGroup
		for i, w := range writers {
			began[i] = w.acknowledged[0]
			c := s.dial(t)
			all.Go(func() { w.write(t, c) })
		}
		time.Sleep(250 * time.Millisecond)
		s.cmd.Process.Kill()
		s.cmd.Wait()
		all.Wait()
		busy := 0
		for i, w := range writers {
			if w.acknowledged[0] > began[i] {
				busy++
			}
		}
		if t.Logf("%s: %d of %d clients had writes acknowledged", mode, busy, len(writers)); busy < len(writers)/2 {
			t.Errorf("%s: only %d clients had writes acknowledged", mode, busy)
		}
	}
}

func TestServeEndsInOrder(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *serving){
		"SIGTERM":  func(_ *testing.T, s *serving) { s.cmd.Process.Signal(syscall.SIGTERM) },
		"SHUTDOWN": func(t *testing.T, s *serving) { s.dial(t).ask("SHUTDOWN") },
	} {
		dir := filepath.Join(t.TempDir(), "db")
		s := startServing(t, dir, "--bind", "127.0.0.1", "--port", "0", "--appendfsync", "no")
		c := s.dial(t)
		if got, err := c.ask("SET greeting hello"); err != nil || got != "+OK" {
			t.Fatalf("%s: %q, %v", name, got, err)
		}
		if second := runWith(t, "", "serve", dir, "--port", "0"); second.code != 1 || !strings.Contains(second.stderr, "in use") && !strings.Contains(second.stderr, "lock") {
			t.Errorf("%s: a second server: %d, %s", name, second.code, second.stderr)
		}
		end(t, s)
		words := <-s.words
		if err := s.cmd.Wait(); err != nil || !strings.Contains(words, "shutting down") {
			t.Errorf("%s: %v, %s", name, err, words)
		}
		if got := runWith(t, "", "get", dir, "--hex", hex.EncodeToString([]byte("\x00greeting"))); got.code != 0 || !strings.HasSuffix(strings.TrimSpace(got.stdout), "hello") {
			t.Errorf("%s: afterwards %+v", name, got)
		}
	}
}

func TestServeTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.conf")
	if err := os.WriteFile(wrong, []byte("port 7000\nnosuch 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	db := filepath.Join(dir, "db")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{db, "--config", wrong}, 1, `line 2: unknown directive "nosuch"`},
		{[]string{db, "--config", filepath.Join(dir, "none")}, 1, "no such file"},
		{[]string{db, "--port", "70000"}, 2, "--port 70000"},
		{[]string{db, "--appendfsync", "sometimes"}, 1, "everysec"},
		{[]string{db, "--bind", "127.0.0.1", "--port", port}, 1, "address already in use"},
		{[]string{db, "--bind", ""}, 2, "--bind: it takes one address or more"},
		{[]string{db, "--bind", "127.0.0.1,"}, 2, "--bind: it takes one address or more"},
		{[]string{db, "--port", "0", "--bind", "-127.0.0.1,192.0.2.1"}, 1, "cannot assign requested address"},
		{[]string{db, "--port", "0", "--dir", filepath.Join(dir, "none")}, 1, "dir: "},
		{[]string{db, "--http-port", "70000"}, 2, "--http-port 70000"},
		{[]string{db, "--port", "0", "--http-bind", "127.0.0.1", "--http-port", port}, 1, "address already in use"},
		{[]string{db, "--port", "0", "--http-bind", "", "--http-port", "0"}, 2, "--http-bind: it takes one address or more"},
		{[]string{db, "--loglevel", "loud"}, 1, "debug, verbose, notice, warning"},
		{[]string{db, "--logfile", filepath.Join(dir, "none", "log")}, 1, "logfile: "},
		{nil, 2, "arg"},
	} {
		if r := runWith(t, "", append([]string{"serve"}, c.args...)...); r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%q: %d, %s", c.args, r.code, r.stderr)
		}
	}
}

// Redis's ways to write addresses; and who lets others in without a password is warned.
func TestServeListensAsRedisWritesAddresses(t *testing.T) {
	dir := t.TempDir()
	const warning = "there is no password"
	for config, want := range map[string]struct{ addr, said string }{
		"bind -192.0.2.1 127.0.0.1": {"127.0.0.1:", ""},
		"bind *":                    {"0.0.0.0:", warning},
		"bind *\nrequirepass x":     {"0.0.0.0:", ""},
	} {
		path := filepath.Join(dir, "conf")
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		s := startServing(t, filepath.Join(t.TempDir(), "db"), "--config", path, "--port", "0")
		if !strings.HasPrefix(s.addr, want.addr) {
			t.Errorf("%q: it listens on %s", config, s.addr)
		}
		s.cmd.Process.Signal(syscall.SIGTERM)
		said := <-s.words
		if err := s.cmd.Wait(); err != nil || strings.Contains(said, warning) != (want.said != "") {
			t.Errorf("%q: %v, %s", config, err, said)
		}
	}
}

var showing = regexp.MustCompile(`msg=showing url=(\S+)/`)

// A server shows itself over HTTP from before its first client to its end, by flags and by a file, and warns who lets others see it.
func TestServeShowsItselfOverHTTP(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "conf")
	if err := os.WriteFile(config, []byte("http-bind 127.0.0.1\nhttp-port 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServing(t, filepath.Join(dir, "orders"), "--bind", "127.0.0.1", "--port", "0", "--config", config, "--http-port", "0")
	m := showing.FindStringSubmatch(s.began)
	if m == nil || strings.Contains(s.began, "beyond this machine") {
		t.Fatalf("it does not say where it shows itself: %s", s.began)
	}
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(m[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(b)
	}
	if got, err := s.dial(t).ask("SET greeting hello"); err != nil || got != "+OK" {
		t.Fatal(got, err)
	}
	for path, want := range map[string]string{
		"/readyz": "ok\n", "/healthz": "ok\n", "/": "<h1>orders</h1>", "/metrics": "rockbridge_server_commands_total{command=\"set\"} 1\n", "/figures": `"ready":true`,
	} {
		if code, body := get(path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %.500s", path, code, body)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, body := get("/metrics"); strings.Contains(body, "rockbridge_server_block_cache_misses_total") && strings.Contains(body, `rockbridge_open{db="orders"} 1`) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("RocksDB does not count")
		}
	}
	http.DefaultClient.CloseIdleConnections()
	s.cmd.Process.Signal(syscall.SIGTERM)
	if words := <-s.words; s.cmd.Wait() != nil || !strings.Contains(words, "shutting down") {
		t.Errorf("its end: %s", words)
	}
	if _, err := http.Get(m[1] + "/readyz"); err == nil {
		t.Error("it answers after its end")
	}
	open := startServing(t, filepath.Join(dir, "open"), "--bind", "127.0.0.1", "--port", "0", "--http-bind", "0.0.0.0", "--http-port", "0")
	if !strings.Contains(open.began, "level=WARN") || !strings.Contains(open.began, "open beyond this machine, and ask for no password") {
		t.Errorf("no warning: %s", open.began)
	}
	if quiet := startServing(t, filepath.Join(dir, "quiet"), "--bind", "127.0.0.1", "--port", "0"); showing.MatchString(quiet.began) {
		t.Errorf("it shows itself unasked: %s", quiet.began)
	}
}

// With http-tls the page is encrypted, and for those whom the authority has certified; what is wrong with the files is told at the start.
func TestThePageIsForCertifiedClients(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	crt, pkey := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := "http-tls yes\ntls-cert-file " + file("crt", string(crt)) + "\ntls-key-file " + file("key", string(pkey)) + "\n"
	config := file("conf", files+"tls-ca-cert-file "+filepath.Join(dir, "crt")+"\n")
	s := startServing(t, filepath.Join(dir, "db"), "--bind", "127.0.0.1", "--port", "0", "--config", config, "--http-bind", "127.0.0.1", "--http-port", "0")
	m := showing.FindStringSubmatch(s.began)
	if m == nil || !strings.HasPrefix(m[1], "https://") {
		t.Fatalf("%s", s.began)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(crt)
	pair, err := tls.X509KeyPair(crt, pkey)
	if err != nil {
		t.Fatal(err)
	}
	known := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}, DisableKeepAlives: true}}
	strange := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	if answer, err := known.Get(m[1] + "/readyz"); err != nil || answer.StatusCode != 200 {
		t.Errorf("who is certified: %v, %v", answer, err)
	}
	if answer, err := strange.Get(m[1] + "/readyz"); err == nil {
		t.Errorf("who is not: %v", answer)
	}
	if answer, err := http.Get("http" + strings.TrimPrefix(m[1], "https") + "/metrics"); err == nil && answer.StatusCode == 200 {
		t.Error("without TLS it answers")
	}
	for lines, want := range map[string]string{
		"http-tls yes\n": "tls-cert-file", files + "tls-ca-cert-file " + filepath.Join(dir, "key"): "holds no certificate", "http-tls maybe\n": "yes, no",
		"http-tls yes\ntls-cert-file " + filepath.Join(dir, "key") + "\ntls-key-file " + filepath.Join(dir, "crt") + "\n": "tls-cert-file, tls-key-file",
	} {
		if r := runWith(t, "", "serve", filepath.Join(dir, "other"), "--config", file("wrong", lines)); r.code != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %d, %s", lines, r.code, r.stderr)
		}
	}
}

// The log goes where it is told to, as JSON if that is asked for.
func TestServeLogsToAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	c := command(t, "serve", filepath.Join(dir, "db"), "--bind", "127.0.0.1", "--port", "0", "--json", "--logfile", path, "--loglevel", "verbose")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	var text string
	for end := time.Now().Add(20 * time.Second); !strings.Contains(text, "listening"); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(path)
		if text = string(b); time.Now().After(end) {
			t.Fatalf("the log: %s", text)
		}
	}
	c.Process.Signal(syscall.SIGTERM)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), `"msg":"shutting down"`) {
		t.Errorf("%v, %s", err, b)
	}
	for line := range strings.Lines(string(b)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// redis-cli and redis-benchmark drive the server unchanged.
func TestRedisToolsWorkUnchanged(t *testing.T) {
	for _, tool := range []string{"redis-cli", "redis-benchmark"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
				t.Fatal(err)
			}
			t.Skip(tool + " is not installed")
		}
	}
	s := startServing(t, filepath.Join(t.TempDir(), "db"), "--bind", "127.0.0.1", "--port", "0")
	_, port, _ := net.SplitHostPort(s.addr)
	for _, c := range []struct{ line, want string }{
		{"redis-cli -p PORT set greeting hello", "OK"},
		{"redis-cli -p PORT -3 get greeting", "hello"},
		{"redis-cli -p PORT -n 3 incr n", "1"},
		{"redis-cli -p PORT --scan", "greeting"},
		{"redis-cli -p PORT --bigkeys", "Biggest string found"},
		{"redis-cli -p PORT info server", "redis_version"},
		{"redis-benchmark -p PORT -q -n 2000 -c 20 -t ping,set,get,incr,mset", "MSET (10 keys): "},
		{"redis-benchmark -p PORT -q -n 2000 -c 20 -P 16 -r 1000 -t set,get", "GET: "},
	} {
		words := strings.Fields(strings.ReplaceAll(c.line, "PORT", port))
		out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "ERR") {
			t.Errorf("%s: %v\n%s", c.line, err, out)
		}
	}
}
