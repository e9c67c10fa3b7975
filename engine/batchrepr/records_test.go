package batchrepr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

func TestRecordsAreAliasesThatCannotGrow(t *testing.T) {
	rep := sample()
	n := 0
	for r := range batchrepr.Records(rep) {
		for _, field := range [][]byte{r.Key, r.Value} {
			if cap(field) != len(field) {
				t.Errorf("%v: a field of %d bytes has room for %d", r.Kind, len(field), cap(field))
			}
			if len(field) > 0 {
				field[0] ^= 0xff
				n++
			}
		}
	}
	changed := 0
	for i, b := range sample() {
		if rep[i] != b {
			changed++
		}
	}
	if n == 0 || changed != n {
		t.Errorf("%d fields were written to, %d bytes of the batch changed", n, changed)
	}
}

func TestRecordsStopsAtWhatIsMalformed(t *testing.T) {
	for _, tail := range []string{
		"\x01", "\x7f", "\x0d", "\x05\xff", "\x01\x05abc", "\x01\x01k\xff\xff\xff\xff\xff\x00",
	} {
		rep := append(sample(), tail...)
		want := slices.Collect(batchrepr.Records(sample()))
		if got := slices.Collect(batchrepr.Records(rep)); !sameRecords(got, want) {
			t.Errorf("behind %x: got %+v", tail, got)
		}
	}
	for n := range batchrepr.HeaderLen + 1 {
		if got := slices.Collect(batchrepr.Records(make([]byte, n))); len(got) != 0 {
			t.Errorf("%d bytes hold %+v", n, got)
		}
	}
}

func TestRecordsMayBeLeftAndRangedAgain(t *testing.T) {
	all := slices.Collect(batchrepr.Records(sample()))
	seq := batchrepr.Records(sample())
	for n := range all {
		var got []batchrepr.Record
		for r := range seq {
			got = append(got, r)
			if len(got) == n+1 {
				break
			}
		}
		if !sameRecords(got, all[:n+1]) {
			t.Errorf("the first %d: %+v", n+1, got)
		}
	}
}

func TestRecordsAllocatesNothing(t *testing.T) {
	rep := sample()
	sum := 0
	allocs := testing.AllocsPerRun(50, func() {
		for r := range batchrepr.Records(rep) {
			sum += len(r.Key)
		}
	})
	if allocs != 0 || sum == 0 {
		t.Errorf("%v allocations, %d bytes of keys", allocs, sum)
	}
}

func TestColumnsOfRecords(t *testing.T) {
	rep := batchrepr.AppendHeader(nil)
	rep = batchrepr.AppendPutEntity(rep, 3, []byte("k"), entityModel([]byte("plain"), []byte("named")))
	rep = batchrepr.AppendPut(rep, 3, []byte("k"), []byte("value"))
	rep = batchrepr.AppendDelete(rep, 3, []byte("k"))
	rep = batchrepr.AppendPutEntity(rep, 3, []byte("k"), []byte("malformed"))
	if r := (batchrepr.Record{Kind: batchrepr.KindPutEntity, Value: []byte("malformed")}); r.Columns() != nil {
		t.Error("columns of a malformed record")
	}
	want := []string{`["":"plain" "n":"named"]`, `["":"value"]`, "[]"}
	i := 0
	for r := range batchrepr.Records(rep) {
		var columns []string
		for _, c := range r.Columns() {
			columns = append(columns, fmt.Sprintf("%q:%q", c.Name, c.Value))
		}
		if got := "[" + strings.Join(columns, " ") + "]"; got != want[i] {
			t.Errorf("record %d has %s, want %s", i, got, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d records, want those before the malformed one", i)
	}
}
