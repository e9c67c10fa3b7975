package engine

import (
	"encoding/binary"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// programHeader is the count of tests that a program begins with.
const programHeader = 4

// compiled is the predicate as a program for C, made once. check must have let it through.
func (p *Predicate) compiled() []byte {
	p.once.Do(func() {
		c := predicateCompiler{tests: make([]cbridge.Test, 0, p.size.tests)}
		keep, drop := uint32(p.size.tests), uint32(p.size.tests)+1
		c.add(p, keep, drop)
		p.program = encodeTests(c.tests)
	})
	return p.program
}

// predicateCompiler lays tests out one behind the other. Every jump goes forwards, to the test of the
// next part that is still to be asked, or to one of the two ends.
type predicateCompiler struct{ tests []cbridge.Test }

// add lays out p, which goes on at yes if it keeps the row and at no if it does not.
func (c *predicateCompiler) add(p *Predicate, yes, no uint32) {
	switch {
	case p.op == predicateNot:
		c.add(p.children[0], no, yes)
	case p.op == predicateAnd && len(p.children) == 0:
		c.always(yes)
	case p.op == predicateOr && len(p.children) == 0:
		c.always(no)
	case p.op == predicateAnd || p.op == predicateOr:
		c.addAll(p, yes, no)
	default:
		c.tests = append(c.tests, cbridge.Test{
			Op: p.op, Part: uint8(p.part), Accept: p.accept, Yes: yes, No: no, A: p.a, B: p.b, Data: p.data,
		})
	}
}

// addAll lays out the children of p: each but the last goes on at the next one, or leaves.
func (c *predicateCompiler) addAll(p *Predicate, yes, no uint32) {
	for i, child := range p.children {
		next := uint32(len(c.tests)) + uint32(child.size.tests)
		switch {
		case i == len(p.children)-1:
			c.add(child, yes, no)
		case p.op == predicateAnd:
			c.add(child, next, no)
		default:
			c.add(child, yes, next)
		}
	}
}

// always is a test that every key passes.
func (c *predicateCompiler) always(to uint32) {
	c.tests = append(c.tests, cbridge.Test{Op: cbridge.TestLength, B: math.MaxInt64, Yes: to, No: to})
}

// encodeTests writes a program, in the form that rb.h describes.
func encodeTests(tests []cbridge.Test) []byte {
	size := programHeader
	for i := range tests {
		size += cbridge.TestHeader + len(tests[i].Data)
	}
	p := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(tests)))
	for i := range tests {
		t := &tests[i]
		p = append(p, t.Op, t.Part, t.Accept, 0)
		p = binary.LittleEndian.AppendUint32(p, t.Yes)
		p = binary.LittleEndian.AppendUint32(p, t.No)
		p = binary.LittleEndian.AppendUint64(p, t.A)
		p = binary.LittleEndian.AppendUint64(p, t.B)
		p = binary.LittleEndian.AppendUint32(p, uint32(len(t.Data)))
		p = append(p, t.Data...)
	}
	return p
}

// filter has a new iterator of C keep only what o.Filter keeps. On an error the iterator is freed.
func (o *IterOptions) filter(it *cbridge.Iter) error {
	if o.Filter == nil {
		return nil
	}
	err := it.SetPredicate(o.Filter.compiled(), 0)
	if err != nil {
		it.Free()
	}
	return err
}
