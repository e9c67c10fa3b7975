package batchrepr_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// limit is where the benchmarks start their batch anew, in the same memory.
const limit = 1 << 20

// appendBench times one append, with room.
func appendBench(b *testing.B, size int, add func(rep []byte) []byte) {
	rep := make([]byte, batchrepr.HeaderLen, limit+size+64)
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if len(rep) > limit {
			rep = rep[:batchrepr.HeaderLen]
		}
		rep = add(rep)
	}
}

var (
	key16    = make([]byte, 16)
	value100 = make([]byte, 100)
	value1K  = make([]byte, 1024)
)

// BenchmarkCopy is the floor: the bytes of the Put of a 16-byte key and a 100-byte value, copied
// to the same places by two copies, with nothing decided or encoded.
func BenchmarkCopy(b *testing.B) {
	appendBench(b, 116, func(rep []byte) []byte {
		at := len(rep)
		rep = rep[:at+119]
		copy(rep[at+2:], key16)
		copy(rep[at+19:], value100)
		return rep
	})
}

func BenchmarkAppendPut(b *testing.B) {
	for _, c := range []struct {
		name   string
		family uint32
		value  []byte
	}{
		{"16+100", 0, value100},
		{"16+100/family=7", 7, value100},
		{"16+100/family=70000", 70000, value100},
		{"16+0", 0, nil},
		{"16+1024", 0, value1K},
	} {
		b.Run(c.name, func(b *testing.B) {
			appendBench(b, 16+len(c.value), func(rep []byte) []byte {
				return batchrepr.AppendPut(rep, c.family, key16, c.value)
			})
		})
	}
}

// BenchmarkAppendPutGrowing builds each batch of 1 MiB from nothing: an op is still one Put.
func BenchmarkAppendPutGrowing(b *testing.B) {
	var rep []byte
	b.ReportAllocs()
	b.SetBytes(116)
	for b.Loop() {
		if len(rep) > limit {
			rep = nil
		}
		rep = batchrepr.AppendPut(rep, 0, key16, value100)
	}
}

func BenchmarkAppendDelete(b *testing.B) {
	appendBench(b, 16, func(rep []byte) []byte { return batchrepr.AppendDelete(rep, 0, key16) })
}

func BenchmarkAppendSingleDelete(b *testing.B) {
	appendBench(b, 16, func(rep []byte) []byte { return batchrepr.AppendSingleDelete(rep, 0, key16) })
}

func BenchmarkAppendMerge(b *testing.B) {
	appendBench(b, 24, func(rep []byte) []byte {
		return batchrepr.AppendMerge(rep, 0, key16, value100[:8])
	})
}

func BenchmarkAppendDeleteRange(b *testing.B) {
	appendBench(b, 32, func(rep []byte) []byte {
		return batchrepr.AppendDeleteRange(rep, 0, key16, key16)
	})
}

func BenchmarkAppendLogData(b *testing.B) {
	appendBench(b, 100, func(rep []byte) []byte { return batchrepr.AppendLogData(rep, value100) })
}

// puts is a batch of about 1 MiB of Puts.
func puts(family uint32) (rep []byte, n uint32) {
	rep = batchrepr.AppendHeader(nil)
	for ; len(rep) < limit; n++ {
		rep = batchrepr.AppendPut(rep, family, key16, value100)
	}
	batchrepr.SetCount(rep, n)
	return rep, n
}

// readBench times the reading of a whole batch and reports it for each record.
func readBench(b *testing.B, read func(b *testing.B, rep []byte, n uint32)) {
	for _, c := range []struct {
		name   string
		family uint32
	}{{"family=0", 0}, {"family=7", 7}, {"family=70000", 70000}} {
		b.Run(c.name, func(b *testing.B) {
			rep, n := puts(c.family)
			b.ReportAllocs()
			b.SetBytes(int64(len(rep)))
			for b.Loop() {
				read(b, rep, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	readBench(b, func(b *testing.B, rep []byte, n uint32) {
		if s, err := batchrepr.Check(rep); err != nil || s.Count != n {
			b.Fatal(s, err)
		}
	})
}

func BenchmarkRecords(b *testing.B) {
	readBench(b, func(b *testing.B, rep []byte, n uint32) {
		bytes := 0
		for r := range batchrepr.Records(rep) {
			bytes += len(r.Key) + len(r.Value)
		}
		if bytes != int(n)*116 {
			b.Fatal(bytes)
		}
	})
}
