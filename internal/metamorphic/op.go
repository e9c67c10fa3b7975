package metamorphic

import (
	"encoding/binary"
	"math/rand/v2"
)

// Value describes a value by its length and what it is made from, so that long ones are short in a list.
type Value struct {
	Len    int    // bytes, unless Number
	Seed   uint64 // of the bytes, or the number itself
	Number bool   // 8 bytes, as operators that add want them
}

// Bytes makes the value.
func (v Value) Bytes() []byte {
	if v.Number {
		return binary.LittleEndian.AppendUint64(nil, v.Seed)
	}
	r := rand.New(rand.NewPCG(v.Seed, 2))
	out := make([]byte, v.Len)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// Record is one change within an operation.
type Record struct {
	Do       string // "put", "delete", "single", "range" or "merge"
	Family   int
	Key, End []byte // End: of a range
	Value    Value
}

// Range is which rows are read, and how much of them. Nil bounds are open.
type Range struct {
	Lower, Upper, Prefix []byte
	Back, KeysOnly       bool
	Cut, Limit           int // bytes of a value, rows; 0: all
	Filter               int // number of a filter; 0: none
}

// Op is one operation. What it does not need is zero.
type Op struct {
	Do      string
	How     string // a variant
	Family  int
	Slot    int    // of an iterator, a snapshot or a batch
	On      string // what is read: "" the newest state, "s1" snapshot 1, "b0" batch 0
	N       int    // how often, or how many
	Record         // of a single change; its Do and Family are not used. Key: what is read or sought
	Range          // of reads
	Keys    [][]byte
	Records []Record
}
