package batchrepr

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

// newCursor returns a cursor before the first record of rep, which must have a header.
func newCursor(rep []byte) cursor {
	return cursor{rep: rep, at: HeaderLen}
}

// next moves to the next record. It reports false behind the last one, where at is the
// length of the batch, and at one that is malformed, where reason is set.
func (c *cursor) next() bool {
	if c.at >= len(c.rep) {
		return false
	}
	c.start = c.at
	s := shapes[c.rep[c.at]]
	if s.kind == 0 {
		c.reason = refusal(c.rep[c.at])
		return false
	}
	c.kind = s.kind
	c.at++
	c.family = 0
	if s.family && !c.readFamily() {
		return false
	}
	c.keyAt, c.keyEnd = 0, 0
	if s.key {
		if c.keyAt, c.keyEnd = c.field(); c.keyEnd < 0 {
			return false
		}
	}
	c.valueAt, c.valueEnd = 0, 0
	if s.value {
		if c.valueAt, c.valueEnd = c.field(); c.valueEnd < 0 {
			return false
		}
	}
	return true
}

// readFamily reads the family id of a record that states it.
func (c *cursor) readFamily() bool {
	family, next, shortest := getVarint(c.rep, c.at)
	if next < 0 {
		c.reason = "no valid family id"
		return false
	}
	// RocksDB takes family 0 spelt out, but writes it with the short tag.
	c.odd = c.odd || !shortest || family == 0
	c.family, c.at = family, next
	return true
}

// field reads a length and skips that many bytes; it returns where they start and end. The
// end is -1 if they are not all there.
func (c *cursor) field() (start, end int) {
	if c.at < len(c.rep) && c.rep[c.at] < 0x80 {
		start = c.at + 1
		end = start + int(c.rep[c.at])
		if end <= len(c.rep) {
			c.at = end
			return start, end
		}
	}
	return c.longField()
}

// longField is field for lengths of more than one byte, and says what is wrong with the
// others.
func (c *cursor) longField() (start, end int) {
	n, next, shortest := getVarint(c.rep, c.at)
	if next < 0 {
		c.reason = "no valid length"
		return 0, -1
	}
	// As unsigned: on a 32-bit machine an int cannot hold every length.
	if uint64(n) > uint64(len(c.rep)-next) {
		c.reason = "length reaches beyond the end"
		return 0, -1
	}
	c.odd = c.odd || !shortest
	c.at = next + int(n)
	return next, c.at
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
