package iterator

import (
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// chunkLife is what a chunk keeps in the debug build: the life of its rows, which its copies share.
type chunkLife struct{ rows *rowsLife }

// rowsLife ends when a chunk is filled again.
type rowsLife struct {
	filled rbdebug.Stack
	over   atomic.Pointer[rbdebug.Stack] // by which fill; nil: they live
}

const (
	oneFill     = "one goroutine at a time may fill a chunk, and none reads it meanwhile"
	expiredRows = "the chunk's rows have expired: they were shared with a copy that was filled again"
)

// filling begins a fill of c and gives back its end. The rows that c had expire: their memory is
// poisoned and not used again, so that slices which were kept show poison rather than other rows.
func (it *Iterator) filling(c *Chunk, op string) func() {
	leave := it.moving(op)
	if it == nil || c == nil {
		return leave
	}
	entered := false
	defer func() {
		if !entered { // the chunk is in use
			leave()
		}
	}()
	filled := c.inside(op + " into a chunk")
	entered = true
	here := rbdebug.Here(2)
	if old := c.life.Of().rows; old != nil {
		old.over.Store(&here)
	}
	rbdebug.Poison(c.r.buf[:cap(c.r.buf)])
	c.r.buf, c.r.n = make([]byte, cap(c.r.buf)), 0
	c.life.Of().rows = &rowsLife{filled: here}
	return func() {
		filled()
		leave()
	}
}

// inside begins a call that changes c and gives back its end.
func (c *Chunk) inside(op string) (leave func()) {
	return rbdebug.Enter(c, op, oneFill, rbdebug.Stack{})
}

// reading panics if a goroutine fills c, or if the rows of c have expired.
func (c *Chunk) reading(op string) {
	if c == nil {
		return
	}
	rbdebug.MustBeAlone(c, op, oneFill, rbdebug.Stack{})
	life := c.life.Of().rows
	if life == nil {
		return
	}
	if over := life.over.Load(); over != nil {
		rbdebug.Panic(op+": "+expiredRows, rbdebug.Part{Title: "they were fetched by", Of: life.filled},
			rbdebug.Part{Title: "they expired by", Of: *over})
	}
}
