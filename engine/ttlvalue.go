package engine

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// ttlHeader is the length of the time, seconds since 1970 as uint64 little endian, before a value.
const ttlHeader = 8

// WithTTL makes a value for a family with TTLFilter: value, and before it the time when it expires,
// in whole seconds, rounded down. The zero time is never; a time before 1970 has expired.
func WithTTL(value []byte, expiresAt time.Time) []byte {
	at := uint64(0)
	if !expiresAt.IsZero() {
		at = uint64(max(expiresAt.Unix(), 1))
	}
	stored := binary.LittleEndian.AppendUint64(make([]byte, 0, ttlHeader+len(value)), at)
	return append(stored, value...)
}

// SplitTTL takes apart what WithTTL made. The value aliases stored; the time is zero for never.
// ErrCorruption if stored is shorter than the time alone: the filter keeps such a row.
func SplitTTL(stored []byte) (value []byte, expiresAt time.Time, err error) {
	if len(stored) < ttlHeader {
		return nil, time.Time{}, dberr.New("split TTL", dberr.Corruption, "the value is shorter than its time")
	}
	if at := binary.LittleEndian.Uint64(stored); at != 0 {
		expiresAt = time.Unix(int64(min(at, math.MaxInt64)), 0)
	}
	return stored[ttlHeader:len(stored):len(stored)], expiresAt, nil
}

// Expired tells whether a value that WithTTL made has expired at time now: whether TTLFilter would
// remove it then. What is shorter than the time alone never expires.
func Expired(stored []byte, now time.Time) bool {
	if len(stored) < ttlHeader {
		return false
	}
	at := binary.LittleEndian.Uint64(stored)
	return at != 0 && now.Unix() >= 0 && at <= uint64(now.Unix())
}
