package server

import (
	"encoding/binary"
	"math"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A row of the family of keys is one Redis key: docs/encoding.md has the layout and what it leaves room for.
//
//	key:   [number of the database, 1 byte] [the key]
//	value: [when it expires, 8 bytes] [kind, 1 byte] [milliseconds, 2 bytes, if it expires] [data]
//
// The first 8 bytes are what engine.TTLFilter looks at: whole seconds since 1970, little endian, rounded up, 0 for never. The
// milliseconds are by how much it expires before that.
const (
	secondsSize = 8
	kindAt      = secondsSize
	plainHeader = kindAt + 1
	timedHeader = plainHeader + 2
)

// kind is what a key holds. The other kinds of Redis have their numbers already.
type kind byte

const (
	kindString kind = 1 + iota
	kindHash
	kindList
	kindSet
	kindSortedSet
	kindStream
)

// kindNames are the answers of TYPE.
var kindNames = map[kind]string{
	kindString: "string", kindHash: "hash", kindList: "list", kindSet: "set", kindSortedSet: "zset", kindStream: "stream",
}

// never is the time at which what does not expire does.
const never = int64(math.MaxInt64)

// maxExpiry is the last millisecond that a key can be said to expire at, some 290 million years from now.
const maxExpiry = never - 1

// value is a decoded row. Data aliases what it was decoded from.
type value struct {
	kind   kind
	expiry int64 // in milliseconds since 1970; never
	data   []byte
}

// decodeValue takes a row apart; false for what this version has not written.
func decodeValue(b []byte) (value, bool) {
	if len(b) < plainHeader {
		return value{}, false
	}
	v := value{kind: kind(b[kindAt]), expiry: never, data: b[plainHeader:]}
	seconds := binary.LittleEndian.Uint64(b)
	if seconds != 0 {
		if len(b) < timedHeader {
			return value{}, false
		}
		at := seconds*1000 - uint64(binary.LittleEndian.Uint16(b[plainHeader:]))
		if seconds > math.MaxInt64/1000+1 || at > uint64(maxExpiry) {
			return value{}, false
		}
		v.expiry, v.data = int64(at), b[timedHeader:]
	}
	return v, kindNames[v.kind] != ""
}

// appendHeader begins the row of a value.
func appendHeader(b []byte, k kind, expiry int64) []byte {
	if expiry == never {
		return append(binary.LittleEndian.AppendUint64(b, 0), byte(k))
	}
	expiry = max(expiry, 1) // 0 would be never
	seconds := (uint64(expiry) + 999) / 1000
	b = append(binary.LittleEndian.AppendUint64(b, seconds), byte(k))
	return binary.LittleEndian.AppendUint16(b, uint16(seconds*1000-uint64(expiry)))
}

// appendKey begins with the number of the database.
func appendKey(b []byte, db int, key []byte) []byte {
	return append(append(b, byte(db)), key...)
}

// bounds are those of a database's keys, of all databases if db is below 0.
func bounds(db int) (start, end []byte) {
	if db < 0 {
		return []byte{0}, []byte{maxDatabases}
	}
	return []byte{byte(db)}, []byte{byte(db) + 1}
}

// maxDatabases is how many the layout has room for.
const maxDatabases = 255

// living keeps the rows that have not expired at a time, in milliseconds: what value.expiry > now says, said to C.
func living(now int64) *engine.Predicate {
	var seconds [secondsSize]byte
	whole := (max(now, 0) + 999) / 1000
	binary.LittleEndian.PutUint64(seconds[:], uint64(whole))
	var before [2]byte
	binary.LittleEndian.PutUint16(before[:], uint16(whole*1000-now))
	return engine.Or(
		engine.RowValue.At(0, engine.Equal, make([]byte, secondsSize)), // never
		above(0, seconds[:]),
		engine.And(
			engine.RowValue.At(0, engine.Equal, seconds[:]),
			engine.Not(above(plainHeader, before[:])),
			engine.Not(engine.RowValue.At(plainHeader, engine.Equal, before[:])),
		),
	)
}

// above keeps rows with a number, little endian, at an offset of the value that is larger than n.
func above(offset int, n []byte) *engine.Predicate {
	p := engine.RowValue.At(offset, engine.Greater, n[:1])
	for i := 1; i < len(n); i++ {
		at := offset + i
		p = engine.Or(
			engine.RowValue.At(at, engine.Greater, n[i:i+1]),
			engine.And(engine.RowValue.At(at, engine.Equal, n[i:i+1]), p),
		)
	}
	return p
}
