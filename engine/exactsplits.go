package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// mostParts is how many parts ExactSplits makes at most.
const mostParts = 1 << 20

// ExactSplits gives the keys that split the rows which o describes into parts of about equal bytes of
// keys and values: part 0 ends before the first key, and each key begins a part. Part i begins with the
// first row that has at least i of parts equal shares of the bytes before it, so that parts differ by
// about the size of a row; rows that are larger than a share make for fewer parts. Values count as they
// would be delivered: none with KeysOnly, cut by ValuesUpTo.
//
// It reads all the rows, twice, in C; ctx, which may be nil, is looked at between calls. Where RocksDB's
// own estimate of sizes will do, nothing need be read. ErrInvalidArgument if parts is below 1 or above
// 1,048,576.
func ExactSplits(ctx context.Context, r Reader, o *IterOptions, parts int) ([][]byte, error) {
	switch {
	case r == nil:
		return nil, ErrClosed
	case parts < 1 || parts > mostParts:
		return nil, invalid("exact splits", "the number of parts is out of range")
	}
	o, stop := o.within(ctx)
	defer stop()
	it, err := r.NewIter(o)
	if err != nil {
		return nil, err
	}
	s := splitter{parts: uint64(parts), buf: make([]byte, splitBuffer)}
	_, keyBytes, valueBytes, err := it.Count(ctx)
	if s.total = uint64(keyBytes + valueBytes); err == nil && s.total > 0 && parts > 1 {
		s.next = 1
		err = it.Push(ctx, iterator.Pushdown{Op: "exact splits", Call: s.call, After: s.after})
	}
	if closed := it.Close(); err == nil {
		err = closed
	}
	if err != nil && err != errStop {
		return nil, err
	}
	return s.keys, nil
}

// splitBuffer is what a key goes to at first.
const splitBuffer = 1 << 10

// splitter looks for one split after the other.
type splitter struct {
	parts, total uint64
	next         uint64 // number of the part that is looked for
	passed       uint64 // bytes before the row where C stands
	buf          []byte
	keys         [][]byte
}

// begin is how many bytes lie before part i.
func (s *splitter) begin(i uint64) uint64 {
	return s.total/s.parts*i + (s.total%s.parts*i+s.parts-1)/s.parts
}

func (s *splitter) call(src *cbridge.Iter, m cbridge.Move, stretch cbridge.Stretch) cbridge.Passed {
	want := s.begin(s.next)
	p := src.ExactSplit(m, stretch, want-min(want, s.passed), s.buf)
	s.passed += p.Bytes
	if !p.Found {
		return p.Passed
	}
	if p.KeyLen > uint64(len(s.buf)) {
		s.buf = make([]byte, p.KeyLen)
		src.ExactSplit(cbridge.MoveOn, stretch, 0, s.buf)
	}
	s.keys = append(s.keys, append([]byte{}, s.buf[:p.KeyLen]...))
	for s.next < s.parts && s.begin(s.next) <= s.passed {
		s.next++
	}
	return p.Passed
}

// after ends the work behind the last split.
func (s *splitter) after() error {
	if s.next >= s.parts {
		return errStop
	}
	return nil
}
