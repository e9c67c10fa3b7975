package server_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/server"
)

var (
	redisSeed  = flag.Uint64("redis.seed", 0, "seed of the commands that Redis and we are given; 0: a new one")
	redisCalls = flag.Int("redis.calls", 20_000, "how many commands")
)

// startRedis runs Debian's redis-server on a port of its own, with nothing on disk.
func startRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
			t.Fatal(err)
		}
		t.Skip("redis-server is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	c := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		if time.Now().After(end) {
			t.Fatal("redis-server does not answer")
		}
	}
}

// caller makes up commands, right ones and wrong ones.
type caller struct{ *rand.Rand }

func (r caller) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r caller) key() string {
	return r.pick("a", "b", "c", "key:1", "key:2", "key:10", "", "k\x00\r\n", "x y", "number", "float")
}

func (r caller) value() string {
	return r.pick("", "v", "hello world", "10", "-7", "9223372036854775807", "-9223372036854775808", "1.5", "3.0e3", "0x10", "abc\x00\r\ndef",
		"007", " 1", "+5", "1e400", "nan", "inf", "-0", "0.1", "1e-20", strings.Repeat("long ", 300))
}

func (r caller) number() string {
	return r.pick("0", "1", "-1", "5", "3", "100", "-100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "x", "", "1.5", "01", "+1", "2", "-2")
}

// later is a time far from now, so that both servers see the same keys.
func (r caller) later(unit string) string {
	now := time.Now()
	switch unit {
	case "EX":
		return r.pick("1000", "2000", "3000", "0", "-5", "x", "9223372036854775807", "9223372036854775")
	case "PX":
		return r.pick("1000000", "2000000", "0", "-5", "x", "9223372036854775807")
	case "EXAT":
		return r.pick(fmt.Sprint(now.Unix()+5000), "0", "-5", "4000000000", "9223372036854775807")
	}
	return r.pick(fmt.Sprint(now.UnixMilli()+5_000_000), "0", "-5", "4000000000000", "9223372036854775806")
}

func (r caller) options(words ...string) (list []string) {
	for _, w := range words {
		if r.IntN(5) != 0 {
			continue
		}
		if r.IntN(2) == 0 {
			w = strings.ToLower(w)
		}
		list = append(list, w)
		if slices.Contains([]string{"EX", "PX", "EXAT", "PXAT"}, strings.ToUpper(w)) && r.IntN(20) != 0 {
			list = append(list, r.later(strings.ToUpper(w)))
		}
	}
	r.Shuffle(len(list), func(i, j int) {
		if len(list) < 2 {
			list[i], list[j] = list[j], list[i]
		}
	})
	return list
}

func (r caller) command() []string {
	times := []string{"EX", "PX", "EXAT", "PXAT"}
	switch r.IntN(40) {
	case 0, 1:
		return append([]string{"SET", r.key(), r.value()}, r.options("NX", "XX", "GET", "EX", "PX", "EXAT", "PXAT", "KEEPTTL")...)
	case 2:
		return []string{"SET", r.key(), r.value()}
	case 3:
		return []string{"GET", r.key()}
	case 4:
		return []string{r.pick("SETNX", "GETSET", "APPEND"), r.key(), r.value()}
	case 5:
		return []string{"SETEX", r.key(), r.later("EX"), r.value()}
	case 6:
		return []string{"PSETEX", r.key(), r.later("PX"), r.value()}
	case 7:
		return []string{"GETDEL", r.key()}
	case 8:
		return append([]string{"GETEX", r.key()}, r.options("EX", "PX", "EXAT", "PXAT", "PERSIST")...)
	case 9:
		return []string{"MGET", r.key(), r.key(), r.key()}
	case 10:
		return []string{r.pick("MSET", "MSETNX"), r.key(), r.value(), r.key(), r.value()}
	case 11:
		return []string{"MSET", r.key(), r.value(), r.key()}
	case 12:
		return []string{r.pick("DEL", "UNLINK", "EXISTS", "TOUCH"), r.key(), r.key()}
	case 13:
		return []string{r.pick("TYPE", "STRLEN", "EXPIRETIME", "PEXPIRETIME", "PERSIST"), r.key()}
	case 14:
		return []string{r.pick("GETRANGE", "SUBSTR"), r.key(), r.number(), r.number()}
	case 15:
		return []string{"SETRANGE", r.key(), r.pick("0", "1", "5", "20", "-1", "x", "536870912"), r.value()}
	case 16, 17:
		return []string{r.pick("INCR", "DECR"), r.pick(r.key(), "number")}
	case 18, 19:
		return []string{r.pick("INCRBY", "DECRBY"), r.pick(r.key(), "number"), r.number()}
	case 20, 21:
		return []string{"INCRBYFLOAT", r.pick(r.key(), "float", "float"), r.value()}
	case 22:
		unit := r.IntN(4)
		name := []string{"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"}[unit]
		return append([]string{name, r.key(), r.later(times[unit])}, r.options("NX", "XX", "GT", "LT", "ZZ")...)
	case 23:
		return []string{"TTL", r.key()}
	case 24:
		return []string{"DBSIZE"}
	case 25:
		return []string{"KEYS", r.pick("*", "k*", "key:?", "key:[1-2]", "[^a]", "key:*0", "\\a", "a*b*c", "[", "", "x[ -!]y")}
	case 26:
		return []string{"SCAN", "0", "COUNT", "1000"}
	case 27:
		return []string{"SCAN", "0", "COUNT", "1000", "MATCH", "k*", "TYPE", r.pick("string", "hash", "STRING")}
	case 28:
		return []string{r.pick("PING", "ECHO", "GET", "SET", "NOSUCH", "nosuch", "CLIENT", "CONFIG", "MEMORY", "EXEC", "TTL"), r.pick("x", "y\r\nz", strings.Repeat("q", 200))}
	case 29:
		return []string{"SELECT", r.pick("0", "0", "1", "15", "16", "-1", "x")}
	case 30:
		return []string{r.pick("MULTI", "EXEC", "DISCARD", "UNWATCH")}
	case 31:
		return []string{"MULTI"}
	case 32:
		return []string{"EXEC"}
	case 33:
		return []string{"WATCH", r.key(), r.key()}
	case 34:
		if r.IntN(10) == 0 {
			return []string{r.pick("FLUSHDB", "FLUSHALL")}
		}
		return []string{r.pick("FLUSHDB", "FLUSHALL"), "NOW"}
	case 35:
		return []string{"CLIENT", r.pick("SETNAME", "GETNAME", "ID", "NOSUCH"), r.pick("me", "a b", "")}
	case 36:
		return []string{"CLIENT", "GETNAME"}
	case 37:
		return []string{"SCAN", r.pick("x", "0", "1.5", ""), r.pick("COUNT", "NOSUCH"), r.pick("0", "x", "-1")}
	case 38:
		return []string{"HELLO", r.pick("2", "3", "4", "x")}
	}
	return []string{"GET", "number"}
}

// same are answers without what differs from one server to the other by nature.
func same(args []string, answer string) string {
	switch strings.ToUpper(args[0]) {
	case "KEYS", "SCAN":
		list := strings.Split(answer, "\r\n")
		sort.Strings(list)
		return strings.Join(list, "\r\n")
	case "HELLO":
		if at := strings.Index(answer, "$2\r\nid\r\n:"); at >= 0 {
			return answer[:at]
		}
	case "CLIENT":
		if strings.HasPrefix(answer, ":") {
			return ":"
		}
	}
	return answer
}

var numbers = regexp.MustCompile(`(?m)^:\d+\r$`)

// alike tells whether answers are the same but for what time passes between the two servers.
func alike(x, y string) bool {
	if x == y {
		return true
	}
	a, b := numbers.FindAllString(x, -1), numbers.FindAllString(y, -1)
	if len(a) != len(b) || numbers.ReplaceAllString(x, ":") != numbers.ReplaceAllString(y, ":") {
		return false
	}
	for i := range a {
		n, _ := strconv.ParseInt(a[i][1:len(a[i])-1], 10, 64)
		m, _ := strconv.ParseInt(b[i][1:len(b[i])-1], 10, 64)
		most := int64(0)
		switch now := time.Now(); {
		case n > 900 && n < 6000, n > 9e15 && n < 1e16: // TTL
			most = 1
		case n > now.Unix() && n < now.Unix()+6000:
			most = 1
		case n > now.UnixMilli() && n < now.UnixMilli()+6_000_000:
			most = 2000
		}
		if n-m > most || m-n > most {
			return false
		}
	}
	return true
}

// Redis and we give the same answers to the same commands, one by one and in pipelines.
func TestAnswersAreThoseOfRedis(t *testing.T) {
	theirs := startRedis(t)
	ours := start(t, server.Config{})
	seed := *redisSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-redis.seed=%d", seed)
	r := caller{rand.New(rand.NewPCG(seed, 1))}
	a, b := dial(t, theirs), dial(t, ours.addr)
	inMulti := false
	var history []string
	for done := 0; done < *redisCalls; {
		var batch [][]string
		for range 1 + r.IntN(8) {
			c := r.command()
			switch { // what differs by nature is not asked for where its answer is within another
			case c[0] == "MULTI":
				inMulti = true
			case c[0] == "EXEC" || c[0] == "DISCARD":
				inMulti = false
			case inMulti && slices.Contains([]string{"KEYS", "SCAN", "HELLO", "CLIENT"}, c[0]):
				c = []string{"DBSIZE"}
			}
			batch = append(batch, c)
		}
		var packet []byte
		for _, c := range batch {
			packet = append(packet, encode(c...)...)
		}
		a.send(packet)
		b.send(packet)
		for i, c := range batch {
			x, y := a.answer(), b.answer()
			if history = append(history, fmt.Sprintf("%q: %.200q", c, x)); len(history) > 60 {
				history = history[1:]
			}
			if !alike(same(c, x), same(c, y)) {
				t.Logf("before it, by Redis:\n%s", strings.Join(history, "\n"))
				t.Fatalf("command %d, %d of %d in %q:\nRedis %q\nwe    %q", done+i, i, len(batch), batch, x, y)
			}
		}
		done += len(batch)
	}
}

// Numbers are read and written as C's long double is.
func TestFloatsAreThoseOfRedis(t *testing.T) {
	a, b := dial(t, startRedis(t)), dial(t, start(t, server.Config{}).addr)
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	texts := []string{
		"", "v", "10", "-7", "1.5", "3.0e3", "0x10", "007", " 1", "+5", "1e400", "nan", "inf", "-0", "0.1", "1e-20", "abc\x00", "-0.0", "+0",
		"-.5", ".5", "5.", "1e5000", "-1e-5000", "infinity", "-inf", "+inf", "++inf", "in", "0x1p3", "0x.8", "1e", "e1", "--1", "1_0", "1 ", "0b1", "0o7",
		"1e-4940", "1.0e+0", "0x", "0xg", "1p3", "9223372036854775807", "123456789012345678901234567890", "0.30000000000000004", "5e-324",
	}
	for range 300 {
		texts = append(texts, strconv.FormatFloat(r.NormFloat64()*math.Pow10(r.IntN(60)-30), "efg"[r.IntN(3)], r.IntN(22)-1, 64))
	}
	for _, text := range texts {
		for _, by := range []string{"-0", "0.1", text, texts[r.IntN(len(texts))]} {
			for _, c := range [][]string{{"SET", "f", text}, {"INCRBYFLOAT", "f", by}, {"GET", "f"}} {
				if x, y := a.ask(c...), b.ask(c...); x != y {
					t.Errorf("%q by %q: %q: Redis %q, we %q", text, by, c[0], x, y)
				}
			}
		}
	}
}
