package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// closed tells whether the server ends the connection, after how much more.
func (w *wire) closed() (rest string, ended bool) {
	w.conn.SetDeadline(time.Now().Add(20 * time.Second))
	b, err := io.ReadAll(w.r)
	return string(b), err == nil || strings.Contains(err.Error(), "reset")
}

// What is read of what follows a length that nobody could send, which is what one read takes, and of a line without an end.
const (
	readOfLength = 4 << 10
	readOfLine   = 128 << 10
)

var hostile = []string{
	"$9999999999\r\n", "*1000000000\r\n", "*2\r\n$3\r\nGET\r\n$9999999999\r\n", "*-9223372036854775808\r\n*99999999999999999999\r\n", "*1\r\n$-5\r\n",
	"*1048576\r\n$9223372036854775807\r\n", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870913\r\n", "*1\r\n*1\r\n*1\r\n", strings.Repeat("*", 100_000),
	strings.Repeat("x", 100_000), "*1\r\n$4\r\nPINGxx", "GET \"unbalanced\r\n",
}

// What is hostile is answered in less than a millisecond, when the machine has a moment for it.
func TestHostileLengthsAreAnsweredAtOnce(t *testing.T) {
	s := start(t, server.Config{})
	for _, bad := range hostile {
		fastest := time.Hour
		for range 200 {
			w := dial(t, s.addr)
			began := time.Now()
			w.send([]byte(bad))
			if got := w.answer(); !strings.HasPrefix(got, "-ERR ") {
				t.Fatalf("%.30q: %q", bad, got)
			}
			fastest = min(fastest, time.Since(began))
			w.conn.Close()
			if fastest < time.Millisecond {
				break
			}
		}
		if t.Logf("%.30q: %v", bad, fastest); fastest >= time.Millisecond {
			t.Errorf("%.30q: answered after %v", bad, fastest)
		}
	}
}

// Lengths that nobody could send are refused at once: before more than a little of what follows is read, without a call into C, and nothing is
// allocated for them.
func TestHostileLengthsCostNothing(t *testing.T) {
	s := start(t, server.Config{AppendFsync: "no"}) // which calls into C by itself otherwise
	more := strings.Repeat("x", 4<<20)
	for _, bad := range hostile {
		w := dial(t, s.addr)
		calls, read := runtime.NumCgoCall(), s.Stats().BytesIn
		if strings.HasPrefix(bad, "$") { // a line, as to Redis
			w.send([]byte(bad))
			if got := w.answer(); !strings.HasPrefix(got, "-ERR unknown command '$9999999999'") {
				t.Errorf("%.30q: %q", bad, got)
			}
			if n := runtime.NumCgoCall() - calls; n != 0 {
				t.Errorf("%.30q: %d calls into C", bad, n)
			}
			continue
		}
		packet := []byte(bad + more)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		go w.conn.Write(packet) // which fails, as nobody reads it all
		rest, ended := w.closed()
		runtime.ReadMemStats(&after)
		most := int64(readOfLength)
		if len(bad) > readOfLength {
			most = readOfLine
		}
		if n := s.Stats().BytesIn - read; n > most {
			t.Errorf("%.30q: %d bytes were read, at most %d", bad, n, most)
		}
		if n := runtime.NumCgoCall() - calls; n != 0 {
			t.Errorf("%.30q: %d calls into C", bad, n)
		}
		if !ended || !strings.HasPrefix(rest, "-ERR Protocol error: ") || strings.Count(rest, "\n") != 1 {
			t.Errorf("%.30q: %q, ended: %v", bad, rest, ended)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%.30q: %d bytes were allocated", bad, n)
		}
	}
	if got := dial(t, s.addr).ask("PING"); got != "+PONG\r\n" {
		t.Errorf("afterwards: %q", got)
	}
}

// A large argument that is announced takes memory only as it comes.
func TestAnAnnouncedArgumentTakesNoMemory(t *testing.T) {
	s := start(t, server.Config{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 50 {
		dial(t, s.addr).send([]byte("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$500000000\r\nxyz"))
	}
	time.Sleep(50 * time.Millisecond)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// What came before a fault is answered.
func TestCommandsBeforeAFaultAreAnswered(t *testing.T) {
	s := start(t, server.Config{})
	w := dial(t, s.addr)
	w.send(append(append(encode("SET", "a", "1"), encode("GET", "a")...), "*x\r\n"...))
	if rest, _ := w.closed(); rest != "+OK\r\n$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n" {
		t.Errorf("%q", rest)
	}
}

func TestWhoHasNoPasswordIsToldNothing(t *testing.T) {
	s := start(t, server.Config{RequirePass: "secret"})
	w := dial(t, s.addr)
	for _, c := range []struct{ command, want string }{
		{"GET a", "-NOAUTH Authentication required.\r\n"},
		{"PING", "-NOAUTH Authentication required.\r\n"},
		{"MULTI", "-NOAUTH Authentication required.\r\n"},
		{"AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"AUTH someone secret", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n"},
		{"GET a", "-NOAUTH Authentication required.\r\n"},
		{"AUTH default secret", "+OK\r\n"},
		{"GET a", "$-1\r\n"},
		{"RESET", "+RESET\r\n"},
		{"GET a", "-NOAUTH Authentication required.\r\n"},
		{"AUTH secret", "+OK\r\n"},
		{"CONFIG SET requirepass other", "+OK\r\n"},
		{"GET a", "$-1\r\n"},
	} {
		if got := w.ask(strings.Fields(c.command)...); got != c.want {
			t.Errorf("%s: %q", c.command, got)
		}
	}
	if got := dial(t, s.addr).ask("HELLO", "3", "AUTH", "default", "other"); !strings.HasPrefix(got, "%7\r\n") {
		t.Errorf("%q", got)
	}
	strange := dial(t, s.addr)
	strange.send([]byte("*20\r\n"))
	if rest, ended := strange.closed(); !ended || rest != "-ERR Protocol error: unauthenticated multibulk length\r\n" {
		t.Errorf("%q", rest)
	}
}

func TestClientsBeyondTheLimitAreTurnedAway(t *testing.T) {
	s := start(t, server.Config{MaxClients: 3})
	var in []*wire
	for range 3 {
		w := dial(t, s.addr)
		w.ask("PING")
		in = append(in, w)
	}
	if rest, ended := dial(t, s.addr).closed(); !ended || rest != "-ERR max number of clients reached\r\n" {
		t.Errorf("%q, %v", rest, ended)
	}
	in[0].ask("QUIT")
	in[0].closed()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w := dial(t, s.addr)
		w.send(encode("PING"))
		if b, _ := w.r.Peek(1); string(b) == "+" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no room after a client has left")
		}
	}
}

func TestIdleClientsAreDropped(t *testing.T) {
	s := start(t, server.Config{Timeout: time.Second})
	w := dial(t, s.addr)
	w.ask("PING")
	if rest, ended := w.closed(); !ended || rest != "" {
		t.Errorf("%q, %v", rest, ended)
	}
}

// An operator ends connections by what CLIENT LIST tells of them.
func TestClientsAreKilled(t *testing.T) {
	s := start(t, server.Config{})
	w := dial(t, s.addr)
	w.ask("PING")
	for _, by := range []func(*wire) []string{
		func(v *wire) []string { return []string{"ID", strings.Trim(v.ask("CLIENT", "ID"), ":\r\n")} },
		func(v *wire) []string { v.ask("PING"); return []string{"ADDR", v.conn.LocalAddr().String()} },
		func(v *wire) []string { v.ask("PING"); return []string{"TYPE", "normal"} },
		func(v *wire) []string { v.ask("PING"); return []string{"LADDR", s.addr, "USER", "default"} },
		func(v *wire) []string { v.ask("PING"); return []string{v.conn.LocalAddr().String()} },
	} {
		victim, want := dial(t, s.addr), ":1\r\n"
		filter := by(victim)
		if len(filter) == 1 {
			want = "+OK\r\n"
		}
		if got := w.ask(append([]string{"CLIENT", "KILL"}, filter...)...); got != want {
			t.Errorf("%q: %q", filter, got)
		}
		if rest, ended := victim.closed(); !ended || rest != "" {
			t.Errorf("%q: it is there: %q", filter, rest)
		}
	}
	if got := w.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"); got != ":1\r\n" {
		t.Errorf("itself: %q", got)
	}
	if _, ended := w.closed(); !ended {
		t.Error("it killed itself and is there")
	}
}

// A client that takes no answers is dropped, and the server holds no more for it than it may.
func TestClientsThatTakeNoAnswersAreDropped(t *testing.T) {
	s := start(t, server.Config{OutputTimeout: time.Second, ClientOutputBufferLimit: 8 << 20})
	w := dial(t, s.addr)
	w.ask("SET", "large", strings.Repeat("v", 1<<20))
	slow := dial(t, s.addr)
	slow.send(bytes.Repeat(encode("GET", "large"), 200))
	for end := time.Now().Add(20 * time.Second); strings.Count(w.ask("CLIENT", "LIST"), "id=") > 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still there")
		}
	}
	greedy := dial(t, s.addr)
	many := []string{"MGET"}
	for range 20 {
		many = append(many, "large")
	}
	greedy.send(encode(many...))
	if rest, ended := greedy.closed(); !ended || len(rest) != 0 {
		t.Errorf("an answer beyond the limit: %d bytes, ended: %v", len(rest), ended)
	}
}

// Few bytes that ask for much, again and again, take the memory of some strings and not of all; a client that takes its answers has them,
// however many, and a transaction that would take more than a client may send is refused whole.
func TestSmallCommandsOnLargeStringsTakeLittleMemory(t *testing.T) {
	s := start(t, server.Config{AppendFsync: "no", ClientOutputBufferLimit: 8 << 20, ClientQueryBufferLimit: 32 << 20})
	w := dial(t, s.addr)
	const size, many = 1 << 20, 40
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // so that the heap is what is needed
	for i := range many {
		w.ask("SET", fmt.Sprint("k", i), strings.Repeat("v", size))
	}
	each := func(args ...string) []byte {
		var b []byte
		for i := range many {
			one := append([]string(nil), args...)
			one[1] = strings.Replace(one[1], "#", fmt.Sprint(i), 1)
			b = append(b, encode(one...)...)
		}
		return b
	}
	for _, c := range []struct {
		commands []byte
		want     string
	}{
		{each("EXPIRE", "k0", "1000"), ":1\r\n"},
		{each("SETRANGE", "new#", "1000000", "x"), ":1000001\r\n"},
		{each("GET", "k#"), fmt.Sprintf("$%d\r\n%s\r\n", size, strings.Repeat("v", size))},
	} {
		most := peak(func() {
			w.send(c.commands)
			for i := range many {
				if got := w.answer(); got != c.want {
					t.Fatalf("answer %d to %.40q: %.80q", i, c.commands, got)
				}
			}
		})
		t.Logf("%.40q: %d MiB", c.commands, most>>20)
		if most > 128<<20 {
			t.Errorf("%.40q: %d MiB at a time", c.commands, most>>20)
		}
	}
	w.ask("MULTI")
	w.send(each("SETRANGE", "other#", "1000000", "x"))
	for range many {
		w.answer()
	}
	if got := w.ask("EXEC"); !strings.HasPrefix(got, "-EXECABORT ") {
		t.Errorf("EXEC: %.80q", got)
	}
	if got := w.ask("EXISTS", "other0"); got != ":0\r\n" {
		t.Errorf("a part of a refused transaction: %q", got)
	}
}

// peak is how much more of Go's heap was in use at some time during f than before.
func peak(f func()) (most uint64) {
	used := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before := used()
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
				most = max(most, used())
			}
		}
	}()
	f()
	close(done)
	<-watched
	return most - min(most, before)
}

// How long answers wait for their client is what output-timeout says now: whoever was answered before it was changed is dropped
// neither by the old time nor after it.
func TestTheTimeForAnswersIsThatOfNow(t *testing.T) {
	s := start(t, server.Config{OutputTimeout: time.Second})
	w := dial(t, s.addr)
	w.ask("SET", "large", strings.Repeat("v", 1<<20))
	w.ask("CONFIG", "SET", "output-timeout", "60")
	time.Sleep(1500 * time.Millisecond)
	for range 2 {
		if got := w.ask("PING"); got != "+PONG\r\n" {
			t.Fatalf("after the time for answers was made longer: %q", got)
		}
	}
	slow := dial(t, s.addr)
	slow.ask("PING")
	w.ask("CONFIG", "SET", "output-timeout", "1")
	slow.send(bytes.Repeat(encode("GET", "large"), 60))
	for end := time.Now().Add(20 * time.Second); strings.Count(w.ask("CLIENT", "LIST"), "id=") > 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("after it was made shorter, one that takes none is still there")
		}
	}
}

// What was acknowledged before a shutdown is there after it, and nobody is left without an answer to what was executed.
func TestAShutdownLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, server.Options(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(db, server.Config{AppendFsync: "no"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	var acknowledged [8]atomic.Int64
	var all sync.WaitGroup
	for id := range acknowledged {
		w := dial(t, l.Addr().String())
		all.Go(func() {
			for i := int64(1); ; i++ {
				w.conn.SetDeadline(time.Now().Add(20 * time.Second))
				w.conn.Write(encode("SET", fmt.Sprint("k", id), fmt.Sprint(i)))
				if b, err := readAnswer(w.r, nil); err != nil || string(b) != "+OK\r\n" {
					return
				}
				acknowledged[id].Store(i)
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, dir, server.Config{})
	w := dial(t, again.addr)
	for id := range acknowledged {
		n := acknowledged[id].Load()
		got := w.ask("GET", fmt.Sprint("k", id))
		if n == 0 || got != fmt.Sprintf("$%d\r\n%d\r\n", len(fmt.Sprint(n)), n) {
			t.Errorf("client %d: %q, acknowledged up to %d", id, got, n)
		}
	}
}

// A write that the database refuses is told to whoever stands on it, and to nobody else.
func TestAWriteThatFailsIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	first, err := engine.Open(dir, server.Options(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := engine.Open(dir, server.Options(engine.Options{ReadOnly: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := server.New(db, server.Config{AppendFsync: "no"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	w := dial(t, l.Addr().String())
	w.send(bytes.Join([][]byte{encode("GET", "a"), encode("SET", "a", "1"), encode("GET", "a"), encode("ECHO", "x")}, nil))
	for i, want := range []string{"$-1\r\n", "-MISCONF ", "-MISCONF ", "$1\r\nx\r\n"} {
		if got := w.answer(); !strings.HasPrefix(got, want) {
			t.Errorf("answer %d: %q", i, got)
		}
	}
	w.ask("MULTI")
	w.ask("SET", "a", "1")
	w.ask("SELECT", "3")
	if got := w.ask("EXEC"); !strings.HasPrefix(got, "-MISCONF ") {
		t.Errorf("EXEC: %q", got)
	}
	if got := w.ask("FLUSHALL"); !strings.HasPrefix(got, "-MISCONF ") {
		t.Errorf("FLUSHALL: %q", got)
	}
	if got := w.ask("GET", "a"); got != "$-1\r\n" {
		t.Errorf("afterwards %q", got)
	}
	s.Shutdown(t.Context())
}

func TestClientsOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}})
	s := startOn(t, l, filepath.Join(t.TempDir(), "db"), server.Config{})
	parsed, _ := x509.ParseCertificate(certificate)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(encode("PING"))
	var b [7]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil || string(b[:]) != "+PONG\r\n" {
		t.Errorf("%q, %v", b, err)
	}
	plain := dial(t, s.addr)
	plain.send(encode("PING"))
	if rest, _ := plain.closed(); strings.Contains(rest, "PONG") {
		t.Errorf("without TLS: %q", rest)
	}
}

// What an idle client may take of Go's memory, its other end in this process included: one that sends single commands, and what comes to
// that for one that has sent large ones and pipelines.
const (
	idleBytes = 24 << 10
	mostBytes = 48 << 10
)

func TestIdleClientsTakeLittleMemory(t *testing.T) {
	clients := 5000
	if testing.Short() {
		clients = 500
	}
	s := start(t, server.Config{})
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := used()
	var conns []net.Conn
	single := encode("SET", "k", strings.Repeat("v", 1000))
	for range clients {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		askOK(t, conn, single, 1)
	}
	check := func(what string, n int, most uint64) {
		each := (used() - before) / uint64(clients)
		t.Logf("%d idle clients, %d of them after %s: %d bytes each", clients, n, what, each)
		if each > most {
			t.Errorf("after %s: %d bytes each, at most %d", what, each, most)
		}
	}
	check("a command", clients, idleBytes)
	conns = conns[:100]
	clients = len(conns)
	before = used()
	for _, conn := range conns {
		many := []string{"MSET"}
		for i := range 300 {
			many = append(many, fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		askOK(t, conn, encode(many...), 1)
		askOK(t, conn, bytes.Repeat(encode("SET", "k", "1"), 300), 300)
	}
	check("large ones", len(conns), mostBytes)
}

// askOK sends commands that are answered by OK.
func askOK(t *testing.T, conn net.Conn, commands []byte, n int) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(commands); err != nil {
		t.Fatal(err)
	}
	answers := make([]byte, n*len("+OK\r\n"))
	if _, err := io.ReadFull(conn, answers); err != nil || string(answers) != strings.Repeat("+OK\r\n", n) {
		t.Fatalf("%v, %.100q", err, answers)
	}
}
