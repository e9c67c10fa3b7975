package batchrepr_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

func TestVarintsAreTheShortest(t *testing.T) {
	check := func(v uint32) {
		want := binary.AppendUvarint(nil, uint64(v))
		buf := make([]byte, 8)
		end := batchrepr.PutVarint(buf, 1, v)
		if !bytes.Equal(buf[1:end], want) || batchrepr.VarintLen(v) != len(want) {
			t.Fatalf("%d is %x of %d bytes, want %x", v, buf[1:end], batchrepr.VarintLen(v), want)
		}
		got, next, shortest := batchrepr.GetVarint(buf, 1)
		if got != v || next != end || !shortest {
			t.Fatalf("%d read as %d up to %d, shortest %v", v, got, next, shortest)
		}
	}
	for shift := range 32 {
		for delta := range uint32(5) {
			check(1<<shift - 2 + delta)
		}
	}
	check(0)
	check(math.MaxUint32)
	r := random(t)
	for range 10_000 {
		check(r.Uint32() >> r.IntN(32))
	}
}

// RocksDB takes up to five bytes whatever they say, and drops what does not fit into 32 bits.
func TestVarintsInOtherForms(t *testing.T) {
	for _, c := range []struct {
		in       string
		v        uint32
		next     int
		shortest bool
	}{
		{"\x00", 0, 1, true},
		{"\x00\xff", 0, 1, true},
		{"\x80\x00", 0, 2, false},
		{"\x81\x00", 1, 2, false},
		{"\x80\x80\x80\x80\x00", 0, 5, false},
		{"\xff\xff\xff\x00", 1<<21 - 1, 4, false},
		{"\xff\xff\xff\xff\x0f", math.MaxUint32, 5, true},
		{"\xff\xff\xff\xff\x1f", math.MaxUint32, 5, false},
		{"\xff\xff\xff\xff\x7f", math.MaxUint32, 5, false},
		{"\x85\x80\x80\x80\x10", 5, 5, false},
		{"\x80\x80\x80\x80\x01", 1 << 28, 5, true},
		{"\x80\x80\x80\x80\x80\x00", 0, -1, false},
		{"\xff\xff\xff\xff\x8f\x00", 0, -1, false},
		{"\x80\x80\x80\x80\x80", 0, -1, false},
		{"\x80\x80\x80\x80", 0, -1, false},
		{"\x80", 0, -1, false},
		{"", 0, -1, false},
	} {
		v, next, shortest := batchrepr.GetVarint([]byte(c.in), 0)
		if v != c.v || next != c.next || shortest != c.shortest {
			t.Errorf("%x read as %d up to %d, shortest %v; want %d, %d, %v",
				c.in, v, next, shortest, c.v, c.next, c.shortest)
		}
	}
}
