package engine_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The formats are in databases: they must never change. docs/operators.md shows the same bytes.
func TestTheFormatsOfValuesAreFixed(t *testing.T) {
	for want, got := range map[string][]byte{
		"\x01\x02\x00\x00\x00\x00\x00\x00":                    engine.EncodeInt64(513),
		"\xfe\xff\xff\xff\xff\xff\xff\xff":                    engine.EncodeInt64(-2),
		"\x02\x00\x00\x00hi\x00\x00\x00\x00\x01\x00\x00\x00!": engine.EncodeList([]byte("hi"), nil, []byte("!")),
		"\x01\x00\x00\x00a\x01\x00\x00\x00b":                  engine.EncodeSet([]byte("b"), []byte("a"), []byte("b")),
		"":                                                    engine.EncodeSet(),
		"\x00\xe1\xf5\x05\x00\x00\x00\x00v":                   engine.WithTTL([]byte("v"), time.Unix(100_000_000, 999_999_999)),
		"\x00\x00\x00\x00\x00\x00\x00\x00":                    engine.WithTTL(nil, time.Time{}),
		"\x01\x00\x00\x00\x00\x00\x00\x00x":                   engine.WithTTL([]byte("x"), time.Unix(-5, 0)),
	} {
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestIntegersListsAndSetsAreDecodedAsTheyWereEncoded(t *testing.T) {
	for _, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		if got, err := engine.DecodeInt64(engine.EncodeInt64(n)); err != nil || got != n {
			t.Errorf("%d: %d, %v", n, got, err)
		}
	}
	for _, bad := range []string{"", "1234567", "123456789"} {
		_, err := engine.DecodeInt64([]byte(bad))
		expectError(t, bad, err, engine.ErrCorruption)
	}
	r, _ := seededRand(t, "operators.seed", *operatorSeed)
	for range 1000 {
		entries := shortEntries(r)
		list, err := engine.DecodeList(engine.EncodeList(entries...))
		if err != nil || !equalEntries(list, entries) {
			t.Errorf("%q: %q, %v", entries, list, err)
		}
		coded := engine.EncodeSet(entries...)
		set, err := engine.DecodeSet(coded)
		if err != nil || !bytes.Equal(engine.EncodeList(set...), coded) || len(set) > len(entries) {
			t.Errorf("%q: %q, %v", entries, set, err)
		}
		if n := len(coded); n > 0 { // a list that is cut off is none, but where an entry ends
			if cut, err := engine.DecodeList(coded[:n-1]); err == nil && len(cut) != len(set)-1 {
				t.Errorf("%q without its end: %q", coded, cut)
			}
		}
	}
	for _, bad := range []string{"\x00", "\x01\x00\x00\x00", "\xff\xff\xff\xffabc"} {
		_, err := engine.DecodeList([]byte(bad))
		expectError(t, bad, err, engine.ErrCorruption)
		_, err = engine.DecodeSet([]byte(bad))
		expectError(t, bad, err, engine.ErrCorruption)
	}
	_, err := engine.DecodeSet(engine.EncodeList([]byte("b"), []byte("a")))
	expectError(t, "out of order", err, engine.ErrCorruption)
	_, err = engine.DecodeSet(engine.EncodeList([]byte("a"), []byte("a")))
	expectError(t, "twice", err, engine.ErrCorruption)
}

func equalEntries(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func TestATimeBeforeAValueIsTakenOffAgain(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		at      time.Time
		expired bool
	}{
		{time.Time{}, false},
		{now, true},
		{now.Add(-time.Hour), true},
		{time.Unix(0, 0), true},
		{now.Add(time.Second), false},
		{now.Add(500 * time.Millisecond), true}, // rounded down
		{now.AddDate(1000, 0, 0), false},
	} {
		stored := engine.WithTTL([]byte("value"), c.at)
		value, at, err := engine.SplitTTL(stored)
		if err != nil || string(value) != "value" || cap(value) != len(value) {
			t.Errorf("%v: %q, %v", c.at, value, err)
		}
		if c.at.IsZero() != at.IsZero() || c.at.Unix() > 0 && at.Unix() != c.at.Unix() {
			t.Errorf("%v came back as %v", c.at, at)
		}
		if engine.Expired(stored, now) != c.expired {
			t.Errorf("%v expired: %v", c.at, !c.expired)
		}
	}
	for n := range 8 {
		short := bytes.Repeat([]byte{1}, n)
		if _, _, err := engine.SplitTTL(short); err == nil || engine.Expired(short, now) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	huge := bytes.Repeat([]byte{0xff}, 8)
	if _, at, err := engine.SplitTTL(huge); err != nil || at.IsZero() || engine.Expired(huge, now) {
		t.Errorf("the last time of all: %v, %v", at, err)
	}
	if engine.Expired(engine.WithTTL(nil, time.Unix(1, 0)), time.Unix(-1, 0)) {
		t.Error("expired before 1970")
	}
}
