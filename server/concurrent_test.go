package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/server"
)

// Counters that many clients count with miss nothing, in pipelines and transactions too.
func TestCountersCountEveryClient(t *testing.T) {
	s := start(t, server.Config{})
	const clients, rounds = 16, 100
	var all sync.WaitGroup
	for id := range clients {
		w := dial(t, s.addr)
		all.Go(func() {
			for i := range rounds {
				switch (id + i) % 3 {
				case 0:
					w.ask("INCR", "n")
				case 1:
					w.send(append(encode("INCR", "n"), encode("GET", "other")...))
					w.answer()
					w.answer()
				default:
					w.ask("MULTI")
					w.ask("INCR", "n")
					w.ask("EXEC")
				}
			}
		})
	}
	all.Wait()
	if got := dial(t, s.addr).ask("GET", "n"); got != fmt.Sprintf("$4\r\n%d\r\n", clients*rounds) {
		t.Errorf("%q", got)
	}
}

// Money that is moved in watched transactions is all there, and whoever looks sees all of it.
func TestWatchedTransactionsMoveMoney(t *testing.T) {
	s := start(t, server.Config{})
	const accounts, clients, moves = 5, 8, 60
	w := dial(t, s.addr)
	for i := range accounts {
		w.ask("SET", fmt.Sprint("account:", i), "100")
	}
	var movers sync.WaitGroup
	for range clients {
		w := dial(t, s.addr)
		movers.Go(func() {
			for done := 0; done < moves; {
				from, to := rand.IntN(accounts), rand.IntN(accounts)
				if from == to {
					continue
				}
				a, b := fmt.Sprint("account:", from), fmt.Sprint("account:", to)
				w.ask("WATCH", a, b)
				var have, other int
				fmt.Sscanf(w.ask("GET", a), "$%d\r\n%d", new(int), &have)
				fmt.Sscanf(w.ask("GET", b), "$%d\r\n%d", new(int), &other)
				amount := rand.IntN(have + 1)
				w.ask("MULTI")
				w.ask("SET", a, fmt.Sprint(have-amount))
				w.ask("SET", b, fmt.Sprint(other+amount))
				if answer := w.ask("EXEC"); strings.HasPrefix(answer, "*2") {
					done++
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { movers.Wait(); close(ended) }()
	for looking := true; looking; {
		select {
		case <-ended:
			looking = false
		default:
		}
		if sum := sumOf(w, accounts); sum != 100*accounts {
			t.Fatalf("the sum is %d", sum)
		}
	}
}

func sumOf(w *wire, accounts int) (sum int) {
	keys := []string{"MGET"}
	for i := range accounts {
		keys = append(keys, fmt.Sprint("account:", i))
	}
	for i, part := range strings.Split(w.ask(keys...), "\r\n") {
		if n := 0; i > 0 && i%2 == 0 {
			fmt.Sscan(part, &n)
			sum += n
		}
	}
	return sum
}

// Two clients that each set their key and then read the other's, in one pipeline: one of them sees the other's write.
func TestPipelinesAreExecutedInTheirOrder(t *testing.T) {
	s := start(t, server.Config{})
	a, b := dial(t, s.addr), dial(t, s.addr)
	for i := range 500 {
		x, y := fmt.Sprint("x", i), fmt.Sprint("y", i)
		var both sync.WaitGroup
		var seen [2]string
		for j, c := range []struct {
			w        *wire
			set, get string
		}{{a, x, y}, {b, y, x}} {
			both.Go(func() {
				c.w.send(append(encode("SET", c.set, "1"), encode("GET", c.get)...))
				c.w.answer()
				seen[j] = c.w.answer()
			})
		}
		both.Wait()
		if seen[0] == "$-1\r\n" && seen[1] == "$-1\r\n" {
			t.Fatalf("round %d: neither saw the other", i)
		}
	}
}

// A key is gone once its time has come, for every command, and is not counted.
func TestKeysExpire(t *testing.T) {
	s := start(t, server.Config{})
	w := dial(t, s.addr)
	w.ask("SET", "stays", "1")
	w.ask("SET", "a", "1", "PX", "150")
	w.ask("MSET", "b", "1", "c", "1")
	w.ask("PEXPIRE", "b", "150")
	w.ask("PEXPIREAT", "c", fmt.Sprint(time.Now().UnixMilli()+150))
	if got := w.ask("DBSIZE"); got != ":4\r\n" {
		t.Errorf("before: %q", got)
	}
	time.Sleep(200 * time.Millisecond)
	for _, c := range []struct{ command, want string }{
		{"GET a", "$-1\r\n"},
		{"EXISTS a b c stays", ":1\r\n"},
		{"TTL b", ":-2\r\n"},
		{"DBSIZE", ":1\r\n"},
		{"KEYS *", "*1\r\n$5\r\nstays\r\n"},
		{"SCAN 0", "*2\r\n$1\r\n0\r\n*1\r\n$5\r\nstays\r\n"},
		{"RANDOMKEY", "$5\r\nstays\r\n"},
		{"SETNX b 2", ":1\r\n"},
		{"TTL b", ":-1\r\n"},
		{"INCR c", ":1\r\n"},
		{"PERSIST a", ":0\r\n"},
		{"SET a 1 XX", "$-1\r\n"},
		{"DEL a", ":0\r\n"},
		{"DBSIZE", ":3\r\n"},
	} {
		if got := w.ask(strings.Fields(c.command)...); got != c.want {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
	w.ask("SET", "now", "1", "PXAT", "1")
	if got := w.ask("EXISTS", "now"); got != ":0\r\n" {
		t.Errorf("a time that has passed: %q", got)
	}
}

// A watched key that expires, is deleted, flushed or overwritten ends the transaction; one that nothing happened to does not.
func TestWhatSpoilsATransaction(t *testing.T) {
	s := start(t, server.Config{})
	w, other := dial(t, s.addr), dial(t, s.addr)
	for _, c := range []struct {
		what string
		does func()
		runs bool
	}{
		{"nothing", func() {}, true},
		{"a read", func() { other.ask("GET", "k") }, true},
		{"another key", func() { other.ask("SET", "j", "1") }, true},
		{"a set", func() { other.ask("SET", "k", "1") }, false},
		{"one's own set", func() { w.ask("SET", "k", "1") }, false},
		{"a set in a transaction", func() { other.ask("MULTI"); other.ask("SET", "k", "2"); other.ask("EXEC") }, false},
		{"a set in another database", func() { other.ask("SELECT", "1"); other.ask("SET", "k", "2"); other.ask("SELECT", "0") }, true},
		{"a deletion", func() { other.ask("DEL", "k") }, false},
		{"an expiration time", func() { other.ask("EXPIRE", "k", "100") }, false},
		{"a flush", func() { other.ask("FLUSHALL") }, false},
		{"a flush of another database", func() { other.ask("SELECT", "1"); other.ask("FLUSHDB"); other.ask("SELECT", "0") }, true},
		{"an unwatch", func() { other.ask("SET", "k", "3"); w.ask("UNWATCH") }, true},
		{"an increment that fails", func() { other.ask("INCR", "k") }, true},
	} {
		w.ask("SET", "k", "text")
		w.ask("WATCH", "k")
		c.does()
		w.ask("MULTI")
		w.ask("PING")
		if got := w.ask("EXEC"); strings.HasPrefix(got, "*1") != c.runs {
			t.Errorf("%s: %q", c.what, got)
		}
	}
	w.ask("SET", "k", "1", "PX", "50")
	w.ask("WATCH", "k")
	time.Sleep(70 * time.Millisecond)
	w.ask("MULTI")
	if got := w.ask("EXEC"); got != "*-1\r\n" {
		t.Errorf("a key that expired: %q", got)
	}
	w.ask("WATCH", "k")
	w.ask("MULTI")
	if got := w.ask("EXEC"); got != "*0\r\n" {
		t.Errorf("a key that had expired: %q", got)
	}
}

// A transaction sees what its commands have done, in everything that looks at all keys.
func TestATransactionSeesItself(t *testing.T) {
	s := start(t, server.Config{})
	w := dial(t, s.addr)
	w.ask("MSET", "a", "1", "c", "1", "d", "1")
	w.ask("MULTI")
	queue := []struct{ command, want string }{
		{"SET b 1", "+OK\r\n"},
		{"DEL c", ":1\r\n"},
		{"KEYS *", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nd\r\n"},
		{"DBSIZE", ":3\r\n"},
		{"SCAN 0 COUNT 100", "*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nd\r\n"},
		{"SELECT 1", "+OK\r\n"},
		{"SET z 1", "+OK\r\n"},
		{"DBSIZE", ":1\r\n"},
		{"SELECT 0", "+OK\r\n"},
		{"FLUSHDB", "+OK\r\n"},
		{"DBSIZE", ":0\r\n"},
		{"GET a", "$-1\r\n"},
		{"SET e 1", "+OK\r\n"},
		{"KEYS *", "*1\r\n$1\r\ne\r\n"},
		{"RANDOMKEY", "$1\r\ne\r\n"},
		{"INCR e", ":2\r\n"},
		{"INCR a", ":1\r\n"},
	}
	want := fmt.Sprintf("*%d\r\n", len(queue))
	for _, c := range queue {
		w.ask(strings.Fields(c.command)...)
		want += c.want
	}
	if got := w.ask("EXEC"); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := w.ask("KEYS", "*"); got != "*2\r\n$1\r\na\r\n$1\r\ne\r\n" {
		t.Errorf("afterwards %q", got)
	}
	w.ask("SELECT", "1")
	if got := w.ask("KEYS", "*"); got != "*1\r\n$1\r\nz\r\n" {
		t.Errorf("in the other database %q", got)
	}
}

// A scan gives each key that is there all the while once, whatever else comes and goes.
func TestAScanGivesWhatIsThereOnce(t *testing.T) {
	s := start(t, server.Config{})
	w, other := dial(t, s.addr), dial(t, s.addr)
	const stay = 300
	for i := range stay {
		w.ask("SET", fmt.Sprintf("stay:%03d", i), "1")
	}
	seen := map[string]int{}
	cursor := "0"
	for step := 0; ; step++ {
		other.ask("SET", fmt.Sprintf("stay:%03d+", rand.IntN(stay)), "1")
		other.ask("DEL", fmt.Sprintf("stay:%03d+", rand.IntN(stay)))
		parts := strings.Split(w.ask("SCAN", cursor, "COUNT", "7", "MATCH", "stay:???"), "\r\n")
		cursor = parts[2]
		for _, p := range parts[3:] {
			if strings.HasPrefix(p, "stay:") {
				seen[p]++
			}
		}
		if cursor == "0" {
			break
		}
		if step > 10*stay {
			t.Fatal("it does not end")
		}
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", key, n)
		}
	}
	if len(seen) != stay {
		t.Errorf("%d of %d keys", len(seen), stay)
	}
	if got := w.ask("SCAN", "12345"); !strings.HasPrefix(got, "-ERR the cursor is not known") {
		t.Errorf("a cursor of nobody's: %q", got)
	}
}
