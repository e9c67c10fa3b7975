package batchrepr

import "iter"

// Records returns the records of rep in order, for a rep that [Check] has passed or that
// was built here. It may be ranged over more than once, and allocates nothing. Keys and
// values alias rep, which must not change meanwhile.
//
// It never panics. Of other bytes it yields the records before the first malformed one,
// and ends there without a word; the count is not looked at.
func Records(rep []byte) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		c := newCursor(rep)
		for c.next() {
			if !yield(c.record()) {
				return
			}
		}
	}
}
