package batchrepr_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// FuzzCheck holds Check and Records against the model: the same bytes are accepted, read as
// the same records, and those encode to the same bytes exactly if Check says so. Whatever is
// refused must not panic.
func FuzzCheck(f *testing.F) {
	f.Add(sample())
	for line := range strings.SplitSeq(verdicts(f), "\n") {
		if line != "" && line[0] != '#' {
			digits, _, _ := strings.Cut(line, " ")
			f.Add(unrun(f, digits))
		}
	}
	f.Fuzz(func(t *testing.T, rep []byte) {
		before := bytes.Clone(rep)
		judge(t, rep)
		if !bytes.Equal(rep, before) {
			t.Fatalf("reading changed %x to %x", before, rep)
		}
	})
}

// FuzzAppend builds a batch by two calls of any kind and reads it back.
func FuzzAppend(f *testing.F) {
	for i, kind := range kinds {
		f.Add(uint8(kind), boundaryIDs[i], []byte("key"), bytes.Repeat([]byte("v"), boundaryLens[i]))
	}
	f.Fuzz(func(t *testing.T, kind uint8, family uint32, a, b []byte) {
		r := batchrepr.Record{Kind: kinds[int(kind)%len(kinds)], Family: family, Key: a, Value: b}
		if r.Kind == batchrepr.KindPutEntity {
			r.Value = entityModel(a, b)
		}
		rep := batchrepr.AppendHeader(nil)
		rep = batchrepr.AppendRecord(rep, r)
		rep = batchrepr.AppendPut(rep, family, b, a)
		batchrepr.SetCount(rep, 1)
		if r.Kind.Counted() {
			batchrepr.SetCount(rep, 2)
		}
		judge(t, rep)
		s, err := batchrepr.Check(rep)
		if err != nil || !s.Canonical {
			t.Fatalf("%+v: %v", s, err)
		}
		got := slices.Collect(batchrepr.Records(rep))
		if len(got) != 2 || got[0].Kind != r.Kind || got[1].Kind != batchrepr.KindPut {
			t.Fatalf("read back %+v", got)
		}
		if !bytes.Equal(got[1].Key, b) || !bytes.Equal(got[1].Value, a) || got[1].Family != family {
			t.Fatalf("read back %+v", got[1])
		}
	})
}
