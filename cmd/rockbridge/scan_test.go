package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// scanCase is one random scan.
type scanCase struct {
	from, to, prefix *string
	limit            int
	reverse, keys    bool
}

func randomScan(r *rand.Rand) scanCase {
	word := func() *string {
		if r.IntN(2) == 0 {
			return nil
		}
		b := make([]byte, r.IntN(3))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		s := string(b)
		return &s
	}
	return scanCase{word(), word(), word(), r.IntN(5), r.IntN(2) == 0, r.IntN(2) == 0}
}

func (c scanCase) args(dir string) []string {
	args := []string{"scan", dir, "--limit", decimal(c.limit)}
	for _, f := range []struct {
		name  string
		value *string
	}{{"--from", c.from}, {"--to", c.to}, {"--prefix", c.prefix}} {
		if f.value != nil {
			args = append(args, f.name, *f.value)
		}
	}
	if c.reverse {
		args = append(args, "--reverse")
	}
	if c.keys {
		args = append(args, "--keys")
	}
	return args
}

// want is what the scan must print, from sorted lines of key, tab, value.
func (c scanCase) want(lines []string) string {
	var kept []string
	for _, line := range lines {
		key, _, _ := strings.Cut(line, "\t")
		if (c.from == nil || key >= *c.from) && (c.to == nil || key < *c.to) &&
			(c.prefix == nil || strings.HasPrefix(key, *c.prefix)) {
			if c.keys {
				line = key
			}
			kept = append(kept, line+"\n")
		}
	}
	if c.reverse {
		slices.Reverse(kept)
	}
	if c.limit > 0 && len(kept) > c.limit {
		kept = kept[:c.limit]
	}
	return strings.Join(kept, "")
}

func (c scanCase) String() string { return strings.Join(c.args("DIR"), " ") }

// TestScanMatchesASortedList runs random scans over all keys of up to three
// letters.
func TestScanMatchesASortedList(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	lines := []string{"\tempty"}
	keys := []string{""}
	for range 3 {
		var longer []string
		for _, key := range keys {
			for _, letter := range "abc" {
				longer = append(longer, key+string(letter))
				lines = append(lines, key+string(letter)+"\tvalue of "+key+string(letter))
			}
		}
		keys = longer
	}
	slices.Sort(lines)
	dir := newDatabase(t, strings.Join(lines, "\n")+"\n")
	for range 60 {
		c := randomScan(r)
		if got, want := succeed(t, c.args(dir)...), c.want(lines); got != want {
			t.Errorf("%v: %q, want %q", c, got, want)
		}
	}
}

// TestScanOfManyChunks is longer than one fill in both directions.
func TestScanOfManyChunks(t *testing.T) {
	var lines []string
	for i := range 20000 {
		lines = append(lines, "key"+decimal(100000+i)+"\t"+strings.Repeat("v", i%50)+"\n")
	}
	dir := newDatabase(t, strings.Join(lines, ""))
	if got := succeed(t, "scan", dir); got != strings.Join(lines, "") {
		t.Error("forwards: other rows than were loaded")
	}
	slices.Reverse(lines)
	if got := succeed(t, "scan", dir, "--reverse"); got != strings.Join(lines, "") {
		t.Error("backwards: other rows than were loaded")
	}
}

func TestScanPrintsEachFormat(t *testing.T) {
	dir := newDatabase(t, "61\t313c\nff\t00\n", "--hex")
	cases := []struct {
		args []string
		want string
	}{
		{nil, "a\t1<\n\xff\t\x00\n"},
		{[]string{"--output", "hex"}, "61\t313c\nff\t00\n"},
		{[]string{"--output", "hex", "--keys"}, "61\nff\n"},
		{[]string{"--output", "json"}, `{"key":"a","value":"1<"}` + "\n" + `{"key_hex":"ff","value":"\u0000"}` + "\n"},
		{[]string{"--output", "json", "--keys"}, `{"key":"a"}` + "\n" + `{"key_hex":"ff"}` + "\n"},
		{[]string{"--hex", "--from", "62"}, "\xff\t\x00\n"},
		{[]string{"--hex", "--prefix", "61"}, "a\t1<\n"},
	}
	for _, c := range cases {
		if got := succeed(t, append([]string{"scan", dir}, c.args...)...); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
}

func TestScanOfAFamily(t *testing.T) {
	dir := newDatabase(t, "a\t1\n", "--family", "cities")
	if got := succeed(t, "scan", dir); got != "" {
		t.Errorf("the default family holds %q", got)
	}
	if got := succeed(t, "scan", dir, "--family", "cities"); got != "a\t1\n" {
		t.Errorf("the family holds %q", got)
	}
	fail(t, exitError, []string{"scan", dir, "--family", "towns"}, `no column family "towns"`)
}
