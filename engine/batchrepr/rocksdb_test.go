package batchrepr_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// goldenBatch is one batch of testdata/golden.txt.
type goldenBatch struct {
	title string
	recs  []batchrepr.Record
	rep   []byte
}

func TestBatchesAreThoseOfRocksDB(t *testing.T) {
	batches := readGolden(t)
	covered := map[batchrepr.Kind]int{}
	for _, b := range batches {
		if got := build(b.recs); !bytes.Equal(got, b.rep) {
			t.Errorf("%s: built %.200x\nRocksDB has %.200x", b.title, got, b.rep)
		}
		s, err := batchrepr.Check(b.rep)
		if err != nil || !s.Canonical {
			t.Errorf("%s: Check says %+v, %v", b.title, s, err)
		}
		if got := slices.Collect(batchrepr.Records(b.rep)); !sameRecords(got, b.recs) {
			t.Errorf("%s: records differ", b.title)
		}
		for _, r := range b.recs {
			covered[r.Kind]++
		}
	}
	for _, kind := range kinds {
		if kind == batchrepr.KindPutEntity {
			continue // RocksDB's C API makes none: see the tests of engine
		}
		if covered[kind] < 8 {
			t.Errorf("%d records of %v", covered[kind], kind)
		}
	}
}

func readGolden(t *testing.T) []goldenBatch {
	t.Helper()
	var all []goldenBatch
	var b goldenBatch
	for line := range strings.SplitSeq(readFile(t, "testdata/golden.txt"), "\n") {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			b = goldenBatch{title: title}
			continue
		}
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "=":
			b.rep = unrun(t, words[1])
			all = append(all, b)
		default:
			b.recs = append(b.recs, goldenRecord(t, words))
		}
	}
	return all
}

var goldenKinds = map[string]batchrepr.Kind{
	"put": batchrepr.KindPut, "delete": batchrepr.KindDelete, "merge": batchrepr.KindMerge,
	"singledelete": batchrepr.KindSingleDelete, "deleterange": batchrepr.KindDeleteRange,
}

// goldenRecord reads "put 7 6b6579 76", "delete 7 6b6579" or "log 76".
func goldenRecord(t *testing.T, words []string) batchrepr.Record {
	t.Helper()
	if words[0] == "log" {
		return batchrepr.Record{Kind: batchrepr.KindLogData, Value: unrun(t, words[1])}
	}
	kind, ok := goldenKinds[words[0]]
	family, err := strconv.ParseUint(words[1], 10, 32)
	if !ok || err != nil {
		t.Fatalf("golden record %q: %v", words, err)
	}
	r := batchrepr.Record{Kind: kind, Family: uint32(family), Key: unrun(t, words[2])}
	if len(words) > 3 {
		r.Value = unrun(t, words[3])
	}
	return r
}

// unrun reads hex with repeated bytes, as in "0161,62*300,63"; "-" is empty.
func unrun(t testing.TB, s string) []byte {
	t.Helper()
	out := []byte{}
	if s == "-" {
		return out
	}
	for part := range strings.SplitSeq(s, ",") {
		digits, times, _ := strings.Cut(part, "*")
		b, err := hex.DecodeString(digits)
		n := 1
		if err == nil && times != "" {
			n, err = strconv.Atoi(times)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Repeat(b, n)...)
	}
	return out
}

func TestVerdictsAreThoseOfRocksDB(t *testing.T) {
	tally := map[string]int{}
	for line := range strings.SplitSeq(verdicts(t), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		digits, want, _ := strings.Cut(line, " ")
		word, _, _ := strings.Cut(want, " ")
		tally[word]++
		rep := unrun(t, digits)
		judge(t, rep)
		_, err := batchrepr.Check(rep)
		switch word {
		case "ok":
			if err != nil || describe(rep) != want {
				t.Errorf("%s: %v, %s; RocksDB: %s", digits, err, describe(rep), want)
			}
		case "foreign":
			if err == nil || !strings.Contains(err.Error(), "not supported") && !strings.Contains(err.Error(), "entity") {
				t.Errorf("%s: %v; RocksDB reads it, but it is of another kind", digits, err)
			}
		default:
			if err == nil {
				t.Errorf("%s: accepted; RocksDB: %s", digits, want)
			}
		}
	}
	if tally["ok"] < 50 || tally["bad"] < 200 || tally["foreign"] < 5 || len(tally) != 3 {
		t.Errorf("verdicts read: %v", tally)
	}
}

// describe says of a valid batch what a line of testdata/verdicts.txt says.
func describe(rep []byte) string {
	var out strings.Builder
	out.WriteString("ok ")
	for r := range batchrepr.Records(rep) {
		fmt.Fprintf(&out, "%v %d %x %x;", r.Kind, r.Family, r.Key, r.Value)
	}
	return strings.TrimSpace(out.String())
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func verdicts(t testing.TB) string {
	t.Helper()
	return readFile(t, "testdata/verdicts.txt")
}
