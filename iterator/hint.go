package iterator

import "sync/atomic"

// Hint is what the iterators of a family learn from each other: how large rows are, and how many of them are read from where an
// iterator begins. So a new one fetches what it is likely to need, by one call into memory of the right size. The zero value knows
// nothing. Safe for concurrent use.
type Hint struct {
	row   atomic.Uint32 // bytes that a row takes in a buffer; 0: unknown
	reads atomic.Uint64 // rows that the last iterator and the one before it read, 32 bits each; 0: unknown
}

// size is how many bytes a row takes in a buffer; 0: unknown.
func (h *Hint) size() int {
	if h == nil {
		return 0
	}
	return int(h.row.Load())
}

// saw notes the size of rows. Small differences are not written down: others read this.
func (h *Hint) saw(row int) {
	if h == nil || row > maxFill {
		return
	}
	if old := int(h.row.Load()); row-old > old/8 || old-row > old/8 {
		h.row.Store(uint32(row))
	}
}

// guess is how many rows will be read, at least 1: no more than either of the last two iterators read, as what is fetched in vain
// costs more than a call.
func (h *Hint) guess() int {
	if h == nil {
		return 1
	}
	r := h.reads.Load()
	return max(1, int(min(uint32(r), uint32(r>>32))))
}

// ended notes how many rows an iterator read.
func (h *Hint) ended(rows int) {
	if h == nil || rows < 1 {
		return
	}
	n := uint64(min(rows, maxGuess))
	for {
		old := h.reads.Load()
		next := old<<32 | n
		if next == old || h.reads.CompareAndSwap(old, next) {
			return
		}
	}
}
