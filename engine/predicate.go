package engine

import (
	"bytes"
	"math"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Predicate is a condition on a row, for IterOptions.Filter: C looks at each row, and what it does not
// keep never comes to Go. It is data, not code: the tests are those of Part, put together by And, Or and
// Not. It is immutable and safe for concurrent use. Nil keeps every row.
//
// What cannot be a predicate shows where it is used, as ErrInvalidArgument, or as ErrTooLarge beyond
// 4,096 tests or 16 MiB.
type Predicate struct {
	op       uint8 // cbridge.Test..., or one of those below
	part     Part
	accept   uint8
	a, b     uint64
	data     []byte
	children []*Predicate
	size     predicateSize
	bad      string // what is wrong with it; empty: nothing

	once    sync.Once
	program []byte
}

// How predicates are put together.
const (
	predicateAnd uint8 = iota + 100
	predicateOr
	predicateNot
)

// predicateSize is what limits are for.
type predicateSize struct {
	tests, bytes int64 // bytes of the program
	depth        int
}

const deepestPredicate = 1000

// Part is the part of a row that a test looks at.
type Part uint8

// The parts of a row. Tests see a value whole, also with KeysOnly and ValuesUpTo.
const (
	RowKey   Part = 0
	RowValue Part = 1
)

// Comparison says how bytes must compare, in byte order, where the shorter of two that begin alike
// comes first: the order of keys.
type Comparison uint8

// The comparisons.
const (
	Less           = Comparison(cbridge.AcceptLess)
	Equal          = Comparison(cbridge.AcceptEqual)
	Greater        = Comparison(cbridge.AcceptGreater)
	LessOrEqual    = Less | Equal
	GreaterOrEqual = Greater | Equal
	NotEqual       = Less | Greater
)

// HasPrefix keeps rows whose part begins with prefix, which is copied, as are all bytes below. For keys
// IterOptions.Prefix is faster: it reads no other rows.
func (p Part) HasPrefix(prefix []byte) *Predicate { return p.bytesTest(cbridge.TestPrefix, prefix) }

// HasSuffix keeps rows whose part ends with suffix.
func (p Part) HasSuffix(suffix []byte) *Predicate { return p.bytesTest(cbridge.TestSuffix, suffix) }

// Contains keeps rows whose part has sub in it.
func (p Part) Contains(sub []byte) *Predicate { return p.bytesTest(cbridge.TestContains, sub) }

// Between keeps rows with lower <= part < upper. Nil is open; an empty upper that is not nil keeps
// nothing. For keys bounds are faster.
func (p Part) Between(lower, upper []byte) *Predicate {
	both := make([]*Predicate, 0, 2)
	if lower != nil {
		both = append(both, p.Is(GreaterOrEqual, lower))
	}
	if upper != nil {
		both = append(both, p.Is(Less, upper))
	}
	return And(both...)
}

// Length keeps rows whose part has at least least and at most most bytes. A negative most is no limit.
func (p Part) Length(least, most int) *Predicate {
	t := p.test(cbridge.TestLength)
	t.a, t.b = uint64(max(least, 0)), uint64(most)
	if most < 0 {
		t.b = math.MaxInt64
	}
	if t.a > t.b {
		return Or() // no length is between
	}
	return t
}

// Is keeps rows whose part compares with x as c says.
func (p Part) Is(c Comparison, x []byte) *Predicate {
	return p.bytesTest(cbridge.TestCompare, x).comparing(c)
}

// At keeps rows where as many bytes of the part as x has, from offset on, compare with x as c says:
// numbers of fixed width in big endian order compare by their size. A row whose part is too short is
// not kept.
func (p Part) At(offset int, c Comparison, x []byte) *Predicate {
	t := p.bytesTest(cbridge.TestCompareAt, x).comparing(c)
	t.a = uint64(offset)
	if offset < 0 || t.a > MaxValueSize {
		t.bad = "the offset of a comparison is out of range"
	}
	return t
}

// And keeps rows that all predicates keep; with none of them, every row. Those after one that does not
// keep a row are not looked at. A nil one keeps every row.
func And(ps ...*Predicate) *Predicate { return combine(predicateAnd, ps) }

// Or keeps rows that one of the predicates keeps; with none of them, no row. Those after one that keeps
// a row are not looked at.
func Or(ps ...*Predicate) *Predicate { return combine(predicateOr, ps) }

// Not keeps the rows that p does not keep.
func Not(p *Predicate) *Predicate { return combine(predicateNot, []*Predicate{p}) }

func (p Part) test(op uint8) *Predicate {
	t := &Predicate{op: op, part: p, size: predicateSize{tests: 1, bytes: cbridge.TestHeader, depth: 1}}
	if p > RowValue {
		t.bad = "a predicate names a part that rows do not have"
	}
	return t
}

func (p Part) bytesTest(op uint8, data []byte) *Predicate {
	t := p.test(op)
	t.data = data
	if len(data) <= cbridge.MaxPredicate { // else it is refused
		t.data = bytes.Clone(data)
	}
	t.size.bytes += int64(len(data))
	return t
}

func (p *Predicate) comparing(c Comparison) *Predicate {
	p.accept = uint8(c)
	if c == 0 || c > Less|Equal|Greater {
		p.bad = "a predicate has an unknown comparison"
	}
	return p
}

func combine(op uint8, ps []*Predicate) *Predicate {
	p := &Predicate{op: op, children: make([]*Predicate, len(ps))}
	if len(ps) == 0 {
		p.size = predicateSize{tests: 1, bytes: cbridge.TestHeader}
	}
	for i, c := range ps {
		if c == nil {
			c = And()
		}
		p.children[i] = c
		// Shared parts count as often as they are used: a sum that grows beyond all limits stays there.
		p.size.tests = min(p.size.tests+c.size.tests, math.MaxInt32)
		p.size.bytes = min(p.size.bytes+c.size.bytes, math.MaxInt32)
		p.size.depth = max(p.size.depth, c.size.depth)
		if p.bad == "" {
			p.bad = c.bad
		}
	}
	p.size.depth++
	return p
}

// check is what is wrong with the predicate, or nil.
func (p *Predicate) check() error {
	switch {
	case p == nil:
		return nil
	case p.size.tests > cbridge.MaxTests || p.size.bytes+programHeader > cbridge.MaxPredicate || p.size.depth > deepestPredicate:
		return dberr.New("", dberr.TooLarge, "the filter has too many tests, or too many bytes")
	case p.bad != "":
		return invalid("", p.bad)
	}
	return nil
}

// Match reports whether the predicate keeps a row: what C does, in Go.
func (p *Predicate) Match(key, value []byte) bool {
	if p == nil {
		return true
	}
	part := key
	if p.part == RowValue {
		part = value
	}
	switch p.op {
	case predicateAnd:
		for _, c := range p.children {
			if !c.Match(key, value) {
				return false
			}
		}
		return true
	case predicateOr:
		for _, c := range p.children {
			if c.Match(key, value) {
				return true
			}
		}
		return false
	case predicateNot:
		return !p.children[0].Match(key, value)
	case cbridge.TestPrefix:
		return bytes.HasPrefix(part, p.data)
	case cbridge.TestSuffix:
		return bytes.HasSuffix(part, p.data)
	case cbridge.TestContains:
		return bytes.Contains(part, p.data)
	case cbridge.TestLength:
		return uint64(len(part)) >= p.a && uint64(len(part)) <= p.b
	case cbridge.TestCompare:
		return p.accepts(part)
	case cbridge.TestCompareAt:
		return uint64(len(part)) >= p.a+uint64(len(p.data)) && p.accepts(part[p.a:][:len(p.data)])
	}
	return false
}

func (p *Predicate) accepts(x []byte) bool {
	outcome := Equal
	switch c := bytes.Compare(x, p.data); {
	case c < 0:
		outcome = Less
	case c > 0:
		outcome = Greater
	}
	return p.accept&uint8(outcome) != 0
}
