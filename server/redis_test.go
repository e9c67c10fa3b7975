package server_test

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
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
	switch r.IntN(50) {
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
	case 39:
		return []string{r.pick("PTTL", "PTTL", "TTL"), r.key()}
	case 40:
		return []string{"RANDOMKEY"} // the test has KEYS follow
	case 41:
		return []string{"TIME"}
	case 42:
		return append([]string{"INFO"}, [][]string{
			nil, {"server"}, {"Stats", "CPU"}, {"all"}, {"everything"}, {"default"}, {"default", "commandstats"}, {"commandstats"}, {"nosuch"}, {"keyspace", "nosuch"},
		}[r.IntN(10)]...)
	case 43:
		return [][]string{{"MEMORY", "USAGE", r.key()}, {"MEMORY", "USAGE", r.key(), "SAMPLES", r.pick("0", "5", "-1", "x")}, {"MEMORY", "USAGE"}}[r.IntN(3)]
	case 44:
		return append([]string{"CONFIG", "GET"}, [][]string{
			{r.directive()}, {strings.ToUpper(r.directive())}, {r.directive(), r.directive()}, {"slowlog*"}, {"time?ut", "[m]axclients"}, {"nosuch"}, {"nosuch*", "timeout"},
		}[r.IntN(7)]...)
	case 45:
		return r.change()
	case 46:
		return []string{"SLOWLOG", r.pick("LEN", "RESET")}
	case 47:
		return [][]string{{"RESET"}, {"RESET", "x"}, {"AUTH", "secret"}, {"AUTH", "default", "secret"}, {"AUTH", "nobody", "secret"}, {"AUTH", "a", "b", "c"}, {"AUTH"}}[r.IntN(7)]
	case 48:
		return [][]string{
			{"CLIENT", "ID"},
			{"CLIENT", "SETNAME", r.pick("me", "")},
			{"CLIENT", "GETNAME"},
			{"CLIENT", "INFO"},
			{"CLIENT", "NO-EVICT", r.pick("on", "OFF", "x")},
			{"CLIENT", "LIST", "TYPE", r.pick("pubsub", "REPLICA", "master", "nosuch")},
			{"CLIENT", "KILL", r.pick("1.2.3.4:5", "x")},
			append([]string{"CLIENT", "KILL"}, r.killing()...),
		}[r.IntN(8)]
	case 49:
		return [][]string{
			{"COMMAND", "COUNT"},
			{"COMMAND", "COUNT", "x"},
			{"CONFIG", "RESETSTAT"},
			{"LASTSAVE"},
			{"COMMAND", "GETKEYS", r.pick("GET", "mset", "NOSUCH", "PING", "EXISTS", "CLIENT"), r.key(), r.key(), r.key()},
			{"BGSAVE", "NOSUCH"},
			{"SLOWLOG", "GET", "1", "2"},
			{r.pick("CLIENT", "CONFIG", "MEMORY", "SLOWLOG", "COMMAND"), "HELP"},
		}[r.IntN(8)]
	}
	return []string{"GET", "number"}
}

// killing are filters that are no client's.
func (r caller) killing() (list []string) {
	for range 1 + r.IntN(3) {
		list = append(list, [][]string{
			{"ID", r.pick("999999", "0", "x")},
			{"TYPE", r.pick("pubsub", "slave", "nosuch")},
			{"USER", "nosuch"},
			{"ADDR", "1.2.3.4:5"},
			{"laddr", "1.2.3.4:6"},
			{"SKIPME", "maybe"},
			{"NOSUCH", "1"},
			{"ID"},
		}[r.IntN(8)]...)
	}
	return append(list, "ADDR", "1.2.3.4:5")
}

// directive is one that both servers know, with the same default.
func (r caller) directive() string {
	return r.pick("timeout", "databases", "maxclients", "maxmemory", "maxmemory-policy", "save", "requirepass", "loglevel", "slowlog-max-len", "slowlog-log-slower-than",
		"proto-max-bulk-len", "client-query-buffer-limit", "appendfsync", "enable-debug-command")
}

// change sets directives to what both servers allow, or to what neither does.
func (r caller) change() []string {
	args := []string{"CONFIG", "SET"}
	for _, i := range r.Perm(13)[:1+r.IntN(2)] {
		args = append(args, [][]string{
			{"timeout", r.pick("0", "1000", "2000")},
			{"maxclients", r.pick("100", "200")},
			{"loglevel", r.pick("debug", "VERBOSE", "notice", "warning", "loud")},
			{"slowlog-max-len", r.pick("100", "200")},
			{"slowlog-log-slower-than", r.pick("10000", "20000", "-1")},
			{"proto-max-bulk-len", r.pick("1mb", "2MB", "3000k", "536870912", "256mb", "512MB")},
			{"client-query-buffer-limit", r.pick("1gb", "512mb", "1073741824", "3m")},
			{"appendfsync", r.pick("no", "everysec", "always", "ALWAYS", "sometimes")},
			{r.pick("databases", "enable-debug-command"), "5"},
			{"nosuch", "1"},
			{r.pick("timeout", "maxclients", "slowlog-max-len", "slowlog-log-slower-than"), r.pick("x", "1k", "", "1.5")},
			{r.pick("proto-max-bulk-len", "client-query-buffer-limit"), r.pick("x", "1q", "1.5mb")},
			{"TIMEOUT", "1000"},
		}[i]...)
	}
	if r.IntN(20) == 0 {
		args = args[:len(args)-1]
	}
	if r.IntN(5) == 0 {
		args[2] = strings.ToUpper(args[2])
	}
	return args
}

// kind is what sort of answer it is: the mark, nothing behind it, unless it is an error or nil.
func kind(answer string) string {
	switch {
	case answer[0] == '-' || answer[0] == '_' || strings.HasPrefix(answer, "$-1"):
		return answer
	}
	return answer[:1]
}

// near is an answer of two numbers, seconds and microseconds, made to say whether they are the time.
func near(answer string) string {
	var digits, more int
	var seconds, micros int64
	if n, err := fmt.Sscanf(answer, "*2\r\n$%d\r\n%d\r\n$%d\r\n%d\r\n", &digits, &seconds, &more, &micros); n != 4 || err != nil {
		return answer
	}
	if off := time.Now().Unix() - seconds; off < -10 || off > 10 || micros < 0 || micros > 999_999 {
		return answer
	}
	return "now"
}

var headline = regexp.MustCompile(`(?m)^# (\w+)\r$`)

// sections are the headlines of INFO that both servers know, and the form it comes in.
func sections(answer string) string {
	names := kind(answer)
	for _, m := range headline.FindAllStringSubmatch(answer, -1) {
		if !slices.Contains([]string{"Modules", "RocksDB"}, m[1]) {
			names += " " + m[1]
		}
	}
	return names
}

// strung are the strings of an answer.
func strung(answer string) (list []string) {
	for answer != "" {
		line, rest, _ := strings.Cut(answer, "\r\n")
		answer = rest
		if n, err := strconv.Atoi(line[1:]); line[0] == '$' && err == nil && n >= 0 {
			list = append(list, rest[:n])
			answer = rest[n+2:]
		}
	}
	return list
}

// ordered is an answer with its strings, or pairs of them, in order.
func ordered(answer string, by int) string {
	if answer[0] == '-' {
		return answer
	}
	head, _, _ := strings.Cut(answer, "\r\n")
	var groups []string
	for group := range slices.Chunk(strung(answer), by) {
		groups = append(groups, fmt.Sprintf("%q", group))
	}
	slices.Sort(groups)
	return head + strings.Join(groups, "")
}

// same are answers without what differs from one server to the other by nature.
func same(args []string, answer string) string {
	name := strings.ToUpper(args[0])
	if len(args) > 1 && slices.Contains([]string{"CLIENT", "MEMORY", "CONFIG", "SLOWLOG", "COMMAND"}, name) {
		name += " " + strings.ToUpper(args[1])
	}
	switch name {
	case "KEYS", "SCAN":
		return ordered(answer, 1)
	case "CONFIG GET":
		return ordered(answer, 2)
	case "HELLO":
		if at := strings.Index(answer, "$2\r\nid\r\n:"); at >= 0 {
			return answer[:at]
		}
	case "CLIENT ID", "CLIENT INFO", "MEMORY USAGE", "SLOWLOG LEN", "COMMAND COUNT", "RANDOMKEY", "LASTSAVE":
		return kind(answer)
	case "CLIENT HELP", "CONFIG HELP", "MEMORY HELP", "SLOWLOG HELP", "COMMAND HELP":
		return kind(answer)
	case "TIME":
		return near(answer)
	case "INFO":
		return sections(answer)
	}
	return answer
}

// within are the commands whose answers can be compared where they are parts of another.
func within(c []string) bool {
	switch c[0] {
	case "KEYS", "SCAN", "HELLO", "CLIENT", "RANDOMKEY", "TIME", "INFO", "MEMORY", "SLOWLOG", "COMMAND", "LASTSAVE":
		return false
	case "CONFIG":
		return len(c) < 2 || c[1] != "GET" && c[1] != "HELP"
	}
	return true
}

var numbers = regexp.MustCompile(`(?m)^:\d+\r$`)

// alike tells whether answers are the same but for what time passes between the two servers.
func alike(args []string, x, y string) bool {
	if x == y {
		return true
	}
	a, b := numbers.FindAllString(x, -1), numbers.FindAllString(y, -1)
	if len(a) != len(b) || numbers.ReplaceAllString(x, ":") != numbers.ReplaceAllString(y, ":") {
		return false
	}
	millis := args[0] == "PTTL" || args[0] == "EXEC"
	for i := range a {
		n, _ := strconv.ParseInt(a[i][1:len(a[i])-1], 10, 64)
		m, _ := strconv.ParseInt(b[i][1:len(b[i])-1], 10, 64)
		most := int64(0)
		switch now := time.Now(); {
		case n > 900 && n < 6000, n > 2e9 && n < 3e9, n > 9e15 && n < 1e16: // TTL
			most = 1
		case millis && (n > 900_000 && n < 6_000_000 || n > 2e12 && n < 3e12 || n > 9e18):
			most = 2000
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

// exists tells whether RANDOMKEY gave one of the keys that KEYS gave then, or none as there is none.
func exists(random, keys string) bool {
	list := strung(keys)
	if random == "$-1\r\n" || random == "_\r\n" {
		return len(list) == 0
	}
	key := strung(random)
	return len(key) == 1 && slices.Contains(list, key[0])
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
			case c[0] == "EXEC" || c[0] == "DISCARD" || c[0] == "RESET" && len(c) == 1:
				inMulti = false
			case inMulti && !within(c):
				c = []string{"DBSIZE"}
			}
			if batch = append(batch, c); c[0] == "RANDOMKEY" {
				batch = append(batch, []string{"KEYS", "*"})
			}
		}
		var packet []byte
		for _, c := range batch {
			packet = append(packet, encode(c...)...)
		}
		a.send(packet)
		b.send(packet)
		var random [2]string
		for i, c := range batch {
			x, y := a.answer(), b.answer()
			if history = append(history, fmt.Sprintf("%q: %.200q", c, x)); len(history) > 60 {
				history = history[1:]
			}
			wrong := !alike(c, same(c, x), same(c, y))
			if i > 0 && batch[i-1][0] == "RANDOMKEY" {
				wrong = wrong || !exists(random[0], x) || !exists(random[1], y)
			}
			random = [2]string{x, y}
			if wrong {
				t.Logf("before it, by Redis:\n%s", strings.Join(history, "\n"))
				t.Fatalf("command %d, %d of %d in %q:\nRedis %q\nwe    %q", done+i, i, len(batch), batch, x, y)
			}
		}
		done += len(batch)
	}
}

// walk is a SCAN from its beginning to its end, with what happens between its steps: how often each key was given.
func (w *wire) walk(step func(), options ...string) map[string]int {
	w.t.Helper()
	given := map[string]int{}
	cursor := "0"
	for range 10_000 {
		list := strung(w.ask(append([]string{"SCAN", cursor}, options...)...))
		for _, key := range list[1:] {
			given[key]++
		}
		if cursor = list[0]; cursor == "0" {
			return given
		}
		step()
	}
	w.t.Fatal("a walk without an end")
	return nil
}

// A walk in small steps gives each key that is there throughout, here and in Redis, while others come and go; and both give the same when none
// does.
func TestWalksAreThoseOfRedis(t *testing.T) {
	seed := *redisSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-redis.seed=%d", seed)
	r := caller{rand.New(rand.NewPCG(seed, 2))}
	servers := []*wire{dial(t, startRedis(t)), dial(t, start(t, server.Config{}).addr)}
	key := func() string { return r.pick("k:", "key:", "x", "k") + strconv.Itoa(r.IntN(100)) }
	for _, options := range [][]string{
		{"COUNT", "3"},
		{"COUNT", "3", "MATCH", "k*"},
		{"COUNT", "3", "TYPE", "string"},
		{"MATCH", "key:?5", "COUNT", "3", "TYPE", "STRING"},
		{"COUNT", "3", "TYPE", "hash"},
		{"COUNT", "1", "MATCH", "x*"},
		{"MATCH", "[^k]*"},
		{},
	} {
		fill := []string{"MSET"}
		for range 40 {
			fill = append(fill, key(), "1")
		}
		for _, w := range servers {
			w.ask("FLUSHALL")
			w.ask(fill...)
		}
		still := [2]map[string]int{}
		for i, w := range servers {
			still[i] = w.walk(func() {}, options...)
			for key := range still[i] {
				still[i][key] = 1 // Redis may give one more than once
			}
		}
		if !maps.Equal(still[0], still[1]) {
			t.Errorf("%q: Redis %v\nwe %v", options, still[0], still[1])
		}
		for i, w := range servers {
			gone, came := map[string]bool{}, map[string]bool{}
			given := w.walk(func() {
				switch k := key(); r.IntN(3) {
				case 0:
					gone[k] = true
					w.ask("DEL", k)
				case 1:
					came[k] = true
					w.ask("SET", k, "2")
				default:
					gone[k] = true
					w.ask("PEXPIRE", k, "1")
				}
			}, options...)
			for key := range still[i] {
				if given[key] == 0 && !gone[key] {
					t.Errorf("server %d, %q: %q was there throughout", i, options, key)
				}
			}
			for key, n := range given {
				if i == 1 && n > 1 && !gone[key] {
					t.Errorf("%q: we give %q %d times", options, key, n)
				}
				if still[i][key] == 0 && !came[key] {
					t.Errorf("server %d, %q: %q was never there", i, options, key)
				}
			}
		}
	}
}

// What clients and tools read of INFO is there, by Redis's name, and what has a name of Redis's looks like Redis's.
func TestInfoHasTheFieldsThatToolsRead(t *testing.T) {
	read := strings.Fields(`redis_version redis_mode os arch_bits process_id run_id tcp_port uptime_in_seconds uptime_in_days
		connected_clients maxclients blocked_clients used_memory used_memory_human used_memory_rss used_memory_rss_human mem_fragmentation_ratio
		total_system_memory total_system_memory_human maxmemory maxmemory_human maxmemory_policy
		loading rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_saves aof_enabled aof_rewrite_in_progress
		aof_rewrite_scheduled aof_last_write_status total_connections_received total_commands_processed instantaneous_ops_per_sec
		total_net_input_bytes total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps rejected_connections expired_keys evicted_keys
		keyspace_hits keyspace_misses total_error_replies role connected_slaves master_failover_state repl_backlog_active
		used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children cmdstat_set errorstat_ERR latency_percentiles_usec_set cluster_enabled db0`)
	theirs, ours := dial(t, startRedis(t)), dial(t, start(t, server.Config{}).addr)
	for _, w := range []*wire{theirs, ours} {
		w.ask("SET", "a", "1", "EX", "1000")
		w.ask("NOSUCH")
	}
	a, b := infoOf(theirs), infoOf(ours)
	for _, name := range read {
		if _, ok := a[name]; !ok {
			t.Errorf("Redis has no %s", name)
		}
		if _, ok := b[name]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
	for name, value := range b {
		if of, ok := a[name]; ok && shape(value) != shape(of) {
			t.Errorf("%s is %q, of Redis %q", name, value, of)
		}
	}
	if b["errorstat_ERR"] != "count=1" || b["rdb_last_save_time"] < "1700000000" {
		t.Errorf("%q, %q", b["errorstat_ERR"], b["rdb_last_save_time"])
	}
}

// shape is a value of INFO without its letters and digits, unless they are names or a unit.
func shape(value string) string {
	number := regexp.MustCompile(`^-?\d+$`)
	decimal := regexp.MustCompile(`^-?\d+\.\d+$`)
	amount := regexp.MustCompile(`^\d+(\.\d+)?[BKMGT]$`)
	value = strings.TrimSpace(value)
	switch {
	case number.MatchString(value):
		return "number"
	case decimal.MatchString(value):
		return "decimal"
	case amount.MatchString(value):
		return "amount"
	}
	names := ""
	for pair := range strings.SplitSeq(value, ",") {
		if name, _, ok := strings.Cut(pair, "="); ok && name != "rejected_calls" {
			names += name + " "
		}
	}
	return "text " + names
}

// Lines, which people type and scripts send, are taken apart as Redis does it. It waits for ever where a zero byte is in one.
func TestLinesAreThoseOfRedis(t *testing.T) {
	theirs, ours := startRedis(t), start(t, server.Config{}).addr
	r := rand.New(rand.NewPCG(*redisSeed, 1))
	parts := []string{"a", "b", " ", " ", "\t", "\v", "\f", "\r", "\"", "\"", "'", "'", "\\", "\\n", "\\x41", "\\x4", "\\'", "\\\"", "x", "#", "$", "\xff"}
	for range 3000 {
		line := []string{"nosuch ", "ping ", "echo ", "", "$", "\r"}[r.IntN(6)]
		for range r.IntN(8) {
			line += parts[r.IntN(len(parts))]
		}
		line += []string{"\n", "\r\n"}[r.IntN(2)] + "PING end\r\nQUIT\r\n"
		var got [2]string
		for i, addr := range []string{theirs, ours} {
			w := dial(t, addr)
			w.send([]byte(line))
			got[i], _ = w.closed()
			w.conn.Close()
		}
		if got[0] != got[1] {
			t.Fatalf("%q: Redis answers %q, we answer %q", line, got[0], got[1])
		}
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
