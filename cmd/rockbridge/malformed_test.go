package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadStopsAtAMalformedLine wants the file and the line in the message,
// the rows before it in the database, and none after it.
func TestLoadStopsAtAMalformedLine(t *testing.T) {
	cases := []struct {
		name, file, content, place, reason string
		flags                              []string
		kept                               int
	}{
		{"tsv without a tab", "a.tsv", "a\t1\nb\t2\nc\nd\t4\n", "a.tsv:3:", "no tab", nil, 2},
		{"an empty line of tsv", "a.tsv", "a\t1\n\nb\t2\n", "a.tsv:2:", "no tab", nil, 1},
		{"tsv with too few columns", "a.tsv", "a\tb\tc\na\tb\n", "a.tsv:2:", "column 3 is wanted, the row has 2", []string{"--key", "3"}, 1},
		{"csv with another number of fields", "a.csv", "a,1\nb,2,3\n", "a.csv:2:", "wrong number of fields", nil, 1},
		{"csv with an open quote", "a.csv", "a,1\nb,\"2\n\n", "a.csv:", `extraneous or missing "`, nil, 1},
		{"csv with a stray quote", "a.csv", "a,1\n\"x\ny\",2\nb,x\"y\n", "a.csv:4:", `bare "`, nil, 2},
		{"csv with a stray quote in the middle of a record", "a.csv", "a,1\nb,\"u\nv\"w\n", "a.csv:3:", `extraneous or missing "`, nil, 1},
		{"csv with too few columns", "a.csv", "a,1\n", "a.csv:1:", "column 3 is wanted, the row has 2", []string{"--value", "3"}, 0},
		{"a name not in the header", "a.csv", "a,b\n1,2\n", "a.csv:1:", `no column "c"; there are a, b`, []string{"--header", "--key", "c"}, 0},
		{"not JSON", "a.jsonl", "{\"key\":\"a\"}\n{key}\n", "a.jsonl:2:", "not a JSON object", nil, 1},
		{"a JSON array", "a.jsonl", "[1]\n", "a.jsonl:1:", "not a JSON object", nil, 0},
		{"two objects on a line", "a.jsonl", "{\"key\":\"a\"}{\"key\":\"b\"}\n", "a.jsonl:1:", "not a JSON object", nil, 0},
		{"null", "a.jsonl", "null\n", "a.jsonl:1:", "not a JSON object", nil, 0},
		{"an empty line of JSON", "a.jsonl", "{\"key\":\"a\"}\n\n", "a.jsonl:2:", "not a JSON object", nil, 1},
		{"JSON without the key", "a.jsonl", "{\"k\":1}\n", "a.jsonl:1:", `no field "key"`, nil, 0},
		{"JSON without the value", "a.jsonl", "{\"key\":\"a\"}\n", "a.jsonl:1:", `no field "v"`, []string{"--value", "v"}, 0},
		{"JSON with an object as key", "a.jsonl", "{\"key\":{}}\n", "a.jsonl:1:", "neither a string nor a number", nil, 0},
		{"JSON that is not UTF-8", "a.jsonl", "{\"key\":\"a\xff\"}\n", "a.jsonl:1:", "not UTF-8", nil, 0},
		{"a bad hexadecimal field", "a.jsonl", "{\"key_hex\":\"x\"}\n", "a.jsonl:1:", `field "key_hex"`, nil, 0},
		{"a bad hexadecimal key", "a.tsv", "6b\t76\n6\t76\n", "a.tsv:2:", "key: ", []string{"--hex"}, 1},
		{"a bad hexadecimal value", "a.tsv", "6b\t7x\n", "a.tsv:1:", "value: ", []string{"--hex"}, 0},
		{"a line without end", "a.txt", "a\n" + strings.Repeat("x", maxLine+(1<<20)), "a.txt:2:", "a line of more than 67108864 bytes", nil, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			args := append([]string{"load", dir, writeFile(t, c.file, c.content)}, c.flags...)
			written := "(" + countOfRows(int64(c.kept)) + " written before)"
			fail(t, exitError, args, c.place, c.reason, written)
			if got := succeed(t, "count", dir); got != decimal(c.kept)+"\n" {
				t.Errorf("%s rows are there, want %d", strings.TrimSpace(got), c.kept)
			}
		})
	}
}

func TestLoadNamesStandardInputInErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	failWith(t, "a\t1\nb\n", exitError, []string{"load", dir, "--format", "tsv"}, "rockbridge: stdin:2: no tab")
}

func TestLoadReportsAFileThatIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	first := writeFile(t, "a.tsv", "a\t1\n")
	fail(t, exitError, []string{"load", dir, first, "nowhere.tsv"},
		"nowhere.tsv", "no such file", "(1 row written before)")
}
