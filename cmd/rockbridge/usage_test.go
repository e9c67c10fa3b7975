package main

import (
	"regexp"
	"strings"
	"testing"
)

// commands are all that the help must list.
var commands = []string{
	"load", "export", "import", "get", "put", "delete", "scan", "count", "stats", "compact", "checkpoint", "inspect", "doctor", "repair", "top", "demo",
	"backup", "checksum", "serve", "probe",
}

func TestUsageErrorsExitWith2(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	cases := []struct {
		args []string
		text string
	}{
		{nil, "a command is missing"},
		{[]string{"nonsense"}, `unknown command "nonsense"`},
		{[]string{"scn", dir}, `unknown command "scn"`},
		{[]string{"scan", dir, "--nonsense"}, "unknown flag: --nonsense"},
		{[]string{"--nonsense"}, "unknown flag: --nonsense"},
		{[]string{"get", dir}, "accepts 2 arg(s), received 1"},
		{[]string{"get", dir, "a", "b"}, "accepts 2 arg(s), received 3"},
		{[]string{"put", dir, "a"}, "accepts 3 arg(s), received 2"},
		{[]string{"delete", dir}, "accepts 2 arg(s), received 1"},
		{[]string{"scan"}, "accepts 1 arg(s), received 0"},
		{[]string{"count"}, "accepts 1 arg(s), received 0"},
		{[]string{"stats", dir, "x"}, "accepts 1 arg(s), received 2"},
		{[]string{"compact"}, "accepts 1 arg(s), received 0"},
		{[]string{"repair"}, "accepts 1 arg(s), received 0"},
		{[]string{"checkpoint", dir}, "accepts 2 arg(s), received 1"},
		{[]string{"load"}, "requires at least 1 arg(s)"},
		{[]string{"demo", "x"}, `unknown command "x" for "rockbridge demo"`},
		{[]string{"scan", dir, "--output", "xml"}, `--output "xml": not one of raw, hex, json`},
		{[]string{"get", dir, "a", "--output", "xml"}, `--output "xml"`},
		{[]string{"scan", dir, "--limit", "x"}, "invalid argument"},
		{[]string{"scan", dir, "--limit", "-1"}, "--limit -1 is negative"},
		{[]string{"scan", dir, "--hex", "--from", "x"}, `--from "x" is not hexadecimal`},
		{[]string{"get", dir, "--hex", "abc"}, `KEY "abc" is not hexadecimal`},
		{[]string{"put", dir, "--hex", "ab", "x"}, `VALUE "x" is not hexadecimal`},
		{[]string{"export", dir}, "accepts 2 arg(s)"},
		{[]string{"export", dir, "-", "--resume"}, "--resume needs a file"},
		{[]string{"export", dir, "x", "--other-state"}, "--other-state is for --resume"},
		{[]string{"export", dir, "x", "--level", "20"}, "--level 20"},
		{[]string{"export", dir, "x", "--level", "0"}, "--level 0"},
		{[]string{"export", dir, "x", "--limit", "-1"}, "--limit -1"},
		{[]string{"import", dir}, "accepts 2 arg(s)"},
		{[]string{"load", dir}, "standard input has no file ending"},
		{[]string{"load", dir, "x.parquet"}, "the ending tells no format"},
		{[]string{"load", dir, "x.tsv", "--format", "xml"}, `--format "xml": not one of lines, tsv, csv, jsonl`},
		{[]string{"load", dir, "x.tsv", "--key", "name"}, `column "name" is not a number`},
		{[]string{"load", dir, "x.csv", "--value", "0"}, `column "0" is not a number`},
		{[]string{"load", dir, "x.txt", "--key", "2"}, "--key and --value do not apply"},
		{[]string{"load", dir, "x.jsonl", "--header"}, "--header is for tsv and csv only"},
		{[]string{"load", dir, "x.tsv", "--batch-bytes", "0"}, "--batch-bytes 0"},
		{[]string{"inspect"}, "accepts 1 arg(s), received 0"},
		{[]string{"inspect", dir, "--keys", "base64"}, `--keys "base64": not one of text, hex`},
		{[]string{"inspect", dir, "--sort", "age"}, `--sort "age": not one of level, name, size, entries, tombstones`},
		{[]string{"inspect", dir, "--limit", "-1"}, "--limit -1 is negative"},
		{[]string{"doctor", dir, "x"}, "accepts at most 1 arg(s), received 2"},
		{[]string{"doctor", "--verify"}, "--verify needs DIR"},
		{[]string{"top"}, "accepts 1 arg(s), received 0"},
		{[]string{"top", "localhost:1", "--interval", "99ms"}, "--interval 99ms: at least 100ms"},
		{[]string{"top", "localhost:1", "--timeout", "0s"}, "--timeout 0s: more than 0"},
		{[]string{"top", "ftp://localhost"}, "neither http nor https"},
		{[]string{"top", "http:///debug/vars"}, "names no host"},
		{[]string{"top", "http://[::1"}, `URL "http://[::1"`},
		{[]string{"probe", "a", "b"}, "accepts at most 1 arg(s), received 2"},
		{[]string{"probe", "localhost:8080"}, "neither http nor https"},
		{[]string{"probe", "http://[::1"}, `URL "http://[::1"`},
		{[]string{"probe", "--timeout", "0s"}, "--timeout 0s: more than 0"},
		{[]string{"demo", "--rounds", "6"}, "--rounds 6: at least 7"},
	}
	for _, c := range cases {
		fail(t, exitUsage, c.args, c.text, "--help' for usage.")
	}
}

// TestHelpHasExamples also guards the list of commands.
func TestHelpHasExamples(t *testing.T) {
	root := succeed(t, "--help")
	for _, name := range commands {
		if !regexp.MustCompile(`(?m)^  ` + name + ` +\S`).MatchString(root) {
			t.Errorf("the help does not list %s", name)
		}
		help := succeed(t, name, "--help")
		if !strings.Contains(help, "Examples:\n  rockbridge "+name) &&
			!strings.Contains(help, " rockbridge "+name+" ") {
			t.Errorf("the help of %s has no example of it", name)
		}
		for _, flag := range []string{"--family", "--hex"} {
			if !strings.Contains(help, flag) {
				t.Errorf("the help of %s lacks %s", name, flag)
			}
		}
	}
}

func TestVersionNamesTheLibrary(t *testing.T) {
	out := succeed(t, "--version")
	if !regexp.MustCompile(`^rockbridge \S+, RocksDB \d+\.\d+\.\d+\n$`).MatchString(out) {
		t.Errorf("--version printed %q", out)
	}
}

func TestShellCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := succeed(t, "completion", shell); !strings.Contains(out, "rockbridge") || len(out) < 1000 {
			t.Errorf("%s: %d bytes", shell, len(out))
		}
	}
	complete := func(args ...string) string {
		return runWith(t, "", append([]string{"__complete"}, args...)...).stdout
	}
	if got := complete("che"); !strings.Contains(got, "checkpoint") {
		t.Errorf("che: %q", got)
	}
	if got := complete("scan", "dir", "--output", ""); !strings.HasPrefix(got, "raw\nhex\njson\n") {
		t.Errorf("--output: %q", got)
	}
	if got := complete("load", "dir", "--format", "j"); !strings.Contains(got, "jsonl") {
		t.Errorf("--format: %q", got)
	}
}
