package main

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func decimal(n int) string { return strconv.Itoa(n) }

// randomRows gives rows of random bytes, some of them empty, some with tabs,
// newlines and bytes that are not UTF-8.
func randomRows(r *rand.Rand, n int) map[string]string {
	word := func(most int) string {
		b := make([]byte, r.IntN(most+1))
		for i := range b {
			b[i] = byte(r.IntN(256))
			if r.IntN(2) == 0 {
				b[i] = "ab\t\n\",{é"[r.IntN(9)]
			}
		}
		return string(b)
	}
	rows := map[string]string{}
	for range n {
		rows[word(6)] = word(40)
	}
	return rows
}

// hexOf is rows as scan --output hex must print them.
func hexOf(rows map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "%s\t%s\n", hex.EncodeToString([]byte(key)), hex.EncodeToString([]byte(rows[key])))
	}
	return b.String()
}

// TestRowsOfAnyBytesRoundTrip prints a database in each exact format, loads
// what was printed into another, and compares.
func TestRowsOfAnyBytesRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rows := randomRows(rand.New(rand.NewPCG(seed, 1)), 2000)
	want := hexOf(rows)
	dir := newDatabase(t, want, "--hex", "--batch-bytes", "1000")
	if got := succeed(t, "scan", dir, "--output", "hex"); got != want {
		t.Fatal("scan --output hex differs from what was loaded")
	}
	asJSON := succeed(t, "scan", dir, "--output", "json")
	again := filepath.Join(t.TempDir(), "again")
	succeedWith(t, asJSON, "load", again, "--format", "jsonl", "--value", "value")
	if got := succeed(t, "scan", again, "--output", "hex"); got != want {
		t.Fatal("rows that went through JSON differ")
	}
}

// TestTextRoundTripsRaw does the same for rows that the raw format can hold.
func TestTextRoundTripsRaw(t *testing.T) {
	want := "\tempty key\na\t\nb\tx\ty\ncé\t\"<&>\"\n"
	dir := newDatabase(t, want)
	got := succeed(t, "scan", dir)
	if got != want {
		t.Fatalf("scan: %q, want %q", got, want)
	}
	if again := succeed(t, "scan", newDatabase(t, got)); again != want {
		t.Fatalf("after another load: %q, want %q", again, want)
	}
}
