package batchrepr

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Summary is what [Check] learnt of a valid batch: what whoever writes it still has to
// look at, because it depends on the database.
type Summary struct {
	// Count is the number of records that touch keys, LogData left out.
	Count uint32

	// Families has the ids of the families that records touch, each once and ascending,
	// with 0 for the default one; nil if Count is 0. RocksDB fails a batch with an id that
	// it does not know after it has logged it.
	Families []uint32

	// HasMerge reports a Merge record. RocksDB fails one for a family without a merge
	// operator after it has logged it.
	HasMerge bool

	// HasDeleteRange reports a DeleteRange record. RocksDB fails one that starts behind
	// its end in the family's order, or is for a table format without range deletes, after
	// it has logged it.
	HasDeleteRange bool

	// HasPutEntity reports a PutEntity record. A family that is read by values only does not show all of it.
	HasPutEntity bool

	// MaxKey is the length of the longest key, in bytes, the end of a deleted range
	// included, and MaxValue that of the longest value, operand or blob.
	MaxKey, MaxValue int

	// Canonical reports that the bytes are those which the Append functions would make
	// of the same records, under a zero sequence number. Other valid forms, which RocksDB
	// reads all the same but never writes, are a varint that is longer than need be or has
	// bits beyond the 32nd, and family 0 spelt out. The sequence number of a batch that was
	// read back from a log is its other cause.
	Canonical bool
}

// FormatError says why bytes are not a valid batch. It holds none of their content.
type FormatError struct {
	// Offset is where it shows: the offset of the tag, family id or length that cannot be
	// read, of the record that is too large, of the count if that is wrong, or the length
	// of a batch that has no header.
	Offset int
	// Reason is text for people. It names the tag if that is not supported.
	Reason string
}

// Error returns the reason with its place.
func (e *FormatError) Error() string {
	return fmt.Sprintf("batchrepr: malformed write batch at byte %d: %s", e.Offset, e.Reason)
}

// Check reads all of rep and reports whether RocksDB can apply it: a whole header, only
// records of the kinds known here, every field inside, nothing left over, the right count.
// An error is always a [*FormatError], and the Summary is then zero.
//
// It takes what RocksDB's reader takes and refuses what that refuses, odd forms of varints
// included, but for tags not supported here and records beyond [MaxRecordLen]. Any
// sequence number will do: RocksDB replaces it. Of the columns of a PutEntity it takes only the form in which
// RocksDB writes them: RocksDB looks at them when they are read, and then calls the database corrupt.
//
// It looks at tags and lengths only, not at the bytes of keys and values but for those lengths within
// a PutEntity, and allocates only for Families.
func Check(rep []byte) (Summary, error) {
	if len(rep) < HeaderLen {
		return Summary{}, &FormatError{len(rep), "shorter than the header"}
	}
	var (
		s     Summary
		ids   familySet
		found uint64 // wider than the count, so that it cannot wrap to the right one
	)
	c := newCursor(rep)
	for c.next() {
		keyLen, valueLen := c.keyEnd-c.keyAt, c.valueEnd-c.valueAt
		if uint64(keyLen)+uint64(valueLen) > MaxRecordLen {
			return Summary{}, tooLarge(c.start, keyLen, valueLen)
		}
		if c.kind == KindLogData {
			s.MaxValue = max(s.MaxValue, valueLen)
			continue
		}
		found++
		ids.add(c.family)
		switch c.kind {
		case KindMerge:
			s.HasMerge = true
		case KindDeleteRange:
			s.HasDeleteRange = true
			keyLen, valueLen = max(keyLen, valueLen), 0
		case KindPutEntity:
			s.HasPutEntity = true
		}
		s.MaxKey = max(s.MaxKey, keyLen)
		s.MaxValue = max(s.MaxValue, valueLen)
	}
	if c.reason != "" {
		return Summary{}, &FormatError{c.at, c.reason}
	}
	if found > math.MaxUint32 || uint32(found) != Count(rep) {
		return Summary{}, wrongCount(Count(rep), found)
	}
	s.Count = uint32(found)
	s.Families = ids.sorted()
	s.Canonical = !c.odd && binary.LittleEndian.Uint64(rep) == 0
	return s, nil
}

func tooLarge(at, keyLen, valueLen int) *FormatError {
	return &FormatError{at, fmt.Sprintf(
		"record with a key of %d bytes and a value of %d, together more than %d",
		keyLen, valueLen, uint64(MaxRecordLen))}
}

func wrongCount(stated uint32, found uint64) *FormatError {
	return &FormatError{countAt, fmt.Sprintf("the count is %d, the records are %d", stated, found)}
}
