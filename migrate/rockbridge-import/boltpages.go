package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// bbolt follows numbers of pages wherever they lead, also in a circle, and then without end. So all pages of the tree are looked
// at before it does.

// Of a page: its head, and what each of its elements begins with.
const (
	boltHead    = 16
	boltElement = 16
	boltBranch  = 1
	boltLeaf    = 2
	boltBucket  = 1 // an element of a leaf that is a bucket
)

// boltPages is the way through the pages of a file.
type boltPages struct {
	file *os.File
	size uint64   // of a page
	end  uint64   // number of the first page behind the last
	seen []uint64 // a bit for each page
	open []uint64 // pages that are still to be looked at
}

// checkBoltPages looks whether the tree that tx sees is one: every page is in the file and reached once, and what it says of its
// elements lies within it.
func checkBoltPages(path string, tx *bbolt.Tx) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := uint64(tx.DB().Info().PageSize)
	p := &boltPages{file: file, size: size, end: uint64(min(tx.Size(), info.Size())) / size}
	p.seen = make([]uint64, p.end/64+1)
	p.open = []uint64{uint64(tx.Cursor().Bucket().Root())}
	for len(p.open) > 0 {
		page := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		if err := p.look(page); err != nil {
			return fmt.Errorf("page %d: %w", page, err)
		}
	}
	return nil
}

// look looks at a page, and notes those that it leads to.
func (p *boltPages) look(page uint64) error {
	head, err := p.read(page, 0, boltHead)
	if err != nil {
		return err
	}
	overflow := uint64(binary.NativeEndian.Uint32(head[12:]))
	if binary.NativeEndian.Uint64(head) != page {
		return errors.New("it is another one")
	}
	for i := page; i <= page+overflow; i++ {
		if i < 2 || i >= p.end || p.seen[i/64]>>(i%64)&1 != 0 {
			return errors.New("it belongs to nothing, or to two")
		}
		p.seen[i/64] |= 1 << (i % 64)
	}
	room, count := (overflow+1)*p.size, uint64(binary.NativeEndian.Uint16(head[10:]))
	if boltHead+count*boltElement > room {
		return errors.New("it has more elements than room")
	}
	elements, err := p.read(page, boltHead, count*boltElement)
	if err != nil {
		return err
	}
	switch binary.NativeEndian.Uint16(head[8:]) {
	case boltBranch:
		return p.branch(elements, room)
	case boltLeaf:
		return p.leaf(page, elements, room)
	}
	return errors.New("it is of another kind")
}

// read reads bytes of a page.
func (p *boltPages) read(page, at, n uint64) ([]byte, error) {
	if page >= p.end {
		return nil, errors.New("it lies behind the end")
	}
	b := make([]byte, n)
	_, err := p.file.ReadAt(b, int64(page*p.size+at))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func (p *boltPages) branch(elements []byte, room uint64) error {
	if len(elements) == 0 {
		return errors.New("it leads nowhere")
	}
	for at := 0; at < len(elements); at += boltElement {
		e := elements[at:]
		if !within(e, 0, boltHead+at, 1, room) {
			return errors.New("a key lies outside")
		}
		p.open = append(p.open, binary.NativeEndian.Uint64(e[8:]))
	}
	return nil
}

// within tells whether the bytes of an element that itself is at an offset lie in its page, behind the elements' heads: its
// position stands at field in it, and so many lengths behind.
func within(e []byte, field, at, lengths int, room uint64) bool {
	end := uint64(at) + uint64(binary.NativeEndian.Uint32(e[field:]))
	for i := range lengths {
		end += uint64(binary.NativeEndian.Uint32(e[field+4+4*i:]))
	}
	return end <= room
}

func (p *boltPages) leaf(page uint64, elements []byte, room uint64) error {
	for at := 0; at < len(elements); at += boltElement {
		e := elements[at:]
		if !within(e, 4, boltHead+at, 2, room) {
			return errors.New("a row lies outside")
		}
		switch binary.NativeEndian.Uint32(e) {
		case 0:
		case boltBucket:
			value := uint64(boltHead+at) + uint64(binary.NativeEndian.Uint32(e[4:])) + uint64(binary.NativeEndian.Uint32(e[8:]))
			if err := p.bucket(page, value, uint64(binary.NativeEndian.Uint32(e[12:]))); err != nil {
				return err
			}
		default:
			return errors.New("an element is of an unknown kind")
		}
	}
	return nil
}

// bucket looks at one that stands at an offset of a page: the number of its root page, a sequence, and, if that number is 0, the
// bucket's only page.
func (p *boltPages) bucket(page, at, n uint64) error {
	if n < 16 {
		return errors.New("a bucket is too short")
	}
	b, err := p.read(page, at, min(n, p.size))
	if err != nil {
		return err
	}
	root := binary.NativeEndian.Uint64(b)
	if root != 0 {
		p.open = append(p.open, root)
		return nil
	}
	inline := b[16:]
	if len(inline) < boltHead || binary.NativeEndian.Uint16(inline[8:]) != boltLeaf {
		return errors.New("a bucket without a page")
	}
	count := int(binary.NativeEndian.Uint16(inline[10:]))
	if boltHead+count*boltElement > len(inline) {
		return errors.New("a bucket has more elements than room")
	}
	for at := boltHead; at < boltHead+count*boltElement; at += boltElement {
		if e := inline[at:]; binary.NativeEndian.Uint32(e) != 0 || !within(e, 4, at, 2, uint64(len(inline))) {
			return errors.New("a row of a bucket lies outside")
		}
	}
	return nil
}
