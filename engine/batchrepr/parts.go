package batchrepr

import "math"

// PartKind says what a part of a logged record is.
type PartKind uint8

// The kinds of parts. Two-phase commit logs the rows of a transaction when it is prepared, and only its name
// when it is committed.
const (
	PartRows     PartKind = iota + 1 // records that took effect
	PartPrepared                     // records of a transaction that was prepared
	PartCommit                       // a prepared transaction was committed
	PartRollback                     // a prepared transaction was rolled back
)

// The tags of two-phase commit.
const (
	tagBeginPrepare = 0x09
	tagEndPrepare   = 0x0A
	tagCommit       = 0x0B
	tagRollback     = 0x0C
	tagNoop         = 0x0D
)

// Part is a stretch of what a write-ahead log has as one record. Its fields alias that.
type Part struct {
	Kind    PartKind
	Records []byte // of PartRows and PartPrepared; a batch without its header
	Count   uint32 // how many of them touch keys
	Name    []byte // of the transaction, of all kinds but PartRows
}

// Parts splits what a write-ahead log has as one record: a batch that may hold the marks of two-phase
// commit, or several such batches that were written together. An error is always a [*FormatError], and there are
// no parts then.
func Parts(rep []byte) ([]Part, error) {
	if len(rep) < HeaderLen {
		return nil, &FormatError{len(rep), "shorter than the header"}
	}
	s := splitter{c: newCursor(rep), from: HeaderLen}
	for {
		for s.c.next() {
			if s.c.kind != KindLogData {
				s.rows++
			}
		}
		if s.c.reason == "" {
			break
		}
		if !s.mark() {
			return nil, &FormatError{s.c.at, s.c.reason}
		}
	}
	if s.prepared {
		return nil, &FormatError{len(rep), "a prepared transaction without an end"}
	}
	s.rowsEnd(len(rep))
	if s.total > math.MaxUint32 || uint32(s.total) != Count(rep) {
		return nil, wrongCount(Count(rep), s.total)
	}
	return s.parts, nil
}

// splitter goes through a logged record.
type splitter struct {
	c        cursor
	parts    []Part
	from     int    // where the stretch of records begins that is being read
	rows     uint32 // so many of them touch keys
	total    uint64
	prepared bool // the stretch is a prepared transaction's
}

// rowsEnd ends a stretch of records that took effect.
func (s *splitter) rowsEnd(at int) {
	if at > s.from {
		s.add(Part{Kind: PartRows, Records: s.c.rep[s.from:at:at]})
	}
}

// add adds a part that has the records counted so far.
func (s *splitter) add(p Part) {
	p.Count = s.rows
	s.total += uint64(s.rows)
	s.rows = 0
	s.parts = append(s.parts, p)
}

// mark takes in the mark that the cursor stands before, and reports false if there is none.
func (s *splitter) mark() bool {
	at, rep := s.c.start, s.c.rep
	tag := rep[at]
	if shapes[tag].kind != 0 {
		return false // a record, and malformed
	}
	var name []byte
	next := at + 1
	switch tag {
	case tagBeginPrepare, tagNoop:
	case tagEndPrepare, tagCommit, tagRollback:
		s.c.reason = ""
		start, end := next+1, shortField(rep, next)
		if end < 0 {
			if start, end = s.c.longField(next); end < 0 {
				return false
			}
		}
		name, next = rep[start:end:end], end
	default:
		return false
	}
	if s.prepared != (tag == tagEndPrepare) && (s.prepared || tag == tagEndPrepare) {
		return s.c.fail(at, "the marks of two-phase commit are out of order")
	}
	switch tag {
	case tagEndPrepare:
		s.add(Part{Kind: PartPrepared, Records: rep[s.from:at:at], Name: name})
	default:
		s.rowsEnd(at)
	}
	switch tag {
	case tagCommit:
		s.add(Part{Kind: PartCommit, Name: name})
	case tagRollback:
		s.add(Part{Kind: PartRollback, Name: name})
	}
	s.prepared = tag == tagBeginPrepare
	s.c.reason, s.c.at, s.from = "", next, next
	return true
}
