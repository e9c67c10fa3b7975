package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Rows of a bulk load are packed as an SST writer takes them, in memory and in files of runs.

const rowHead = cbridge.SSTRowOverhead

// rowAt finds the row at offset at of packed rows.
func rowAt(rows []byte, at int) (key, value []byte, next int) {
	k := at + rowHead
	v := k + int(binary.NativeEndian.Uint32(rows[at+4:]))
	next = v + int(binary.NativeEndian.Uint32(rows[at+8:]))
	return rows[k:v:v], rows[v:next:next], next
}

// keyPrefix is what decides most comparisons of keys: the first eight bytes. Where it is the same, the
// keys must be compared.
func keyPrefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// rowBatch is ascending rows, packed.
type rowBatch struct {
	rows     []byte
	count    int    // of rows
	last     int    // where the last one begins
	consumed uint64 // rows of the input that are in here or in batches before
}

// errUnsorted is what a packer says of a row that is not above the one before.
var errUnsorted = errors.New("a row is not above the one before")

// packer packs ascending rows into batches, and makes one row of those with the same key: a batch is
// handed over when a row with another key comes.
type packer struct {
	o     *BulkLoadOptions
	limit int // bytes of a batch, unless one row is larger

	floor []byte // the key before the first; nil: none
	buf   []byte
	last  int // where the last row begins; -1: there is none
	count int
	put   uint64 // rows of the input so far

	emit func(b rowBatch) (spare []byte, err error) // takes b.rows, and gives memory for others
}

func newPacker(o *BulkLoadOptions, limit int, emit func(rowBatch) ([]byte, error)) *packer {
	return &packer{o: o, limit: limit, last: -1, emit: emit}
}

// add takes a row. errUnsorted leaves the packer as it was.
func (p *packer) add(key, value []byte) error {
	if p.last >= 0 {
		before, old, _ := rowAt(p.buf, p.last)
		switch c := bytes.Compare(key, before); {
		case c < 0:
			return errUnsorted
		case c == 0:
			var err error
			if value, err = p.o.merge(key, old, value); err != nil {
				return err
			}
			p.buf = cbridge.AppendSSTRow(p.buf[:p.last], cbridge.Put, key, value)
			p.put++
			return nil
		}
		if len(p.buf)+rowHead+len(key)+len(value) > p.limit {
			if err := p.flush(); err != nil {
				return err
			}
		}
	} else if p.floor != nil && bytes.Compare(key, p.floor) <= 0 {
		return errUnsorted
	}
	p.last = len(p.buf)
	p.buf = cbridge.AppendSSTRow(p.buf, cbridge.Put, key, value)
	p.count++
	p.put++
	return nil
}

// flush hands over all rows.
func (p *packer) flush() error {
	if p.last < 0 {
		return nil
	}
	p.floor = nil // nothing comes behind a flush but a key above, or another packer
	spare, err := p.emit(rowBatch{p.buf, p.count, p.last, p.put})
	p.buf, p.last, p.count = spare[:0], -1, 0
	return err
}

// rowSource gives ascending rows, among which those of the same key are in the order of their coming.
type rowSource interface {
	// next moves to the next row; false after the last.
	next() (bool, error)
	// row is the current row, until the next call of next.
	row() (key, value []byte)
	close()
}

// rowArena gathers rows of the input, to be sorted.
type rowArena struct {
	blocks [][]byte // of packed rows
	index  []rowRef
	size   int // bytes of both
	spare  [][]byte
}

// rowRef is a row: its key's prefix, and its block and offset.
type rowRef struct{ prefix, at uint64 }

const refSize = 16

// room is what a row would add to the size.
func (a *rowArena) room(key, value []byte) int { return refSize + rowHead + len(key) + len(value) }

func (a *rowArena) add(key, value []byte, block int) {
	need := rowHead + len(key) + len(value)
	n := len(a.blocks) - 1
	if n < 0 || len(a.blocks[n])+need > cap(a.blocks[n]) {
		var b []byte
		if m := len(a.spare); m > 0 && need <= cap(a.spare[m-1]) {
			b, a.spare = a.spare[m-1][:0], a.spare[:m-1]
		} else {
			b = make([]byte, 0, max(block, need))
		}
		a.blocks = append(a.blocks, b)
		n++
	}
	a.index = append(a.index, rowRef{keyPrefix(key), uint64(n)<<32 | uint64(len(a.blocks[n]))})
	a.blocks[n] = cbridge.AppendSSTRow(a.blocks[n], cbridge.Put, key, value)
	a.size += refSize + need
}

func (a *rowArena) get(r rowRef) (key, value []byte) {
	key, value, _ = rowAt(a.blocks[r.at>>32], int(uint32(r.at)))
	return key, value
}

// sort orders the rows by key, those of the same key by their coming.
func (a *rowArena) sort() {
	slices.SortFunc(a.index, func(x, y rowRef) int {
		if x.prefix != y.prefix {
			if x.prefix < y.prefix {
				return -1
			}
			return 1
		}
		xk, _ := a.get(x)
		yk, _ := a.get(y)
		if c := bytes.Compare(xk, yk); c != 0 {
			return c
		}
		if x.at < y.at {
			return -1
		}
		return 1
	})
}

// reset empties the arena, and keeps its memory.
func (a *rowArena) reset() {
	a.spare = append(a.spare, a.blocks...)
	clear(a.blocks)
	a.blocks, a.index, a.size = a.blocks[:0], a.index[:0], 0
}

// source gives the sorted rows.
func (a *rowArena) source() rowSource { return &arenaSource{a: a, at: -1} }

type arenaSource struct {
	a  *rowArena
	at int
}

func (s *arenaSource) next() (bool, error) {
	s.at++
	return s.at < len(s.a.index), nil
}
func (s *arenaSource) row() (key, value []byte) { return s.a.get(s.a.index[s.at]) }
func (s *arenaSource) close()                   {}
