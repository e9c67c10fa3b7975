package batchrepr_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// loggedModel is a logged record of random parts, put together byte by byte.
func loggedModel(t *testing.T) (rep []byte, parts []batchrepr.Part) {
	r := random(t)
	rep = batchrepr.AppendHeader(nil)
	total := uint32(0)
	mark := func(tag byte, name string) {
		rep = append(binary.AppendUvarint(append(rep, tag), uint64(len(name))), name...)
	}
	for range r.IntN(6) {
		recs := randomRecords(r)
		records := encodeModel(recs)[batchrepr.HeaderLen:]
		p := batchrepr.Part{Kind: batchrepr.PartRows, Records: records, Count: modelCount(recs)}
		name := string(bytes.Repeat([]byte("n"), r.IntN(200)))
		switch r.IntN(5) {
		case 0:
			p.Kind, p.Name = batchrepr.PartPrepared, []byte(name)
			rep = append(append(rep, 0x09), records...)
			mark(0x0A, name)
		case 1:
			p = batchrepr.Part{Kind: batchrepr.PartCommit, Name: []byte(name)}
			mark(0x0B, name)
		case 2:
			p = batchrepr.Part{Kind: batchrepr.PartRollback, Name: []byte(name)}
			mark(0x0C, name)
		default:
			rep = append(append(rep, 0x0D), records...)
			if len(records) == 0 {
				continue
			}
		}
		total += p.Count
		parts = append(parts, p)
	}
	batchrepr.SetCount(rep, total)
	return rep, parts
}

func TestPartsAreThoseThatWereLogged(t *testing.T) {
	for range 500 {
		rep, want := loggedModel(t)
		got, err := batchrepr.Parts(rep)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d parts, want %d: %v", len(got), len(want), err)
		}
		for i, p := range got {
			w := want[i]
			if p.Kind != w.Kind || p.Count != w.Count || !bytes.Equal(p.Records, w.Records) || !bytes.Equal(p.Name, w.Name) {
				t.Fatalf("part %d: kind %d, %d rows, %q; want kind %d, %d rows, %q", i, p.Kind, p.Count, p.Name, w.Kind, w.Count, w.Name)
			}
		}
	}
}

// A record that is cut or changed anywhere has parts that lie within it, or is refused.
func TestPartsOfDamagedRecords(t *testing.T) {
	rep, _ := loggedModel(t)
	for i := range rep {
		for _, b := range [][]byte{rep[:i], append(bytes.Clone(rep[:i]), append([]byte{rep[i] ^ 1<<(i%8)}, rep[i+1:]...)...)} {
			parts, err := batchrepr.Parts(b)
			var f *batchrepr.FormatError
			if err != nil && (!errors.As(err, &f) || f.Offset > len(b) || parts != nil) {
				t.Fatalf("byte %d: %v", i, err)
			}
			size := 0
			for _, p := range parts {
				size += len(p.Records) + len(p.Name)
			}
			if size > len(b) {
				t.Fatalf("byte %d: parts of %d bytes in %d", i, size, len(b))
			}
		}
	}
}

func TestPartsRefuseMarksOutOfOrder(t *testing.T) {
	head := batchrepr.AppendHeader(nil)
	for name, marks := range map[string]string{
		"an end only": "\x0a\x01x", "no end": "\x09", "two begins": "\x09\x09\x0a\x01x", "commit within": "\x09\x0b\x01x\x0a\x01x",
		"name cut": "\x0b\x05x", "no name": "\x0c", "a tag of later versions": "\x16\x01k\x01v", "noop within": "\x09\x0d\x0a\x01x",
	} {
		if parts, err := batchrepr.Parts(append(bytes.Clone(head), marks...)); err == nil {
			t.Errorf("%s: %v", name, parts)
		}
	}
	if _, err := batchrepr.Parts(append(bytes.Clone(head), "\x00\x01k"...)); err == nil {
		t.Error("a wrong count passed")
	}
	if _, err := batchrepr.Parts(head[:5]); err == nil {
		t.Error("half a header passed")
	}
}
