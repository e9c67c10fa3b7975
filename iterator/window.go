package iterator

import (
	"bytes"
	"encoding/binary"
	"sort"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// The layout of a filled buffer is that of cbridge/rows.h: rows of two uint32 lengths, key and value
// from the start, their offsets, uint32 each, from the end downwards. Behind the value stands a uint64,
// its timestamp, where rows have one.
const (
	rowHeader   = 8
	rowOffset   = 4
	rowOverhead = rowHeader + rowOffset
	rowStamp    = 8
)

// rows is a filled buffer: n rows in the order in which a walk met them. Pure byte code.
type rows struct {
	buf      []byte // as long as the capacity that was filled: the offsets end at its end
	n        int
	keysOnly bool
	cut      int // values are cut after so many bytes; 0: whole
	stamp    int // bytes of a timestamp behind each value; 0: there is none
}

// stampSize is how many bytes a timestamp takes, if rows have one.
func stampSize(stamped bool) int {
	if stamped {
		return rowStamp
	}
	return 0
}

// timestamp is that of row i; 0 if rows have none.
func (r *rows) timestamp(i int) uint64 {
	if r.stamp == 0 {
		return 0
	}
	k, n, v := r.at(i)
	return binary.NativeEndian.Uint64(r.buf[k+n+v:])
}

// at finds row i: where its key begins, and the lengths of key and value in the buffer.
func (r *rows) at(i int) (key, klen, vlen int) {
	key, klen, vlen = r.whole(i)
	if r.cut > 0 && vlen > r.cut {
		vlen = r.cut
	}
	return key, klen, vlen
}

// whole is at with the length of the value before a cut.
func (r *rows) whole(i int) (key, klen, vlen int) {
	if rbdebug.On {
		r.mustHave(i)
	}
	off := int(binary.NativeEndian.Uint32(r.buf[len(r.buf)-rowOffset*(i+1):]))
	head := r.buf[off : off+rowHeader]
	return off + rowHeader, int(binary.NativeEndian.Uint32(head)), int(binary.NativeEndian.Uint32(head[4:]))
}

// key aliases the key of row i.
func (r *rows) key(i int) []byte {
	k, n, _ := r.at(i)
	return r.buf[k : k+n : k+n]
}

// value aliases the value of row i; nil for keys only.
func (r *rows) value(i int) []byte {
	if r.keysOnly {
		return nil
	}
	k, n, v := r.at(i)
	return r.buf[k+n : k+n+v : k+n+v]
}

// valueLen is the length of the value of row i before a cut; 0 for keys only.
func (r *rows) valueLen(i int) int {
	_, _, v := r.whole(i)
	return v
}

// row aliases key and value of row i.
func (r *rows) row(i int) (key, value []byte) {
	k, n, v := r.at(i)
	key = r.buf[k : k+n : k+n]
	if !r.keysOnly {
		value = r.buf[k+n : k+n+v : k+n+v]
	}
	return key, value
}

// size is what the rows from i to j, either way round and both included, take in a buffer.
func (r *rows) size(i, j int) int {
	if i > j {
		i, j = j, i
	}
	total := 0
	for ; i <= j; i++ {
		_, k, v := r.at(i)
		total += k + v + r.stamp + rowOverhead
	}
	return total
}

// take replaces r by the rows i to j of src, in that order, which may be backwards.
func (r *rows) take(src *rows, i, j int) {
	size := src.size(i, j)
	if cap(r.buf) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	r.n, r.keysOnly, r.cut, r.stamp = 0, src.keysOnly, src.cut, src.stamp
	step := 1
	if j < i {
		step = -1
	}
	for used := 0; ; i += step {
		k, n, v := src.at(i)
		binary.NativeEndian.PutUint32(r.buf[size-rowOffset*(r.n+1):], uint32(used))
		used += copy(r.buf[used:], src.buf[k-rowHeader:k+n+v+src.stamp])
		r.n++
		if i == j {
			return
		}
	}
}

// window is the rows an iterator is served from, and what is known of their surroundings.
type window struct {
	rows
	back     bool  // filled backwards: row 0 has the highest key
	end      bool  // nothing follows the last row in the window's direction
	endErr   error // why, if it was not the end of the data
	outmost  bool  // row 0 is the outermost of the range against the window's direction
	lent     bool  // rows were handed out for keeping, or it is too large to keep: never fill this buffer again
	pooled   bool  // the buffer is another iterator's after Close
	turnKey  []byte
	turnHere bool // turn round at turnKey: the row before the error that ended a chunk
}

// covers reports whether key lies between the lowest and the highest row, both included.
func (w *window) covers(key []byte) bool {
	if w.n == 0 {
		return false
	}
	low, high := 0, w.n-1
	if w.back {
		low, high = high, low
	}
	return bytes.Compare(w.key(low), key) <= 0 && bytes.Compare(key, w.key(high)) <= 0
}

// search finds the row with the lowest key >= key, in a window that covers key, and whether the two
// are equal.
func (w *window) search(key []byte) (i int, equal bool) {
	if w.back {
		// Keys descend: the first row below key is one past the row looked for.
		i = sort.Search(w.n, func(j int) bool { return bytes.Compare(w.key(j), key) < 0 }) - 1
	} else {
		i = sort.Search(w.n, func(j int) bool { return bytes.Compare(w.key(j), key) >= 0 })
	}
	return i, bytes.Equal(w.key(i), key)
}
