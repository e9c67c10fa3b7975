package engine

import (
	"bytes"
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// lend calls f with a copy of value, in the debug build, whose use after f is a fault.
func lend(value []byte, f func([]byte) error) error {
	loan := rbdebug.Lend(value, "the value that GetPinned lent")
	defer loan.Expire()
	return f(loan.Data)
}

const oneGoroutine = "one goroutine at a time may use a batch"

// inside is the beginning of every call of a batch, in the debug build, and gives back its end: it
// panics when another goroutine has begun one.
func (b *Batch) inside(op string) (leave func()) {
	if b == nil {
		return func() {}
	}
	return rbdebug.Enter(b.state(), op, oneGoroutine, rbdebug.Stack{})
}

// around is inside for a call that has others within it.
func (b *Batch) around(op string) (leave func()) {
	if b == nil {
		return func() {}
	}
	return rbdebug.EnterOuter(b.state(), op, oneGoroutine, rbdebug.Stack{})
}

// mustBeValid panics, in the debug build, if the records are not those that the batch has counted:
// RocksDB would log them before it noticed.
func (b *Batch) mustBeValid() {
	b.seal()
	sum, err := batchrepr.Check(b.rep)
	fault := ""
	switch {
	case err != nil:
		fault = err.Error()
	case sum.Count != b.count:
		fault = fmt.Sprintf("it has %d records", sum.Count)
	case sum.MaxKey > MaxKeySize || sum.MaxValue > MaxValueSize:
		fault = "a record is too large"
	}
	merges := false
	for _, u := range b.uses {
		merges = merges || u.merges
	}
	for _, id := range sum.Families {
		if i := b.find(id); i < 0 && fault == "" {
			fault = fmt.Sprintf("it names family %d unnoticed", id)
		}
	}
	if fault == "" && sum.HasMerge && !merges {
		fault = "it merges unnoticed"
	}
	if fault != "" {
		rbdebug.Panic(fmt.Sprintf("a batch of %d bytes and %d records is damaged: %s; was Repr written to?", len(b.rep), b.count, fault))
	}
}

// find is the index of a family among those the batch names, or -1.
func (b *Batch) find(id uint32) int {
	for i := range b.uses {
		if b.uses[i].id == id {
			return i
		}
	}
	return -1
}

// Extent is what the iterator's rows lie in, for the debug build.
func (o *iterOwner) Extent() iterator.Range { return *o.extent.Of() }

// extent is what the rows of an iterator that is made with o lie in.
func (o *IterOptions) extent() iterator.Range {
	p := o.plan()
	return iterator.Range{Lower: bytes.Clone(p.Lower), Upper: bytes.Clone(p.Upper), ValuesUpTo: o.ValuesUpTo}
}
