package engine

import (
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// RangeChecksum is what rows amount to, in their order: two ranges with the same rows have the same one,
// in whatever databases, files and versions of RocksDB they lie, and so two are compared by ==. It is
// made for the comparison of copies, not against somebody who wants two ranges to look alike.
//
// CRC is the CRC-32C (Castagnoli) of, for each row in ascending order of keys: the length of the key and
// the length of the value, 4 bytes each, little endian, then the key, then the value. The zero value is
// that of no rows. One goroutine at a time may change it.
type RangeChecksum struct {
	CRC                        uint32
	Rows, KeyBytes, ValueBytes int64
}

// Add goes on with a row, as C does: for rows that come from elsewhere.
func (c *RangeChecksum) Add(key, value []byte) {
	var lengths [8]byte
	binary.LittleEndian.PutUint32(lengths[:], uint32(len(key)))
	binary.LittleEndian.PutUint32(lengths[4:], uint32(len(value)))
	c.CRC = crc32.Update(c.CRC, castagnoli, lengths[:])
	c.CRC = crc32.Update(c.CRC, castagnoli, key)
	c.CRC = crc32.Update(c.CRC, castagnoli, value)
	c.Rows++
	c.KeyBytes += int64(len(key))
	c.ValueBytes += int64(len(value))
}

// Checksum makes the checksum of the rows that o describes. Values count as they would be delivered: as
// empty with KeysOnly, cut by ValuesUpTo. C looks at the rows, in calls of bounded length; ctx, which may
// be nil, is looked at between them. On an error it is that of the rows before it.
func Checksum(ctx context.Context, r Reader, o *IterOptions) (RangeChecksum, error) {
	if o == nil || !o.Columns {
		if err := plainReader("checksum", r); err != nil {
			return RangeChecksum{}, err
		}
	}
	var sum cbridge.Checksum
	var rows int64
	err := push(ctx, r, o, iterator.Pushdown{
		Op: "checksum",
		Call: func(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
			p := src.Checksum(m, s, &sum)
			rows += p.Rows
			return p
		},
	})
	crc, keyBytes, valueBytes := sum.Numbers()
	return RangeChecksum{crc, rows, keyBytes, valueBytes}, err
}
