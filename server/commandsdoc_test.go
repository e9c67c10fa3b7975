package server

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var writeDocs = flag.Bool("commands.write", false, "write docs/commands.md anew")

// groups are in the order of the document.
var groups = []struct{ name, title string }{
	{"string", "Strings"}, {"generic", "Keys"}, {"transactions", "Transactions"}, {"connection", "Connections"}, {"server", "Server"},
}

func commandsDocument() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n" +
		"What `rockbridge serve` answers: replies, errors and meanings are those of Redis " + redisVersion + ", in RESP2 and RESP3. Every other command\n" +
		"is an unknown one. The table is written from the commands themselves (`make docs`).\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| command | what it does | in Redis since |\n|---|---|---|\n", g.title)
		for _, name := range commandNames() {
			if c := commands()[name]; c.group == g.name {
				c.row(&b)
			}
		}
	}
	return b.String()
}

func (c *command) row(b *strings.Builder) {
	for _, child := range sortedNames(c.children) {
		c.children[child].row(b)
	}
	if c.children != nil && c.name != "command" {
		return
	}
	shown := strings.ToUpper(strings.ReplaceAll(c.name, "|", " "))
	if c.args != "" {
		shown += " " + strings.ReplaceAll(c.args, "|", "\\|")
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", shown, c.summary, c.since)
}

func TestTheDocumentListsEveryCommand(t *testing.T) {
	const path = "../docs/commands.md"
	want := commandsDocument()
	if *writeDocs {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/commands.md is not what \"make docs\" writes: %v", err)
	}
}

// Each command has what COMMAND DOCS and the document tell of it.
func TestEveryCommandIsDescribed(t *testing.T) {
	for name, c := range commands() {
		for _, one := range append([]*command{c}, values(c.children)...) {
			if one.summary == "" || one.since == "" || one.group == "" || one.run == nil && (one.children == nil || one.arity > -2) || one.arity == 0 {
				t.Errorf("%s: %+v", name, one.name)
			}
			if (one.is(write) && !one.is(wideWrite)) != (one.is(write) && one.keyed()) {
				t.Errorf("%s writes, and does not say which keys", one.name)
			}
		}
	}
}
