package rbdebug

import (
	"fmt"
	"strings"
)

// Misuse is what the debug build panics with: the program, or rockbridge itself, broke a rule. It holds
// no byte of a key or a value.
type Misuse struct{ text string }

// Error is the rule and the stacks that belong to it.
func (m *Misuse) Error() string { return m.text }

// Part is a stack with what it is of.
type Part struct {
	Title string
	Of    Stack
}

// Panic reports a misuse with the stacks that belong to it.
func Panic(what string, parts ...Part) {
	var b strings.Builder
	b.WriteString("rockbridge: " + what)
	for _, p := range parts {
		if s := p.Of.String(); s != "" {
			fmt.Fprintf(&b, "\n\n%s:\n%s", p.Title, s)
		}
	}
	panic(&Misuse{b.String()})
}
