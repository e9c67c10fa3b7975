package server

import (
	"maps"
	"slices"
	"strings"
)

// flagNames are the words of COMMAND.
func (c *command) flagNames() (names []string) {
	for _, f := range []struct {
		flag flags
		name string
	}{{write, "write"}, {readOnly, "readonly"}, {admin, "admin"}, {fast, "fast"}, {noAuth, "no_auth"}, {noMulti, "no_multi"}} {
		if c.is(f.flag) {
			names = append(names, f.name)
		}
	}
	return names
}

// categories are those of Redis's lists of access.
func (c *command) categories() (names []string) {
	for _, f := range []struct {
		is   bool
		name string
	}{
		{c.is(write), "@write"},
		{c.is(readOnly), "@read"},
		{c.is(admin), "@admin"},
		{c.is(dangerous) || c.is(admin), "@dangerous"},
		{c.is(fast), "@fast"},
		{!c.is(fast), "@slow"},
	} {
		if f.is {
			names = append(names, f.name)
		}
	}
	return names
}

// facts writes what COMMAND INFO tells.
func (c *command) facts(out *reply) {
	out.array(10)
	out.text(c.name)
	out.number(int64(c.arity))
	flags := c.flagNames()
	out.set(len(flags))
	for _, f := range flags {
		out.simple(f)
	}
	out.number(int64(c.keys.first))
	out.number(int64(c.keys.last))
	out.number(int64(c.keys.step))
	names := c.categories()
	out.set(len(names))
	for _, n := range names {
		out.simple(n)
	}
	out.array(0)
	out.array(0)
	out.array(len(c.children))
	for _, name := range sortedNames(c.children) {
		c.children[name].facts(out)
	}
}

func commandAll(x *exec, _ [][]byte) error {
	names := commandNames()
	x.out.array(len(names))
	for _, n := range names {
		commands()[n].facts(x.out)
	}
	return nil
}

func commandCount(x *exec, _ [][]byte) error {
	x.out.number(int64(len(commands())))
	return nil
}

func commandList(x *exec, a [][]byte) error {
	if len(a) > 2 {
		return errSyntax
	}
	x.out.textSet(commandNames()...)
	return nil
}

// named is a command by its name, a child's with a bar.
func named(b []byte) *command {
	name, child, ok := strings.Cut(string(b), "|")
	c := find([]byte(name))
	if c != nil && ok {
		c = c.children[strings.ToLower(child)]
	}
	return c
}

func commandInfo(x *exec, a [][]byte) error {
	if len(a) == 2 {
		return commandAll(x, a)
	}
	x.out.array(len(a) - 2)
	for _, name := range a[2:] {
		if c := named(name); c != nil {
			c.facts(x.out)
		} else {
			x.out.nullArray()
		}
	}
	return nil
}

func commandGetKeys(x *exec, a [][]byte) error {
	cmd, wrong := lookup(a[2:])
	switch {
	case strings.HasPrefix(string(wrong), "ERR wrong number"):
		return failure("ERR Invalid number of arguments specified for command")
	case wrong != "":
		return failure("ERR Invalid command specified")
	case !cmd.keyed():
		return failure("ERR The command has no key arguments")
	}
	n := 0
	cmd.keys.each(a[2:], func([]byte) { n++ })
	x.out.array(n)
	cmd.keys.each(a[2:], x.out.bulk)
	return nil
}

// help is the command that lists those beside it.
func (c *command) help() *command {
	return &command{
		name: c.name + "|help", arity: 2, since: "5.0.0", group: c.group, summary: "Lists these commands.",
		run: func(x *exec, _ [][]byte) error {
			list := []string{strings.ToUpper(c.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
			for _, name := range sortedNames(c.children) {
				child := c.children[name]
				list = append(list, strings.TrimRight(strings.ToUpper(name)+" "+child.args, " "), "    "+child.summary)
			}
			x.out.array(len(list))
			for _, line := range list {
				x.out.simple(line)
			}
			return nil
		},
	}
}

func commandDocs(x *exec, a [][]byte) error {
	var list []*command
	if len(a) == 2 {
		for _, n := range commandNames() {
			list = append(list, commands()[n])
		}
	}
	for _, name := range a[2:] {
		if c := named(name); c != nil {
			list = append(list, c)
		}
	}
	x.out.mapping(len(list))
	for _, c := range list {
		c.document(x.out)
	}
	return nil
}

// document writes a command's name, and what COMMAND DOCS tells of it.
func (c *command) document(out *reply) {
	out.text(c.name)
	children := sortedNames(c.children)
	n := 3
	if len(children) > 0 {
		n++
	}
	out.mapping(n)
	out.texts2("summary", c.summary, "since", c.since, "group", c.group)
	if len(children) > 0 {
		out.text("subcommands")
		out.mapping(len(children))
		for _, name := range children {
			c.children[name].document(out)
		}
	}
}

func sortedNames(m map[string]*command) []string { return slices.Sorted(maps.Keys(m)) }
