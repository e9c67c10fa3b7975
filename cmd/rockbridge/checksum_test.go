package main

import (
	"strings"
	"testing"
)

func TestChecksumIsThatOfTheRows(t *testing.T) {
	rows := "a\t1\nab\t22\nb\t333\nc\t\n"
	one, two := newDatabase(t, rows), newDatabase(t, rows)
	sum := succeed(t, "checksum", one)
	if got := succeed(t, "checksum", two); got != sum || !strings.HasSuffix(sum, "\t4\t5\t6\n") || len(sum) != len("00000000\t4\t5\t6\n") {
		t.Errorf("%q and %q", sum, got)
	}
	part := succeed(t, "checksum", one, "--prefix", "a")
	if !strings.HasSuffix(part, "\t2\t3\t3\n") || part[:8] == sum[:8] {
		t.Errorf("a part: %q", part)
	}
	if got := succeed(t, "checksum", newDatabase(t, "")); got != "00000000\t0\t0\t0\n" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestFiltersChooseRows(t *testing.T) {
	dir := newDatabase(t, "a\t1\nab\t22\nb\t333\nbb\t\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--key-contains", "b"}, "ab\nb\nbb\n"},
		{[]string{"--key-suffix", "b", "--prefix", "b"}, "b\nbb\n"},
		{[]string{"--value-contains", "3"}, "b\n"},
		{[]string{"--value-prefix", "22", "--key-contains", "a"}, "ab\n"},
		{[]string{"--value-not-contains", "3", "--value-not-contains", "2"}, "a\nb\nbb\n"},
		{[]string{"--value-prefix", ""}, "a\nab\nb\nbb\n"},
		{[]string{"--hex", "--key-contains", "61"}, "a\nab\n"},
		{[]string{"--key-contains", "b", "--reverse", "--limit", "2"}, "bb\nb\n"},
	} {
		got := succeed(t, append([]string{"scan", dir, "--keys", "--output", "raw"}, c.args...)...)
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
	if got := succeed(t, "count", dir, "--value-contains", "2"); got != "1\n" {
		t.Errorf("count: %q", got)
	}
}
