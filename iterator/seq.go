package iterator

import "iter"

// All ranges over the rows of the range in ascending order; it starts at First each time. Rows may
// be kept for ever. Ask Error after the loop: an error ends it as the end of the data does. After a
// break the iterator stands on the row yielded last.
func (it *Iterator) All() iter.Seq2[[]byte, []byte] {
	return it.walk((*Iterator).First, (*Iterator).Next)
}

// Backward ranges in descending order, from Last, and otherwise as All.
func (it *Iterator) Backward() iter.Seq2[[]byte, []byte] {
	return it.walk((*Iterator).Last, (*Iterator).Prev)
}

// From ranges in ascending order from SeekGE(key), and otherwise as All. key is used when the loop
// begins.
func (it *Iterator) From(key []byte) iter.Seq2[[]byte, []byte] {
	return it.walk(func(it *Iterator) bool { return it.SeekGE(key) }, (*Iterator).Next)
}

// walk yields rows out of buffers that are never filled again. The start counts as a new fill even
// when the window covers it, since its buffer may be filled again.
func (it *Iterator) walk(start, next func(*Iterator) bool) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		if it == nil {
			return
		}
		it.keep = true
		defer func() { it.keep = false }()
		for ok := start(it); ok; ok = next(it) {
			if it.win.pooled {
				it.ownRows(0, it.win.n-1)
			}
			it.win.lent = true
			if !yield(it.win.row(it.i)) {
				return
			}
		}
	}
}
