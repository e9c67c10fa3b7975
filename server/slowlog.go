package server

import (
	"strconv"
	"sync"
	"time"
)

// slowLog are the last commands that took long.
type slowLog struct {
	conf *settings

	mu      sync.Mutex
	entries []slowEntry // newest last
	next    int64
}

type slowEntry struct {
	id         int64
	at         time.Time
	took       time.Duration
	args       []string
	addr, name string
}

// What an entry keeps of a command.
const (
	slowArgs  = 32
	slowBytes = 128
)

func (l *slowLog) takes(took time.Duration) bool {
	least := l.conf.now.Load().SlowlogLogSlowerThan
	return least >= 0 && took >= least
}

// add notes a command, of a pipeline with so many more.
func (l *slowLog) add(c *client, args [][]byte, more int, took time.Duration) {
	e := slowEntry{at: time.Now(), took: took, addr: c.conn.RemoteAddr().String(), name: c.shown.Load().name}
	for i, a := range args {
		if i == slowArgs-1 && len(args) > slowArgs {
			e.args = append(e.args, "... ("+strconv.Itoa(len(args)-i)+" more arguments)")
			break
		}
		text := string(a[:min(len(a), slowBytes)])
		if len(a) > slowBytes {
			text += "... (" + strconv.Itoa(len(a)-slowBytes) + " more bytes)"
		}
		e.args = append(e.args, text)
	}
	if more > 0 {
		e.args = append(e.args, "... ("+strconv.Itoa(more)+" more commands of the pipeline)")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.trim()
}

func (l *slowLog) trim() {
	if over := len(l.entries) - l.conf.now.Load().SlowlogMaxLen; over > 0 {
		l.entries = append([]slowEntry(nil), l.entries[over:]...)
	}
}

// newest gives up to n entries, the newest first; all if n is below 0.
func (l *slowLog) newest(n int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim()
	var list []slowEntry
	for i := len(l.entries) - 1; i >= 0 && (n < 0 || int64(len(list)) < n); i-- {
		list = append(list, l.entries[i])
	}
	return list
}

// count is how many entries there have been.
func (l *slowLog) count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

func (l *slowLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

func slowlogCommands() map[string]*command {
	return map[string]*command{
		"get":   {name: "slowlog|get", arity: -2, flags: admin, since: "2.2.12", args: "[count]", summary: "Gives the last slow commands.", run: slowlogGet},
		"len":   {name: "slowlog|len", arity: 2, flags: admin, since: "2.2.12", summary: "Counts the entries of the slow log.", run: slowlogLen},
		"reset": {name: "slowlog|reset", arity: 2, flags: admin, since: "2.2.12", summary: "Empties the slow log.", run: slowlogReset},
	}
}

func slowlogGet(x *exec, a [][]byte) error {
	n := int64(10)
	if len(a) > 3 {
		return cleanError("ERR unknown subcommand or wrong number of arguments for '" + cutText(a[1], 128) + "'. Try SLOWLOG HELP.")
	}
	if len(a) == 3 {
		var ok bool
		if n, ok = parseInt(a[2]); !ok || n < -1 {
			return failure("ERR count should be greater than or equal to -1")
		}
	}
	list := x.s.slow.newest(n)
	x.out.array(len(list))
	for _, e := range list {
		x.out.array(6)
		x.out.number(e.id)
		x.out.number(e.at.Unix())
		x.out.number(e.took.Microseconds())
		x.out.texts(e.args...)
		x.out.text(e.addr)
		x.out.text(e.name)
	}
	return nil
}

func slowlogLen(x *exec, _ [][]byte) error {
	x.out.number(int64(len(x.s.slow.newest(-1))))
	return nil
}

func slowlogReset(x *exec, _ [][]byte) error {
	x.s.slow.reset()
	x.out.ok()
	return nil
}
