package iterator_test

import (
	"bytes"
	"context"
	"iter"

	"github.com/rockbridge-db/rockbridge/iterator"
)

type passingNext struct{ *faulty }

func (f *passingNext) Next() bool { return f.Iterator.Next() && (!f.rarely() || f.Iterator.Next()) }

type passingPrev struct{ *faulty }

func (f *passingPrev) Prev() bool { return f.Iterator.Prev() && (!f.rarely() || f.Iterator.Prev()) }

type seekingLT struct{ *faulty }

func (f seekingLT) SeekLT(key []byte) bool { return f.SeekLE(key) }

type seekingLE struct{ *faulty }

func (f seekingLE) SeekLE(key []byte) bool { return f.SeekLT(key) }

// steppingGE goes to the right row, but the limit is counted from the row before.
type steppingGE struct{ *faulty }

func (f steppingGE) SeekGE(key []byte) bool {
	if f.SeekLT(key) {
		return f.Next()
	}
	return f.Iterator.SeekGE(key)
}

type losingChunk struct{ *faulty }

func (f losingChunk) NextChunk(c *iterator.Chunk) bool {
	ok := f.Iterator.NextChunk(c)
	if f.rarely() && f.Next() {
		f.Iterator.NextChunk(new(iterator.Chunk))
	}
	return ok
}

type standingChunk struct{ *faulty }

func (f standingChunk) PrevChunk(c *iterator.Chunk) bool {
	ok := f.Iterator.PrevChunk(c)
	if f.rarely() {
		f.Next()
	}
	return ok
}

// sharingChunk fills one chunk behind all.
type sharingChunk struct {
	*faulty
	shared iterator.Chunk
}

func (f *sharingChunk) NextChunk(c *iterator.Chunk) bool {
	ok := f.Iterator.NextChunk(&f.shared)
	*c = f.shared
	return ok
}

type reusingAll struct {
	*faulty
	key, value []byte
}

func (f *reusingAll) All() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for k, v := range f.Iterator.All() {
			f.key, f.value = append(f.key[:0], k...), append(f.value[:0], v...)
			if v == nil && !yield(f.key, nil) || v != nil && !yield(f.key, f.value) {
				return
			}
		}
	}
}

type standingBackward struct{ *faulty }

func (f standingBackward) Backward() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for ok := f.Valid() || f.Prev(); ok; ok = f.Prev() {
			if !yield(f.Key(), f.Value()) {
				return
			}
		}
	}
}

type openBounds struct{ *faulty }

func (f openBounds) SetBounds(lower, _ []byte) { f.Iterator.SetBounds(lower, nil) }

type staleRefresh struct{ *faulty }

func (f staleRefresh) Refresh() error {
	f.Iterator.Count(nil) // it becomes fresh
	return nil
}

type movingLast struct{ *faulty }

func (f movingLast) Last() bool { return f.Refresh() == nil && f.Iterator.Last() }

type shortCount struct{ *faulty }

func (f shortCount) Count(ctx context.Context) (rows, keyBytes, valueBytes int64, err error) {
	rows, keyBytes, valueBytes, err = f.Iterator.Count(ctx)
	return max(0, rows-1), keyBytes, valueBytes, err
}

type standingCount struct{ *faulty }

func (f standingCount) Count(ctx context.Context) (rows, keyBytes, valueBytes int64, err error) {
	rows, keyBytes, valueBytes, err = f.Iterator.Count(ctx)
	f.First()
	return rows, keyBytes, valueBytes, err
}

type nilValue struct{ *faulty }

func (f nilValue) Value() []byte {
	v := f.Iterator.Value()
	if len(v) == 0 {
		return nil
	}
	return v
}

type orderedGap struct{ *faulty }

func (f orderedGap) CompareKey(k []byte) int { return bytes.Compare(f.Key(), k) }

type forgetfulClose struct {
	*faulty
	closed bool
}

func (f *forgetfulClose) Close() error {
	f.closed = true
	return f.Iterator.Close()
}

func (f *forgetfulClose) Key() []byte {
	if f.closed {
		return nil
	}
	return f.Iterator.Key()
}
