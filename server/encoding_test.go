package server

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A row says what was put into it, the engine's filter never takes it for expired too early, and C keeps the rows that have
// not expired, to the millisecond.
func TestRowsSayWhenTheyExpire(t *testing.T) {
	now := time.Now().UnixMilli()
	times := []int64{never, maxExpiry, 1, 999, 1000, 1001, now - 1, now, now + 1, math.MaxInt64 / 2, 4_294_967_296_000, 4_294_967_295_999}
	for range 500 {
		times = append(times, now+rand.Int64N(5000)-2500, rand.Int64N(maxExpiry))
	}
	keep := living(now)
	for _, at := range times {
		row := append(appendHeader(nil, kindString, at), "data"...)
		v, ok := decodeValue(row)
		if !ok || v.expiry != at || v.kind != kindString || string(v.data) != "data" {
			t.Errorf("%d: %+v, %v", at, v, ok)
		}
		if engine.Expired(row, time.UnixMilli(at-1)) {
			t.Errorf("%d: the filter would take it a millisecond early", at)
		}
		if at < math.MaxInt64-2000 && !engine.Expired(row, time.UnixMilli(at+1000)) {
			t.Errorf("%d: the filter keeps it", at)
		}
		if got := keep.Match(nil, row); got != (at > now) {
			t.Errorf("%d at %d: C keeps it: %v", at, now, got)
		}
	}
	for _, bad := range []string{"", "12345678", "12345678\x00", "12345678\x01", "12345678\x01a", "\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"} {
		if v, ok := decodeValue([]byte(bad)); ok {
			t.Errorf("%q is taken for %+v", bad, v)
		}
	}
}
