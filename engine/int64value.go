package engine

import (
	"encoding/binary"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// int64Len is the length of an integer in bytes.
const int64Len = 8

// EncodeInt64 makes an operand or value for Int64Add, Int64Max and Int64Min: 8 bytes, two's
// complement, little endian.
func EncodeInt64(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

// DecodeInt64 reads a value that Int64Add, Int64Max or Int64Min made. ErrCorruption if it has not 8
// bytes: somebody has put something else, onto which nothing is merged.
func DecodeInt64(value []byte) (int64, error) {
	if len(value) != int64Len {
		return 0, dberr.New("decode int64", dberr.Corruption, "an integer has 8 bytes")
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}
