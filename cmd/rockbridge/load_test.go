package main

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestLoadReadsEveryFormat loads one input per case and looks at what a raw
// scan then prints.
func TestLoadReadsEveryFormat(t *testing.T) {
	cases := []struct {
		name, file, content, want string
		flags                     []string
	}{
		{"lines", "a.txt", "b\na\n\nc", "\t\na\t\nb\t\nc\t\n", nil},
		{"lines keep their bytes", "a.lines", "a\tx\r\n", "a\tx\r\t\n", nil},
		{"tsv", "a.tsv", "k2\tv2\nk1\tv1\tmore\nk3\t\n\tempty\n", "\tempty\nk1\tv1\tmore\nk2\tv2\nk3\t\n", nil},
		{"tsv by number", "a.tab", "v\tk\tw\n", "k\tv\tw\n", []string{"--key", "2"}},
		{"tsv with a value column", "a.tsv", "v\tk\tw\n", "k\tw\n", []string{"--key", "2", "--value", "3"}},
		{"tsv with empty fields", "a.tsv", "\tk\t\t\n", "k\t\t\t\n", []string{"--key", "2"}},
		{"tsv by name", "a.tsv", "id\tname\n7\tbridge\n", "bridge\t7\n", []string{"--header", "--key", "name"}},
		{"tsv by the first name", "a.tsv", "id\tname\n7\tbridge\n", "7\tbridge\n", []string{"--header", "--key", "id"}},
		{"a header is no row", "a.tsv", "id\tname\n7\tbridge\n", "7\tbridge\n", []string{"--header"}},
		{"csv", "a.csv", "k,v\nl,\"a \"\"b\"\", c\"\n", "k\tv\nl\t\"a \"\"b\"\", c\"\n", nil},
		{"csv with a value column", "a.csv", "k,\"a \"\"b\"\", c\",d\n", "k\ta \"b\", c\n", []string{"--value", "2"}},
		{"csv by name", "a.csv", "a,b,c\n1,2,3\n", "2\t1,3\n", []string{"--header", "--key", "b"}},
		{"csv of one column", "a.csv", "k\nl\n", "k\t\nl\t\n", nil},
		{"jsonl", "a.jsonl", `{"key":"k","n":1}` + "\n", `k	{"key":"k","n":1}` + "\n", nil},
		{
			"jsonl with fields", "a.ndjson", `{"id":17,"v":{"a":[1, 2]}}` + "\n" + `{"id":"é\n","v":"\u0041"}`,
			"17\t{\"a\":[1, 2]}\né\n\tA\n",
			[]string{"--key", "id", "--value", "v"},
		},
		{"jsonl in hexadecimal fields", "a.jsonl", `{"key_hex":"6b","value_hex":"76"}`, "k\tv\n", []string{"--value", "value"}},
		{"hexadecimal", "a.tsv", "6b\t7676\n", "k\tvv\n", []string{"--hex"}},
		{"--format beats the ending", "a.csv", "k\tv,w\n", "k\tv,w\n", []string{"--format", "tsv"}},
		{"an empty file", "a.tsv", "", "", nil},
		{"a header alone", "a.csv", "a,b\n", "", []string{"--header"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			args := append([]string{"load", dir, writeFile(t, c.file, c.content)}, c.flags...)
			out := succeed(t, args...)
			if got := succeed(t, "scan", dir); got != c.want {
				t.Errorf("scan: %q, want %q", got, c.want)
			}
			rows, err := strconv.ParseInt(strings.TrimSpace(succeed(t, "count", dir)), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if want := countOfRows(rows) + " loaded in "; !strings.HasPrefix(out, want) {
				t.Errorf("load printed %q, want %q...", out, want)
			}
		})
	}
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLoadReadsCompressedInput(t *testing.T) {
	packed := compressed(t, "a\t1\nb\t2\n")
	want := "a\t1\nb\t2\n"

	dir := filepath.Join(t.TempDir(), "file")
	succeed(t, "load", dir, writeFile(t, "x.tsv.zst", packed))
	if got := succeed(t, "scan", dir); got != want {
		t.Errorf("from a file: %q, want %q", got, want)
	}
	dir = filepath.Join(t.TempDir(), "stdin")
	succeedWith(t, packed, "load", dir, "-", "--format", "tsv")
	if got := succeed(t, "scan", dir); got != want {
		t.Errorf("from standard input: %q, want %q", got, want)
	}
}

func TestLoadRefusesDamagedCompression(t *testing.T) {
	packed := compressed(t, strings.Repeat("some key\tsome value\n", 1000))
	dir := filepath.Join(t.TempDir(), "db")
	short := writeFile(t, "x.tsv.zst", packed[:len(packed)-5])
	fail(t, exitError, []string{"load", dir, short}, "x.tsv.zst:", "rows written before")
	plain := writeFile(t, "y.tsv.zst", "a\t1\n")
	fail(t, exitError, []string{"load", dir, plain}, "y.tsv.zst:1:")
}

func TestLoadTakesSeveralFilesAndLaterRowsWin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	one := writeFile(t, "one.tsv", "a\t1\nb\t1\n")
	two := writeFile(t, "two.csv", "b,2\nc,2\n")
	out := succeedWith(t, "c\t3\n", "load", dir, one, two)
	if !strings.HasPrefix(out, "4 rows loaded in ") {
		t.Errorf("load printed %q", out)
	}
	if got, want := succeed(t, "scan", dir), "a\t1\nb\t2\nc\t2\n"; got != want {
		t.Errorf("scan: %q, want %q", got, want)
	}
}

// TestLoadInSmallBatchesLosesNothing makes every row a batch of its own, and
// one row larger than a batch.
func TestLoadInSmallBatchesLosesNothing(t *testing.T) {
	rows := "a\t1\nb\t" + strings.Repeat("x", 300<<10) + "\nc\t3\n"
	dir := newDatabase(t, rows, "--batch-bytes", "1", "--sync")
	if got := succeed(t, "scan", dir); got != rows {
		t.Errorf("%d bytes scanned, %d loaded", len(got), len(rows))
	}
}

func TestLoadGoesToTheFamily(t *testing.T) {
	dir := newDatabase(t, "a\tdefault\n")
	succeedWith(t, "a\tother\n", "load", dir, "--format", "tsv", "--family", "other")
	if got := succeed(t, "get", dir, "a"); got != "default\n" {
		t.Errorf("default family: %q", got)
	}
	if got := succeed(t, "get", dir, "a", "--family", "other"); got != "other\n" {
		t.Errorf("other family: %q", got)
	}
}
