package batchrepr

import "github.com/rockbridge-db/rockbridge/internal/entity"

// cursor reads the records of a batch in order. Check and Records both read through it,
// so that the one can never see another batch than the other.
type cursor struct {
	rep   []byte
	at    int // where to read on
	start int // the tag of the current record

	// The current record. Offsets into rep; both are 0 for a field that the kind has not.
	kind              Kind
	family            uint32
	keyAt, keyEnd     int
	valueAt, valueEnd int

	odd    bool   // some record so far is not in the form that the Append functions write
	reason string // why the record at start cannot be read; at is where that shows
}

// newCursor returns a cursor before the first record of rep. It finds none in a rep without
// a header.
func newCursor(rep []byte) cursor {
	return cursor{rep: rep, at: HeaderLen}
}

// next moves to the next record. It reports false behind the last one, where at is the
// length of the batch, and at one that is malformed, where reason is set.
func (c *cursor) next() bool {
	rep, at := c.rep, c.at // in registers, most of the time
	if at >= len(rep) {
		return false
	}
	c.start = at
	s := shapes[rep[at]]
	if s.kind == 0 {
		return c.fail(at, refusal(rep[at]))
	}
	c.kind, c.family = s.kind, 0
	c.keyAt, c.keyEnd, c.valueAt, c.valueEnd = 0, 0, 0, 0
	at++
	if s.family {
		if at = c.readFamily(at); at < 0 {
			return false
		}
	}
	if s.key {
		start, end := at+1, shortField(rep, at)
		if end < 0 {
			if start, end = c.longField(at); end < 0 {
				return false
			}
		}
		c.keyAt, c.keyEnd, at = start, end, end
	}
	if s.value {
		start, end := at+1, shortField(rep, at)
		if end < 0 {
			if start, end = c.longField(at); end < 0 {
				return false
			}
		}
		c.valueAt, c.valueEnd, at = start, end, end
	}
	if s.kind == KindPutEntity {
		if err := entity.Check(rep[c.valueAt:c.valueEnd]); err != nil {
			return c.fail(c.valueAt, err.Error())
		}
	}
	c.at = at
	return true
}

// fail notes why nothing can be read at the offset, and reports false.
func (c *cursor) fail(at int, reason string) bool {
	c.at, c.reason = at, reason
	return false
}

// readFamily reads the family id of a record that states it and returns the offset behind
// it, -1 if there is none.
func (c *cursor) readFamily(at int) int {
	family, next, shortest := getVarint(c.rep, at)
	if next < 0 {
		c.fail(at, "no valid family id")
		return -1
	}
	// RocksDB takes family 0 spelt out, but writes it with the short tag.
	c.odd = c.odd || !shortest || family == 0
	c.family = family
	return next
}

// shortField returns where the field ends whose length is at the offset, if that length is
// of one byte and the field is all there; else -1.
func shortField(rep []byte, at int) int {
	if at >= len(rep) || rep[at] >= 0x80 {
		return -1
	}
	if end := at + 1 + int(rep[at]); end <= len(rep) {
		return end
	}
	return -1
}

// longField returns where the field whose length is at the offset starts and ends. The end
// is -1 if it is not all there.
func (c *cursor) longField(at int) (start, end int) {
	n, next, shortest := getVarint(c.rep, at)
	if next < 0 {
		c.fail(at, "no valid length")
		return 0, -1
	}
	// As unsigned: on a 32-bit machine an int cannot hold every length.
	if uint64(n) > uint64(len(c.rep)-next) {
		c.fail(at, "length reaches beyond the end")
		return 0, -1
	}
	c.odd = c.odd || !shortest
	return next, next + int(n)
}

// record returns the current record. A field that the kind has is never nil.
func (c *cursor) record() Record {
	r := Record{Kind: c.kind, Family: c.family}
	if c.keyAt != 0 {
		r.Key = c.rep[c.keyAt:c.keyEnd:c.keyEnd]
	}
	if c.valueAt != 0 {
		r.Value = c.rep[c.valueAt:c.valueEnd:c.valueEnd]
	}
	return r
}
