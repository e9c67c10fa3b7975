package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_step
// #cgo nocallback rb_iter_step
import "C"

// StepIter is the iterator that "The Cost and Complexity of Cgo" describes: one cgo call for each
// step, which brings the row along, Key and Value that copy, and an unsafeKey that does not. It is
// the reference that chunked iterators are checked against and measured by. One goroutine at a time.
type StepIter struct {
	it  *Iter
	row C.rb_row
	err error
}

// NewStepIter takes over it, which must not be filled any more.
func NewStepIter(it *Iter) *StepIter { return &StepIter{it: it} }

func (s *StepIter) step(m Move, next bool, key []byte) bool {
	s.row = C.rb_iter_step(s.it.p, C.uint32_t(m), flag(next), ptr(key), C.size_t(len(key)))
	s.err = nil
	if s.row.status.code != C.RB_OK {
		s.err = failure(s.row.status)
	}
	return s.row.valid != 0
}

// First goes to the first row.
func (s *StepIter) First() bool { return s.step(MoveFirst, true, nil) }

// Last goes to the last row.
func (s *StepIter) Last() bool { return s.step(MoveLast, false, nil) }

// Seek goes where an absolute move says: MoveGE, MoveGT, MoveLE or MoveLT.
func (s *StepIter) Seek(m Move, key []byte) bool { return s.step(m, true, key) }

// Next goes to the next row; false at the end, and from then on.
func (s *StepIter) Next() bool { return s.step(MoveOn, true, nil) }

// Prev goes to the row before; false at the beginning, and from then on.
func (s *StepIter) Prev() bool { return s.step(MoveOn, false, nil) }

// Valid reports whether it stands on a row.
func (s *StepIter) Valid() bool { return s.row.valid != 0 }

// unsafeKey lends RocksDB's bytes until the next step.
func (s *StepIter) unsafeKey() []byte { return lent(s.row.key, uint64(s.row.klen)) }

// unsafeValue lends RocksDB's bytes until the next step.
func (s *StepIter) unsafeValue() []byte { return lent(s.row.value, uint64(s.row.vlen)) }

// Key copies the row's key; nil if it stands on none.
func (s *StepIter) Key() []byte {
	if !s.Valid() {
		return nil
	}
	return append([]byte{}, s.unsafeKey()...)
}

// Value copies the row's value; nil if it stands on none.
func (s *StepIter) Value() []byte {
	if !s.Valid() {
		return nil
	}
	return append([]byte{}, s.unsafeValue()...)
}

// Lengths gives the sizes of key and value without copying them.
func (s *StepIter) Lengths() (key, value int) {
	return len(s.unsafeKey()), len(s.unsafeValue())
}

// Err is the error that ended the last step, or nil.
func (s *StepIter) Err() error { return s.err }

// Free ends the iterator.
func (s *StepIter) Free() {
	s.row = C.rb_row{}
	s.it.Free()
}
