package batchrepr_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// The model of a batch is a list of records. Everything here is written for plainness and
// shares nothing with the package.

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a new one each time")

// random returns a source of random numbers and notes its seed for a replay.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -run '^%s$' -seed %d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// boundaryIDs are the family ids next to which a varint gets longer.
var boundaryIDs = []uint32{
	0, 1, 63, 64, 127, 128, 16383, 16384, 1<<21 - 1, 1 << 21, 1<<28 - 1, 1 << 28, 1<<32 - 1,
}

// boundaryLens are lengths next to which something changes: a varint's, the quick way's.
var boundaryLens = []int{0, 1, 2, 16, 100, 127, 128, 129, 300}

func randomBytes(r *rand.Rand) []byte {
	n := boundaryLens[r.IntN(len(boundaryLens))]
	if r.IntN(200) == 0 {
		n = 16380 + r.IntN(8)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomFamily(r *rand.Rand) uint32 {
	switch r.IntN(3) {
	case 0:
		return 0
	case 1:
		return boundaryIDs[r.IntN(len(boundaryIDs))]
	}
	return r.Uint32() >> r.IntN(32)
}

var kinds = []batchrepr.Kind{
	batchrepr.KindPut, batchrepr.KindDelete, batchrepr.KindSingleDelete,
	batchrepr.KindMerge, batchrepr.KindDeleteRange, batchrepr.KindLogData, batchrepr.KindPutEntity,
}

// randomRecord returns a record with exactly the fields of its kind.
func randomRecord(r *rand.Rand) batchrepr.Record {
	rec := batchrepr.Record{Kind: kinds[r.IntN(len(kinds))]}
	switch rec.Kind {
	case batchrepr.KindLogData:
		rec.Value = randomBytes(r)
		return rec
	case batchrepr.KindPut, batchrepr.KindMerge, batchrepr.KindDeleteRange:
		rec.Value = randomBytes(r)
	case batchrepr.KindPutEntity:
		rec.Value = entityModel(randomBytes(r), randomBytes(r))
	}
	rec.Family, rec.Key = randomFamily(r), randomBytes(r)
	return rec
}

func randomRecords(r *rand.Rand) []batchrepr.Record {
	recs := make([]batchrepr.Record, r.IntN(12))
	for i := range recs {
		recs[i] = randomRecord(r)
	}
	return recs
}

// modelTags has for each kind the tag for the default family and the one for the others.
var modelTags = map[batchrepr.Kind][2]byte{
	batchrepr.KindDelete:       {0x0, 0x4},
	batchrepr.KindPut:          {0x1, 0x5},
	batchrepr.KindMerge:        {0x2, 0x6},
	batchrepr.KindSingleDelete: {0x7, 0x8},
	batchrepr.KindDeleteRange:  {0xF, 0xE},
	batchrepr.KindPutEntity:    {0x16, 0x17},
}

// entityModel writes two columns, of the empty name and of the name "n", the plain way.
func entityModel(a, b []byte) []byte {
	rep := []byte{1, 2, 0}
	rep = binary.AppendUvarint(rep, uint64(len(a)))
	rep = append(rep, 1, 'n')
	rep = binary.AppendUvarint(rep, uint64(len(b)))
	return append(append(rep, a...), b...)
}

// isEntity reads columns by RocksDB's rules and by ours: no other spelling, nothing left over.
func isEntity(in []byte) bool {
	number := func() uint64 {
		n, size := binary.Uvarint(in)
		if size <= 0 || n >= 1<<32 || !bytes.Equal(binary.AppendUvarint(nil, n), in[:size]) {
			in = nil
			return 1 << 40
		}
		in = in[size:]
		return n
	}
	if len(in) == 0 || in[0] != 1 {
		return false
	}
	in = in[1:]
	total, last := uint64(0), []byte(nil)
	n := number()
	for i := range n {
		length := number()
		if length > uint64(len(in)) || i > 0 && bytes.Compare(last, in[:length]) >= 0 {
			return false
		}
		last, in = in[:length], in[length:]
		if len(in) == 0 {
			return false
		}
		total += number()
	}
	return n < 1<<32 && total == uint64(len(in))
}

// encodeModel writes the batch of recs the plain way.
func encodeModel(recs []batchrepr.Record) []byte {
	rep := binary.LittleEndian.AppendUint64(nil, 0)
	rep = binary.LittleEndian.AppendUint32(rep, modelCount(recs))
	str := func(s []byte) {
		rep = binary.AppendUvarint(rep, uint64(len(s)))
		rep = append(rep, s...)
	}
	for _, r := range recs {
		switch {
		case r.Kind == batchrepr.KindLogData:
			rep = append(rep, 0x3)
		case r.Family == 0:
			rep = append(rep, modelTags[r.Kind][0])
		default:
			rep = append(rep, modelTags[r.Kind][1])
			rep = binary.AppendUvarint(rep, uint64(r.Family))
		}
		if r.Key != nil {
			str(r.Key)
		}
		if r.Value != nil {
			str(r.Value)
		}
	}
	return rep
}

func modelCount(recs []batchrepr.Record) uint32 {
	n := uint32(0)
	for _, r := range recs {
		if r.Kind != batchrepr.KindLogData {
			n++
		}
	}
	return n
}

// decodeModel reads rep by RocksDB's rules, the plain way; ok is false if those refuse it.
func decodeModel(rep []byte) (recs []batchrepr.Record, ok bool) {
	if len(rep) < 12 {
		return nil, false
	}
	in, ok := rep[12:], true
	number := func() (v uint32) {
		for shift := 0; shift <= 28 && len(in) > 0; shift += 7 {
			b := in[0]
			in = in[1:]
			v |= uint32(b&0x7f) << shift
			if b&0x80 == 0 {
				return v
			}
		}
		ok = false
		return 0
	}
	str := func() []byte {
		n := number()
		if !ok || uint64(n) > uint64(len(in)) {
			ok = false
			return nil
		}
		s := in[:n]
		in = in[n:]
		return s
	}
	for len(in) > 0 && ok {
		tag := in[0]
		in = in[1:]
		r, known := batchrepr.Record{}, false
		if tag == 0x3 {
			r, known = batchrepr.Record{Kind: batchrepr.KindLogData, Value: str()}, true
		}
		for kind, tags := range modelTags {
			if i := slices.Index(tags[:], tag); i >= 0 {
				r, known = batchrepr.Record{Kind: kind}, true
				if i == 1 {
					r.Family = number()
				}
				r.Key = str()
				if kind != batchrepr.KindDelete && kind != batchrepr.KindSingleDelete {
					r.Value = str()
				}
			}
		}
		ok = ok && known && (r.Kind != batchrepr.KindPutEntity || isEntity(r.Value))
		if ok {
			recs = append(recs, r)
		}
	}
	return recs, ok && modelCount(recs) == binary.LittleEndian.Uint32(rep[8:])
}

// summarizeModel is what Check should say of the batch of recs in its shortest form.
func summarizeModel(recs []batchrepr.Record) batchrepr.Summary {
	s := batchrepr.Summary{Count: modelCount(recs), Canonical: true}
	for _, r := range recs {
		switch r.Kind {
		case batchrepr.KindDeleteRange:
			s.HasDeleteRange = true
			s.MaxKey = max(s.MaxKey, len(r.Value))
		case batchrepr.KindMerge:
			s.HasMerge = true
			s.MaxValue = max(s.MaxValue, len(r.Value))
		case batchrepr.KindPutEntity:
			s.HasPutEntity = true
			s.MaxValue = max(s.MaxValue, len(r.Value))
		default:
			s.MaxValue = max(s.MaxValue, len(r.Value))
		}
		s.MaxKey = max(s.MaxKey, len(r.Key))
		if r.Kind != batchrepr.KindLogData {
			s.Families = append(s.Families, r.Family)
		}
	}
	slices.Sort(s.Families)
	s.Families = slices.Compact(s.Families)
	return s
}

// build makes the batch of recs with the package.
func build(recs []batchrepr.Record) []byte {
	rep := batchrepr.AppendHeader(nil)
	for _, r := range recs {
		rep = batchrepr.AppendRecord(rep, r)
	}
	batchrepr.SetCount(rep, modelCount(recs))
	return rep
}

// sameRecords compares by content, and tells a nil field from an empty one.
func sameRecords(a, b []batchrepr.Record) bool {
	return slices.EqualFunc(a, b, func(x, y batchrepr.Record) bool {
		return x.Kind == y.Kind && x.Family == y.Family &&
			bytes.Equal(x.Key, y.Key) && (x.Key == nil) == (y.Key == nil) &&
			bytes.Equal(x.Value, y.Value) && (x.Value == nil) == (y.Value == nil)
	})
}
