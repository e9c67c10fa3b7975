package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

func connectionCommands() []*command {
	return []*command{
		{name: "ping", arity: -1, flags: fast, since: "1.0.0", args: "[message]", summary: "Answers: the server is there.", run: ping},
		{name: "echo", arity: 2, flags: fast, since: "1.0.0", args: "message", summary: "Answers with the message.", run: echo},
		{name: "quit", arity: -1, flags: fast | noAuth | immediate, since: "1.0.0", summary: "Ends the connection.", run: quit},
		{name: "reset", arity: 1, flags: fast | noAuth | immediate, since: "6.2.0", summary: "Puts the connection into the state of a new one.", run: reset},
		{name: "hello", arity: -1, flags: fast | noAuth, since: "6.0.0", args: "[protover [AUTH username password] [SETNAME clientname]]", summary: "Chooses the protocol, and tells about the server.", run: hello},
		{name: "auth", arity: -2, flags: fast | noAuth, since: "1.0.0", args: "[username] password", summary: "Says who the client is.", run: auth},
		{name: "select", arity: 2, flags: fast, since: "1.0.0", args: "index", summary: "Chooses the database.", run: selectDatabase},
		{name: "client", arity: -2, since: "2.4.0", summary: "Commands about connections.", children: clientCommands()},
	}
}

func ping(x *exec, a [][]byte) error {
	switch len(a) {
	case 1:
		x.out.simple("PONG")
	case 2:
		x.out.bulk(a[1])
	default:
		return failure("ERR wrong number of arguments for 'ping' command")
	}
	return nil
}

func echo(x *exec, a [][]byte) error {
	x.out.bulk(a[1])
	return nil
}

func quit(x *exec, _ [][]byte) error {
	x.c.quit = true
	x.out.ok()
	return nil
}

func reset(x *exec, _ [][]byte) error {
	x.c.endTransaction()
	x.c.db, x.db = 0, 0
	x.c.out.resp = 2
	x.c.known = x.s.conf.password() == ""
	x.c.rename("")
	x.out.simple("RESET")
	return nil
}

func selectDatabase(x *exec, a [][]byte) error {
	if _, ok := parseInt(a[1]); !ok {
		return errNotInteger
	}
	n, ok := x.s.databaseOf(a[1])
	if !ok {
		return errBadDatabase
	}
	x.c.db, x.db = n, n
	x.out.ok()
	return nil
}

// databaseOf is the number of a database that there is.
func (s *Server) databaseOf(b []byte) (int, bool) {
	n, ok := parseInt(b)
	return int(n), ok && n >= 0 && n < int64(s.conf.databases())
}

// admit compares a password in a time that tells nothing of it. There is one user, default.
func (c *client) admit(user, password []byte) bool {
	want := sha256.Sum256([]byte(c.server.conf.password()))
	got := sha256.Sum256(password)
	right := subtle.ConstantTimeCompare(want[:], got[:]) == 1 || c.server.conf.password() == ""
	if right && string(user) == "default" {
		c.known = true
		return true
	}
	return false
}

func auth(x *exec, a [][]byte) error {
	if len(a) > 3 {
		return errSyntax
	}
	user := []byte("default")
	if len(a) == 3 {
		user = a[1]
	} else if x.s.conf.password() == "" {
		return failure("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	if !x.c.admit(user, a[len(a)-1]) {
		return errWrongPass
	}
	x.out.ok()
	return nil
}

// helloOptions are what follows the version of HELLO.
type helloOptions struct {
	user, password, name []byte
	auth, named          bool
}

func parseHello(a [][]byte) (o helloOptions, err error) {
	for i := 0; i < len(a); i++ {
		left := len(a) - i - 1
		switch word := strings.ToUpper(string(a[i])); {
		case word == "AUTH" && left >= 2:
			o.auth, o.user, o.password = true, a[i+1], a[i+2]
			i += 2
		case word == "SETNAME" && left >= 1:
			o.named, o.name = true, a[i+1]
			i++
		default:
			return o, cleanError("ERR Syntax error in HELLO option '" + cutText(a[i], 128) + "'")
		}
	}
	return o, nil
}

func hello(x *exec, a [][]byte) error {
	version := int64(x.out.resp)
	var o helloOptions
	if len(a) > 1 {
		n, ok := parseInt(a[1])
		if !ok {
			return failure("ERR Protocol version is not an integer or out of range")
		}
		if n != 2 && n != 3 {
			return errNoProto
		}
		var err error
		if o, err = parseHello(a[2:]); err != nil {
			return err
		}
		version = n
	}
	if o.auth && !x.c.admit(o.user, o.password) {
		return errWrongPass
	}
	if !x.c.known {
		return failure("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if o.named {
		if !validName(o.name) {
			return errBadName
		}
		x.c.rename(string(o.name))
	}
	x.out.resp = int(version)
	x.out.mapping(7)
	x.out.texts2("server", "redis", "version", redisVersion)
	x.out.text("proto")
	x.out.number(version)
	x.out.text("id")
	x.out.number(x.c.id)
	x.out.texts2("mode", "standalone", "role", "master")
	x.out.text("modules")
	x.out.array(0)
	return nil
}

// texts2 writes texts without a head.
func (r *reply) texts2(list ...string) {
	for _, s := range list {
		r.text(s)
	}
}

// redisVersion is the version of Redis whose commands these are.
const redisVersion = "7.0.15"
