package iterator

import (
	"math/bits"
	"sync"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Buffers are the windows of one iterator, out of memory that iterators use one after the other: that is in a processor's caches
// still, where new memory of a large heap is not. They belong to who owns the C iterator, not to the Iterator: two goroutines that
// misuse one cannot make a window of it another's, as long as every call is made between the Owner's Enter and Leave.
type Buffers struct {
	taken [4]*buffer
	n     int
}

// buffer is a window of pooled memory.
type buffer struct{ b []byte }

// pooledFill is the largest window that is pooled: larger ones last for many rows.
const pooledFill = 64 << 10

var pools [bitsOfPooled + 1]sync.Pool // of buffers of firstFill, and twice as many bytes each

const bitsOfPooled = 6 // pooledFill is that many times twice firstFill

// poolOf is the number of the pool whose buffers are just large enough.
func poolOf(size int) int { return bits.Len(uint((size - 1) / firstFill)) }

// take gives memory of size bytes or more, until giveBack; pooled tells whether it ends then.
func (p *Buffers) take(size int) (b []byte, pooled bool) {
	if rbdebug.On || size > pooledFill || p.n == len(p.taken) {
		return make([]byte, size), false
	}
	kind := poolOf(size)
	w, _ := pools[kind].Get().(*buffer)
	if w == nil {
		w = &buffer{make([]byte, firstFill<<kind)}
	}
	p.taken[p.n] = w
	p.n++
	return w.b, true
}

// GiveBack ends the use of all windows. No call into C that fills one may follow.
func (p *Buffers) GiveBack() {
	for i, w := range p.taken[:p.n] {
		pools[poolOf(len(w.b))].Put(w)
		p.taken[i] = nil
	}
	p.n = 0
}
