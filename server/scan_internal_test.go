package server

import (
	"testing"
)

// The oldest places are forgotten, whether there are many or they are large.
func TestCursorsAreForgottenInTheirOrder(t *testing.T) {
	for _, size := range []int{1, 1 << 20} {
		var c cursors
		first := c.add(make([]byte, size), 3)
		if _, ok := c.find(first, 2); ok {
			t.Error("a cursor of another database")
		}
		n := min(maxCursors, maxCursorBytes/size)
		var last uint64
		for range n - 1 {
			last = c.add(make([]byte, size), 3)
		}
		_, before := c.find(first, 3)
		c.add(make([]byte, size), 3)
		_, after := c.find(first, 3)
		_, kept := c.find(last, 3)
		if !before || after || !kept {
			t.Errorf("size %d: the first of %d is there: %v, after one more: %v; the last: %v", size, n, before, after, kept)
		}
		for range 3 * n {
			c.add(make([]byte, size), 3)
		}
		if len(c.at) != n || len(c.order)-c.head != n || c.bytes != n*size {
			t.Errorf("size %d: %d places, %d in order, %d bytes", size, len(c.at), len(c.order)-c.head, c.bytes)
		}
	}
}

func TestPatternsMatchAsRedisHasThem(t *testing.T) {
	for _, c := range []struct {
		pattern, key string
		want         bool
	}{
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a*c", "abbc", true},
		{"a*c", "abbd", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[abc]", "b", true},
		{"[^abc]", "b", false},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"[\\]]", "]", true},
		{"**a", "bca", true},
		{"h[", "h", false},
		{"\\", "\\", true},
		{"*[0-9]*", "ab7c", true},
	} {
		if got := globMatches([]byte(c.pattern), []byte(c.key)); got != c.want {
			t.Errorf("%q of %q: %v", c.pattern, c.key, got)
		}
	}
	long := make([]byte, 100_000) // which a naive matcher takes for ever for
	if globMatches([]byte("*a*a*a*a*a*a*a*a*a*a*b"), long) {
		t.Error("a match")
	}
}
