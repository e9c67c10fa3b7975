package batchrepr_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

func TestAppendWritesWhatTheModelWrites(t *testing.T) {
	r := random(t)
	for range 3000 {
		recs := randomRecords(r)
		if got, want := build(recs), encodeModel(recs); !bytes.Equal(got, want) {
			t.Fatalf("%+v\nbuilt %x\nwant  %x", recs, got, want)
		}
	}
}

// Every kind, with its own function, at every boundary of family and lengths.
func TestAppendAtEachBoundary(t *testing.T) {
	for _, family := range boundaryIDs {
		for _, n := range boundaryLens {
			for _, m := range boundaryLens {
				a, b := bytes.Repeat([]byte{'a'}, n), bytes.Repeat([]byte{'b'}, m)
				rep := batchrepr.AppendHeader(nil)
				rep = batchrepr.AppendPut(rep, family, a, b)
				rep = batchrepr.AppendDelete(rep, family, a)
				rep = batchrepr.AppendLogData(rep, b)
				rep = batchrepr.AppendSingleDelete(rep, family, a)
				rep = batchrepr.AppendMerge(rep, family, a, b)
				rep = batchrepr.AppendDeleteRange(rep, family, a, b)
				rep = batchrepr.AppendPutEntity(rep, family, a, b)
				batchrepr.SetCount(rep, 6)
				want := encodeModel([]batchrepr.Record{
					{Kind: batchrepr.KindPut, Family: family, Key: a, Value: b},
					{Kind: batchrepr.KindDelete, Family: family, Key: a},
					{Kind: batchrepr.KindLogData, Value: b},
					{Kind: batchrepr.KindSingleDelete, Family: family, Key: a},
					{Kind: batchrepr.KindMerge, Family: family, Key: a, Value: b},
					{Kind: batchrepr.KindDeleteRange, Family: family, Key: a, Value: b},
					{Kind: batchrepr.KindPutEntity, Family: family, Key: a, Value: b},
				})
				if !bytes.Equal(rep, want) {
					t.Fatalf("family %d, lengths %d and %d:\ngot  %x\nwant %x", family, n, m, rep, want)
				}
			}
		}
	}
}

func TestNilIsAsEmpty(t *testing.T) {
	empty := []byte{}
	for _, kind := range kinds {
		got := batchrepr.AppendRecord(nil, batchrepr.Record{Kind: kind})
		want := batchrepr.AppendRecord(nil, batchrepr.Record{Kind: kind, Key: empty, Value: empty})
		if !bytes.Equal(got, want) || len(got) < 2 {
			t.Errorf("%v of nil is %x, of empty %x", kind, got, want)
		}
	}
}

// A batch is appended to like any slice: what is before and behind stays, with room or not.
func TestAppendTouchesOnlyItsOwnBytes(t *testing.T) {
	r := random(t)
	for range 2000 {
		before, rec := randomBytes(r), randomRecord(r)
		want := append(bytes.Clone(before), batchrepr.AppendRecord(nil, rec)...)
		room := max(len(before), r.IntN(2*len(want)+8))
		array := slices.Clip(bytes.Repeat([]byte{0xEE}, room))
		copy(array, before)
		got := batchrepr.AppendRecord(array[:len(before)], rec)
		if !bytes.Equal(got, want) {
			t.Fatalf("append of %v of family %d to %d bytes of %d gave\n%x\nwant %x",
				rec.Kind, rec.Family, len(before), len(array), got, want)
		}
		inPlace := len(array) > 0 && &got[0] == &array[0]
		if inPlace != (len(want) <= len(array)) {
			t.Fatalf("%d bytes needed, %d there: in place is %v", len(want), len(array), inPlace)
		}
		behind := array[len(before):]
		if inPlace {
			behind = array[len(want):]
		}
		if bytes.Count(behind, []byte{0xEE}) != len(behind) {
			t.Fatalf("bytes behind the record were written: %x", behind)
		}
	}
}

func TestAppendKeepsNothingOfItsArguments(t *testing.T) {
	key, value := []byte("key"), bytes.Repeat([]byte("value"), 100)
	for _, kind := range kinds {
		r := batchrepr.Record{Kind: kind, Family: 3, Key: key, Value: value}
		rep := batchrepr.AppendRecord(nil, r)
		want := bytes.Clone(rep)
		key[0] ^= 1
		value[0] ^= 1
		if !bytes.Equal(rep, want) {
			t.Errorf("%v changed with its arguments", kind)
		}
	}
}

// Records of a batch may be appended to the same batch.
func TestAppendOfPartsOfItself(t *testing.T) {
	r := random(t)
	for range 500 {
		rep := build(randomRecords(r))
		rep = slices.Grow(rep, r.IntN(3)*len(rep))
		want := bytes.Clone(rep)
		for rec := range batchrepr.Records(bytes.Clone(rep)) {
			want = batchrepr.AppendRecord(want, rec)
		}
		own := slices.Collect(batchrepr.Records(rep))
		for _, rec := range own {
			rep = batchrepr.AppendRecord(rep, rec)
		}
		if !bytes.Equal(rep, want) {
			t.Fatalf("got  %x\nwant %x", rep, want)
		}
	}
}

func TestAppendWithRoomAllocatesNothing(t *testing.T) {
	rep := make([]byte, 0, 4096)
	for _, family := range []uint32{0, 1, 1 << 31} {
		for _, n := range []int{0, 16, 127, 128, 300} {
			rec := batchrepr.Record{Family: family, Key: make([]byte, n), Value: make([]byte, n)}
			for _, rec.Kind = range kinds {
				allocs := testing.AllocsPerRun(20, func() { batchrepr.AppendRecord(rep, rec) })
				if allocs != 0 {
					t.Errorf("%v of %d bytes in family %d: %v allocations", rec.Kind, n, family, allocs)
				}
			}
		}
	}
}

// Doubling makes the cost of growth a constant for each byte.
func TestGrowthIsGeometric(t *testing.T) {
	key, value := make([]byte, 16), make([]byte, 100)
	var rep []byte
	moves := 0
	for len(rep) < 8<<20 {
		room := cap(rep)
		rep = batchrepr.AppendPut(rep, 0, key, value)
		if cap(rep) == room {
			continue
		}
		moves++
		if cap(rep) < 2*room {
			t.Errorf("room grew from %d to %d only", room, cap(rep))
		}
	}
	if moves > 17 { // 256 bytes doubled 16 times is more than 8 MiB
		t.Errorf("moved %d times", moves)
	}
	big := batchrepr.AppendPut(rep[:0:0], 0, key, make([]byte, 1<<20))
	if cap(big) > len(big)+1024 {
		t.Errorf("a first record of %d bytes took %d", len(big), cap(big))
	}
}

func TestCountIsOnlyWhatWasSet(t *testing.T) {
	rep := batchrepr.AppendHeader(nil)
	if len(rep) != batchrepr.HeaderLen || batchrepr.Count(rep) != 0 {
		t.Fatalf("empty batch is %x", rep)
	}
	rep = batchrepr.AppendPut(rep, 0, []byte("k"), []byte("v"))
	if n := batchrepr.Count(rep); n != 0 {
		t.Errorf("AppendPut counted %d", n)
	}
	for _, n := range []uint32{1, 1 << 8, 0xdeadbeef, 1<<32 - 1} {
		body := bytes.Clone(rep[batchrepr.HeaderLen:])
		batchrepr.SetCount(rep, n)
		if got := batchrepr.Count(rep); got != n {
			t.Errorf("set %d, got %d", n, got)
		}
		if !bytes.Equal(rep[:8], make([]byte, 8)) || !bytes.Equal(rep[batchrepr.HeaderLen:], body) {
			t.Errorf("SetCount changed more than the count: %x", rep)
		}
	}
	for n := range batchrepr.HeaderLen {
		short := bytes.Repeat([]byte{0xff}, n)
		if got := batchrepr.Count(short); got != 0 {
			t.Errorf("%d bytes count %d records", n, got)
		}
		mustPanic(t, "SetCount on a short slice", func() { batchrepr.SetCount(short, 1) })
		mustPanic(t, "SetCount beyond len", func() { batchrepr.SetCount(rep[:n], 1) })
	}
}

func TestAppendRecordRefusesUnknownKinds(t *testing.T) {
	for _, kind := range []batchrepr.Kind{0, batchrepr.KindPutEntity + 1, 255} {
		mustPanic(t, kind.String(), func() { batchrepr.AppendRecord(nil, batchrepr.Record{Kind: kind}) })
		if kind.Counted() {
			t.Errorf("%v is counted", kind)
		}
	}
}

func TestKindNames(t *testing.T) {
	var names []string
	for k := range batchrepr.KindPutEntity + 2 {
		names = append(names, k.String())
	}
	want := "Kind(0) Put Delete SingleDelete Merge DeleteRange LogData PutEntity Kind(8)"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}
