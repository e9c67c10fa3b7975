package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheRealRowsRoundTrip loads the project's own data and compares the sum
// of what a scan prints with the one beside the data.
func TestTheRealRowsRoundTrip(t *testing.T) {
	data := filepath.Join("..", "..", "testdata")
	line, err := os.ReadFile(filepath.Join(data, "cities.tsv.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	want, _, _ := strings.Cut(string(line), " ")
	dir := filepath.Join(t.TempDir(), "db")
	succeed(t, "load", dir, filepath.Join(data, "cities.tsv.zst"))
	sum := sha256.Sum256([]byte(succeed(t, "scan", dir)))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the rows scanned have the sum %s, the rows loaded %s", got, want)
	}
	if got := succeed(t, "count", dir, "--sizes"); got != "171075\t5827513\t19367676\n" {
		t.Errorf("count: %q", got)
	}
	key := "FR/84/Lyon/45.74906,4.84789"
	if got := succeed(t, "get", dir, key); !strings.Contains(got, `"district":"Rhône"`) {
		t.Errorf("%s: %q", key, got)
	}
	if got := succeed(t, "scan", dir, "--prefix", "FR/84/Lyon/", "--keys"); got != key+"\n" {
		t.Errorf("the prefix: %q", got)
	}
}
