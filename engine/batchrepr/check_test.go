package batchrepr_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// judge checks rep with the package and with the model and reports where they differ.
func judge(t *testing.T, rep []byte) {
	t.Helper()
	want, ok := decodeModel(rep)
	s, err := batchrepr.Check(rep)
	got := slices.Collect(batchrepr.Records(rep))
	if (err == nil) != ok {
		t.Fatalf("%x\nCheck says %v, the model %v", rep, err, ok)
	}
	if !sameRecords(got, want) {
		t.Fatalf("%x\nRecords gives %+v\nthe model %+v", rep, got, want)
	}
	if !ok {
		judgeError(t, rep, s, err)
		return
	}
	again := build(got)
	model := summarizeModel(want)
	model.Canonical = bytes.Equal(again, rep)
	if !reflect.DeepEqual(s, model) {
		t.Fatalf("%x\nCheck gives %+v\nthe model %+v", rep, s, model)
	}
	if _, err := batchrepr.Check(again); err != nil {
		t.Fatalf("%x\nencoded again %x: %v", rep, again, err)
	}
}

func judgeError(t *testing.T, rep []byte, s batchrepr.Summary, err error) {
	t.Helper()
	var fe *batchrepr.FormatError
	if !errors.As(err, &fe) {
		t.Fatalf("%x\nerror of type %T", rep, err)
	}
	if fe.Offset < 0 || fe.Offset > len(rep) || fe.Reason == "" {
		t.Fatalf("%x\nof %d bytes refused at %d: %q", rep, len(rep), fe.Offset, fe.Reason)
	}
	if !reflect.DeepEqual(s, batchrepr.Summary{}) {
		t.Fatalf("%x\nrefused with %+v", rep, s)
	}
}

func TestCheckOfWhatWasBuilt(t *testing.T) {
	r := random(t)
	for range 3000 {
		recs := randomRecords(r)
		rep := build(recs)
		s, err := batchrepr.Check(rep)
		if err != nil {
			t.Fatalf("%x: %v", rep, err)
		}
		if want := summarizeModel(recs); !reflect.DeepEqual(s, want) {
			t.Fatalf("%x\ngot  %+v\nwant %+v", rep, s, want)
		}
		if got := slices.Collect(batchrepr.Records(rep)); !sameRecords(got, recs) {
			t.Fatalf("%x\ngot  %+v\nwant %+v", rep, got, recs)
		}
	}
}

// sample is a small batch with every kind and both forms of most.
func sample() []byte {
	return build([]batchrepr.Record{
		{Kind: batchrepr.KindPut, Key: []byte("k1"), Value: []byte("value")},
		{Kind: batchrepr.KindDelete, Family: 300, Key: []byte("k2")},
		{Kind: batchrepr.KindLogData, Value: []byte("note")},
		{Kind: batchrepr.KindMerge, Family: 7, Key: []byte(""), Value: []byte("+1")},
		{Kind: batchrepr.KindSingleDelete, Key: []byte("k3")},
		{Kind: batchrepr.KindDeleteRange, Family: 1 << 31, Key: []byte("a"), Value: []byte("bcd")},
		{Kind: batchrepr.KindPutEntity, Family: 2, Key: []byte("k5"), Value: entityModel([]byte("d"), []byte("nn"))},
		{Kind: batchrepr.KindPut, Family: 300, Key: []byte("k4"), Value: bytes.Repeat([]byte("v"), 130)},
	})
}

func TestCheckOfEveryCut(t *testing.T) {
	rep := sample()
	for n := range len(rep) {
		judge(t, slices.Clip(rep[:n]))
		// With the right count, some are batches of their own.
		if n >= batchrepr.HeaderLen {
			cut := bytes.Clone(rep[:n])
			recs, _ := decodeModel(cut)
			batchrepr.SetCount(cut, modelCount(recs))
			judge(t, cut)
		}
	}
}

func TestCheckOfEveryChangedByte(t *testing.T) {
	rep := sample()
	for at := range rep {
		for b := range 256 {
			changed := bytes.Clone(rep)
			changed[at] = byte(b)
			judge(t, changed)
		}
	}
}

func TestCheckOfRandomDamage(t *testing.T) {
	r := random(t)
	for range 20_000 {
		rep := sample()
		if r.IntN(2) == 0 {
			rep = build([]batchrepr.Record{randomRecord(r), randomRecord(r)})
		}
		for range 1 + r.IntN(3) {
			at := r.IntN(len(rep))
			switch r.IntN(4) {
			case 0:
				rep = slices.Delete(rep, at, at+1+r.IntN(len(rep)-at))
			case 1:
				rep = slices.Insert(rep, at, byte(r.IntN(16)), byte(r.Uint32()))
			case 2:
				rep[at] ^= 1 << r.IntN(8)
			case 3:
				rep[at] |= 0x80
				rep = slices.Insert(rep, at+1, 0)
			}
			if len(rep) == 0 {
				break
			}
		}
		judge(t, rep)
	}
}

func TestRefusals(t *testing.T) {
	one := "\x01\x01k\x01v"
	for _, c := range []struct {
		name   string
		count  uint32
		body   string
		offset int
		reason string
	}{
		{"count too low", 0, one, 8, "the count is 0, the records are 1"},
		{"count too high", 3, one + "\x03\x01x" + one, 8, "the count is 3, the records are 2"},
		{"count without records", 1, "", 8, "the count is 1, the records are 0"},
		{"unknown tag", 1, one + "\x7f", 17, "unknown record tag 0x7f"},
		{"tag beyond seven bits", 1, "\x81\x01k\x01v", 12, "unknown record tag 0x81"},
		{"tag alone", 1, "\x01", 13, "no valid length"},
		{"family missing", 1, "\x05", 13, "no valid family id"},
		{"family cut short", 1, "\x05\x80\x80", 13, "no valid family id"},
		{"family of six bytes", 1, "\x05\x80\x80\x80\x80\x80\x00\x00\x00", 13, "no valid family id"},
		{"key missing behind the family", 1, "\x04\x05", 14, "no valid length"},
		{"key too long", 1, "\x00\x03ab", 13, "length reaches beyond the end"},
		{"value missing", 1, "\x01\x01k", 15, "no valid length"},
		{"value too long", 1, "\x01\x01k\x02v", 15, "length reaches beyond the end"},
		{"value much too long", 1, "\x01\x01k\xff\xff\xff\xff\x0fv", 15, "length reaches beyond the end"},
		{"length of six bytes", 1, "\x01\x01k\x80\x80\x80\x80\x80\x00", 15, "no valid length"},
		{"blob too long", 0, "\x03\x01", 13, "length reaches beyond the end"},
		{"range without an end", 1, "\x0e\x02\x01a", 16, "no valid length"},
	} {
		rep := batchrepr.AppendHeader(nil)
		batchrepr.SetCount(rep, c.count)
		rep = append(rep, c.body...)
		_, err := batchrepr.Check(rep)
		want := &batchrepr.FormatError{Offset: c.offset, Reason: c.reason}
		if !reflect.DeepEqual(err, error(want)) {
			t.Errorf("%s: got %v, want %v", c.name, err, want)
		}
	}
	for n := range batchrepr.HeaderLen {
		_, err := batchrepr.Check(make([]byte, n))
		want := &batchrepr.FormatError{Offset: n, Reason: "shorter than the header"}
		if !reflect.DeepEqual(err, error(want)) {
			t.Errorf("%d bytes: got %v, want %v", n, err, want)
		}
	}
}

// The tags that RocksDB has for itself are told from those that nobody has.
func TestUnsupportedTagsAreNamed(t *testing.T) {
	names := map[byte]string{
		0x09: "begin prepare", 0x0A: "end prepare", 0x0B: "commit", 0x0C: "rollback", 0x0D: "noop",
		0x10: "blob index, with family", 0x11: "blob index", 0x12: "begin persisted prepare",
		0x13: "begin unprepare", 0x14: "deletion with timestamp", 0x15: "commit with timestamp",
		0x18: "value with preferred sequence number",
		0x19: "value with preferred sequence number, with family",
	}
	known := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 0xE, 0xF, 0x16, 0x17}
	for tag := range 256 {
		rep := append(batchrepr.AppendHeader(nil), byte(tag), 0, 0, 0)
		_, err := batchrepr.Check(rep)
		if slices.Contains(known, byte(tag)) {
			if strings.Contains(fmt.Sprint(err), "tag") {
				t.Errorf("tag %#x: %v", tag, err)
			}
			continue
		}
		want := fmt.Sprintf("malformed write batch at byte 12: unknown record tag 0x%02x", tag)
		if name := names[byte(tag)]; name != "" {
			want = fmt.Sprintf("malformed write batch at byte 12: "+
				"records of tag 0x%02x (%s) are not supported", tag, name)
		}
		if err == nil || err.Error() != "batchrepr: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A batch read back from a log has a sequence number, which RocksDB replaces.
func TestAnySequenceNumberWillDo(t *testing.T) {
	rep := sample()
	binary.LittleEndian.PutUint64(rep, 0xff01020304050607)
	s, err := batchrepr.Check(rep)
	if err != nil || s.Canonical || s.Count != 7 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// A batch may name a new family in every record: the time must stay in proportion.
func TestManyFamilies(t *testing.T) {
	r := random(t)
	rep := batchrepr.AppendHeader(nil)
	var want []uint32
	const n = 50_000
	for range n {
		id := randomFamily(r)
		want = append(want, id)
		rep = batchrepr.AppendDelete(rep, id, nil)
	}
	batchrepr.SetCount(rep, n)
	slices.Sort(want)
	want = slices.Compact(want)
	s, err := batchrepr.Check(rep)
	if err != nil || !slices.Equal(s.Families, want) {
		t.Errorf("%v; %d families, want %d", err, len(s.Families), len(want))
	}
}

func TestCheckAllocatesForFamiliesOnly(t *testing.T) {
	key := make([]byte, 200)
	for _, c := range []struct {
		family uint32
		log    bool
		want   float64
	}{{0, false, 1}, {63, false, 1}, {0, true, 0}} {
		rep := batchrepr.AppendHeader(nil)
		for range 100 {
			if c.log {
				rep = batchrepr.AppendLogData(rep, key)
				continue
			}
			rep = batchrepr.AppendPut(rep, c.family, key, key)
			batchrepr.SetCount(rep, batchrepr.Count(rep)+1)
		}
		got := testing.AllocsPerRun(20, func() {
			if _, err := batchrepr.Check(rep); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.want {
			t.Errorf("%+v: %v allocations", c, got)
		}
	}
}
