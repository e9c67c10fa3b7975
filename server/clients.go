package server

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func clientCommands() map[string]*command {
	return map[string]*command{
		"id":       {name: "client|id", arity: 2, since: "5.0.0", summary: "Gives the connection's number.", run: clientID},
		"info":     {name: "client|info", arity: 2, since: "6.2.0", summary: "Tells about the connection.", run: clientInfo},
		"list":     {name: "client|list", arity: -2, flags: admin, since: "2.4.0", args: "[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]", summary: "Tells about all connections.", run: clientList},
		"kill":     {name: "client|kill", arity: -3, flags: admin, since: "2.4.0", args: "<ip:port | [ID client-id] [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME YES | NO]>", summary: "Ends connections.", run: clientKill},
		"getname":  {name: "client|getname", arity: 2, since: "2.6.9", summary: "Gives the connection's name.", run: clientGetName},
		"setname":  {name: "client|setname", arity: 3, since: "2.6.9", args: "connection-name", summary: "Gives the connection a name.", run: clientSetName},
		"setinfo":  {name: "client|setinfo", arity: 4, since: "7.2.0", args: "<LIB-NAME libname | LIB-VER libver>", summary: "Takes the name or the version of the client's library.", run: clientSetInfo},
		"no-evict": {name: "client|no-evict", arity: 3, flags: admin, since: "7.0.0", args: "<ON | OFF>", summary: "Accepted: no client is evicted here.", run: clientNoEvict},
	}
}

// errBadName is Redis's answer for a name that would break a line of CLIENT LIST.
const errBadName failure = "ERR Client names cannot contain spaces, newlines or special characters."

// validName tells whether all bytes can be seen.
func validName(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < '!' || c > '~' })
}

// rename changes the name that others see.
func (c *client) rename(name string) {
	now := *c.shown.Load()
	now.name = name
	c.shown.Store(&now)
}

// line is a client in CLIENT LIST.
func (c *client) line(now time.Time) string {
	f := c.shown.Load()
	flags := "N"
	if f.multi >= 0 {
		flags = "x"
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d idle=%d flags=%s db=%d multi=%d watch=%d cmd=%s user=default lib-name=%s lib-ver=%s resp=%d",
		c.id, c.conn.RemoteAddr(), c.conn.LocalAddr(), f.name, int(now.Sub(c.since).Seconds()),
		int(now.Sub(time.Unix(0, c.last.Load())).Seconds()), flags, f.db, f.multi, f.watch, f.command, f.library, f.version, f.resp)
}

func clientID(x *exec, _ [][]byte) error {
	x.out.number(x.c.id)
	return nil
}

func clientInfo(x *exec, _ [][]byte) error {
	x.out.verbatim(x.c.line(time.Now()) + "\n")
	return nil
}

func clientList(x *exec, a [][]byte) error {
	var only []int64
	if len(a) == 4 && strings.EqualFold(string(a[2]), "type") {
		normal, err := isNormal(a[3])
		if err != nil {
			return err
		}
		if !normal {
			only = []int64{0} // nobody's
		}
	} else if len(a) > 2 {
		if !strings.EqualFold(string(a[2]), "id") || len(a) == 3 {
			return errSyntax
		}
		for _, b := range a[3:] {
			n, ok := parseInt(b)
			if !ok || n < 1 {
				return failure("ERR Invalid client ID")
			}
			only = append(only, n)
		}
	}
	var text strings.Builder
	for _, c := range x.s.connected() {
		if only == nil || slices.Contains(only, c.id) {
			text.WriteString(c.line(time.Now()) + "\n")
		}
	}
	x.out.verbatim(text.String())
	return nil
}

// isNormal tells whether a kind of client is that of all there are.
func isNormal(b []byte) (bool, error) {
	switch strings.ToLower(string(b)) {
	case "normal":
		return true, nil
	case "master", "slave", "replica", "pubsub":
		return false, nil
	}
	return false, cleanError("ERR Unknown client type '" + cutText(b, 128) + "'")
}

// killFilter says which clients CLIENT KILL is for.
type killFilter struct {
	id           int64 // 0: any
	addr, laddr  string
	none, skipMe bool
}

func parseKill(a [][]byte) (f killFilter, err error) {
	if len(a) == 1 {
		return killFilter{addr: string(a[0])}, nil
	}
	f.skipMe = true
	for ; len(a) > 1 && err == nil; a = a[2:] {
		err = f.take(strings.ToLower(string(a[0])), a[1])
	}
	if err == nil && len(a) > 0 {
		err = errSyntax
	}
	return f, err
}

func (f *killFilter) take(name string, value []byte) error {
	switch name {
	case "id":
		n, ok := parseInt(value)
		if f.id = n; !ok || n < 1 {
			return failure("ERR client-id should be greater than 0")
		}
	case "type":
		normal, err := isNormal(value)
		f.none = f.none || !normal
		return err
	case "user":
		if string(value) != "default" {
			return cleanError("ERR No such user '" + cutText(value, 128) + "'")
		}
	case "addr":
		f.addr = string(value)
	case "laddr":
		f.laddr = string(value)
	case "skipme":
		if f.skipMe = strings.EqualFold(string(value), "yes"); !f.skipMe && !strings.EqualFold(string(value), "no") {
			return errSyntax
		}
	default:
		return errSyntax
	}
	return nil
}

func (f *killFilter) is(c *client) bool {
	return !f.none && (f.id == 0 || f.id == c.id) && (f.addr == "" || f.addr == c.conn.RemoteAddr().String()) &&
		(f.laddr == "" || f.laddr == c.conn.LocalAddr().String())
}

func clientKill(x *exec, a [][]byte) error {
	f, err := parseKill(a[2:])
	if err != nil {
		return err
	}
	n := int64(0)
	for _, c := range x.s.connected() {
		switch {
		case !f.is(c), f.skipMe && c == x.c:
			continue
		case c == x.c:
			c.quit = true // with this answer
		default:
			c.leaving.Store(true)
			c.conn.Close()
		}
		n++
	}
	switch {
	case len(a) > 3:
		x.out.number(n)
	case n == 0:
		return failure("ERR No such client")
	default:
		x.out.ok()
	}
	return nil
}

// connected are the clients, oldest first.
func (s *Server) connected() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*client
	for _, c := range s.clients {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *client) int { return int(a.id - b.id) })
	return list
}

func clientGetName(x *exec, _ [][]byte) error {
	if name := x.c.shown.Load().name; name != "" {
		x.out.text(name)
	} else {
		x.out.null()
	}
	return nil
}

func clientSetName(x *exec, a [][]byte) error {
	if !validName(a[2]) {
		return errBadName
	}
	x.c.rename(string(a[2]))
	x.out.ok()
	return nil
}

func clientSetInfo(x *exec, a [][]byte) error {
	now := *x.c.shown.Load()
	what := strings.ToLower(string(a[2]))
	if !validName(a[3]) {
		return cleanError("ERR " + what + " cannot contain spaces, newlines or special characters.")
	}
	switch what {
	case "lib-name":
		now.library = string(a[3])
	case "lib-ver":
		now.version = string(a[3])
	default:
		return cleanError("ERR Unrecognized option '" + cutText(a[2], 128) + "'")
	}
	x.c.shown.Store(&now)
	x.out.ok()
	return nil
}

func clientNoEvict(x *exec, a [][]byte) error {
	if !strings.EqualFold(string(a[2]), "on") && !strings.EqualFold(string(a[2]), "off") {
		return errSyntax
	}
	x.out.ok()
	return nil
}
