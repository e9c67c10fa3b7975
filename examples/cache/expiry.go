package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// stampLen is the length of an expiry: nanoseconds since 1970, big-endian, so
// that the order of the bytes is the order of the times.
const stampLen = 8

func appendStamp(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t.UnixNano()))
}

func expiryOf(stored []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(stored)))
}

// sizeOf counts a key and its value, without the expiry before the value.
func sizeOf(key, stored []byte) int64 { return int64(len(key) + len(stored) - stampLen) }

// expiryKey is an entry's key in the second family: its expiry, then its key.
// The value there is the entry's size.
func expiryKey(stored, key []byte) []byte {
	return append(bytes.Clone(stored[:stampLen]), key...)
}

// Sweep deletes what has expired and says how many entries that was. Without it
// they go only when their space is needed.
func (c *Cache) Sweep() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.db.NewBatch()
	afterNow := appendStamp(nil, c.now().Add(1))
	entries, freed, err := c.dropFirst(b, afterNow, nil, math.MaxInt64)
	if err != nil || entries == 0 {
		return 0, err
	}
	if err := c.db.Write(b, nil); err != nil {
		return 0, err
	}
	c.bytes -= freed
	return entries, nil
}

// dropFirst puts into b the deletions of the entries that expire first, before
// the stamp until unless that is nil, so many that they free need bytes. It
// passes over the key spared, which the same batch sets.
func (c *Cache) dropFirst(b *engine.Batch, until, spared []byte, need int64) (entries int, freed int64, err error) {
	if need <= 0 {
		return 0, 0, nil
	}
	it, err := c.byExpiry.NewIter(&engine.IterOptions{UpperBound: until})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	order := b.In(c.byExpiry)
	for freed < need && it.Next() {
		inOrder := it.Key()
		key := inOrder[stampLen:]
		if spared != nil && bytes.Equal(key, spared) {
			continue
		}
		if err := errors.Join(b.Delete(key), order.Delete(inOrder)); err != nil {
			return 0, 0, err
		}
		entries++
		freed += int64(binary.BigEndian.Uint64(it.Value()))
	}
	return entries, freed, nil
}
