package main

import "testing"

func TestCountCountsTheRange(t *testing.T) {
	dir := newDatabase(t, "a\t1\nab\t22\nb\t333\nc\t\n")
	cases := []struct {
		args []string
		want string
	}{
		{nil, "4\n"},
		{[]string{"--prefix", "a"}, "2\n"},
		{[]string{"--from", "ab"}, "3\n"},
		{[]string{"--to", "b"}, "2\n"},
		{[]string{"--from", "ab", "--to", "c"}, "2\n"},
		{[]string{"--to", ""}, "0\n"},
		{[]string{"--prefix", "x"}, "0\n"},
		{[]string{"--hex", "--prefix", "61"}, "2\n"},
		{[]string{"--sizes"}, "4\t5\t6\n"},
		{[]string{"--prefix", "a", "--sizes"}, "2\t3\t3\n"},
	}
	for _, c := range cases {
		if got := succeed(t, append([]string{"count", dir}, c.args...)...); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
}

func TestCountOfAFamily(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\n", "--family", "x")
	if got := succeed(t, "count", dir, "--family", "x"); got != "2\n" {
		t.Errorf("family x: %q", got)
	}
	if got := succeed(t, "count", dir); got != "0\n" {
		t.Errorf("default family: %q", got)
	}
}
