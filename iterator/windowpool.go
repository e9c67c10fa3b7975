package iterator

import (
	"sync"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// windows has the memory of closed iterators for new ones, which otherwise grow anew each: for an iterator that
// is made for a seek and a few rows this was most of its time.
var windows sync.Pool // of *[]byte, at most maxFill each

// pooledWindow gives memory of at least so many bytes that nobody else has; nil: there is none.
func pooledWindow(size int) []byte {
	if rbdebug.On {
		return nil // what is freed stays poisoned
	}
	p, ok := windows.Get().(*[]byte)
	if !ok || cap(*p) < size {
		return nil
	}
	return (*p)[:cap(*p)]
}

// keepRow leaves a closed iterator the row on which it stood and nothing else.
func (it *Iterator) keepRow() {
	w := &it.win
	own := rows{keysOnly: w.keysOnly, cut: w.cut}
	if it.on {
		own.take(&w.rows, it.i, it.i)
	}
	switch buf := w.buf; {
	case rbdebug.On:
		w.expire()
	case !w.lent && cap(buf) > 0 && cap(buf) <= maxFill:
		windows.Put(&buf)
	}
	w.rows, it.i, w.lent = own, 0, false
}
