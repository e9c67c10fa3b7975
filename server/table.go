package server

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// flags say what a command does, as COMMAND tells clients.
type flags uint16

const (
	write flags = 1 << iota
	readOnly
	admin
	fast
	noAuth     // before a client has said who it is
	dangerous  // in the documents only
	wide       // it looks at all keys: within a transaction it runs alone
	immediate  // it is not queued by MULTI
	noMulti    // refused within MULTI
	wideWrite  // it runs alone
	maybeBlind // blind tells whether it needs to know what its keys hold
)

// command is one that clients may send.
type command struct {
	name     string
	arity    int // with the name; below 0: at least as many
	flags    flags
	keys     keySpec
	group    string
	since    string // the version of Redis
	summary  string
	args     string                      // how it is written, for docs/commands.md
	run      func(*exec, [][]byte) error // nil: only its children can be called
	blind    func([][]byte) bool
	children map[string]*command
	number   int // in table.all
}

// keySpec says which arguments are keys: from, the name being 0, to, which counts from the end if below 0, each step-th.
type keySpec struct{ first, last, step int }

var (
	oneKey   = keySpec{1, 1, 1}
	allKeys  = keySpec{1, -1, 1}
	keyPairs = keySpec{1, -1, 2}
)

// is tells whether all flags are set.
func (c *command) is(f flags) bool { return c.flags&f == f }

// keyed tells whether the keys are all that the command looks at.
func (c *command) keyed() bool { return c.keys.step > 0 }

// each gives the keys among arguments.
func (k keySpec) each(args [][]byte, f func(key []byte)) {
	if k.step == 0 {
		return
	}
	last := k.last
	if last < 0 {
		last += len(args)
	}
	for i := k.first; i <= last && i < len(args); i += k.step {
		f(args[i])
	}
}

// takes tells whether the number of arguments is right.
func (c *command) takes(args [][]byte) bool {
	if c.arity < 0 {
		return len(args) >= -c.arity
	}
	return len(args) == c.arity
}

// table is made by the first who asks: it is not known before functions that look into it are.
var table struct {
	once   sync.Once
	byName map[string]*command
	all    []*command // with their children
}

// commands are all, by name in small letters.
func commands() map[string]*command {
	table.once.Do(func() {
		table.byName = map[string]*command{}
		for group, list := range map[string][]*command{
			"connection": connectionCommands(), "server": serverCommands(), "generic": genericCommands(),
			"string": stringCommands(), "transactions": transactionCommands(),
		} {
			for _, c := range list {
				if c.children != nil {
					c.children["help"] = c.help()
				}
				c.inGroup(group)
				table.byName[c.name] = c
			}
		}
		for _, name := range sortedNames(table.byName) {
			c := table.byName[name]
			table.all = append(table.all, c)
			for _, child := range sortedNames(c.children) {
				table.all = append(table.all, c.children[child])
			}
		}
		for i, c := range table.all {
			c.number = i
		}
	})
	return table.byName
}

func (c *command) inGroup(group string) {
	c.group = group
	for _, child := range c.children {
		child.inGroup(group)
	}
}

// commandNames are sorted.
func commandNames() []string {
	var names []string
	for name := range commands() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// find is the command of a name, in any letters, without allocating.
func find(name []byte) *command {
	var small [24]byte
	if len(name) > len(small) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		small[i] = c
	}
	return commands()[string(small[:len(name)])]
}

// lookup is the command that arguments call, or what is wrong with them.
func lookup(args [][]byte) (*command, failure) {
	c := find(args[0])
	if c == nil {
		return nil, unknownCommand(args)
	}
	if c.children != nil && len(args) > 1 {
		child := c.children[strings.ToLower(string(args[1]))]
		if child == nil {
			return nil, cleanError("ERR unknown subcommand '" + cutText(args[1], 128) + "'. Try " + strings.ToUpper(c.name) + " HELP.")
		}
		c = child
	}
	if !c.takes(args) {
		return nil, failure("ERR wrong number of arguments for '" + c.name + "' command")
	}
	return c, ""
}

// unknownCommand is Redis's answer, with as much of the arguments.
func unknownCommand(args [][]byte) failure {
	const most = 128
	var shown strings.Builder
	for _, a := range args[1:] {
		if shown.Len() >= most {
			break
		}
		shown.WriteString("'" + cutText(a, most-shown.Len()) + "' ")
	}
	return cleanError("ERR unknown command '" + cutText(args[0], most) + "', with args beginning with: " + shown.String())
}

// cutText is at most n bytes, up to a zero byte, which ends a text in C.
func cutText(b []byte, n int) string {
	b = b[:min(len(b), n)]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
