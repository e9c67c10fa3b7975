package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_set_predicate
// #cgo nocallback rb_iter_set_predicate
// #cgo noescape rb_predicate_try
// #cgo nocallback rb_predicate_try
import "C"

// Limits of a predicate's program.
const (
	MaxPredicate    = C.RB_MAX_PREDICATE // bytes
	MaxTests        = C.RB_MAX_TESTS
	TestHeader      = C.RB_TEST_HEADER
	predicateStride = 4096 // rows, or KiB of rows, that a call looks at
)

// Test is one test of a predicate: rb.h says what it looks for.
type Test struct {
	Op, Part, Accept uint8
	Yes, No          uint32
	A, B             uint64
	Data             []byte
}

// What tests look for.
const (
	TestPrefix    uint8 = C.RB_TEST_PREFIX
	TestSuffix    uint8 = C.RB_TEST_SUFFIX
	TestContains  uint8 = C.RB_TEST_CONTAINS
	TestLength    uint8 = C.RB_TEST_LENGTH
	TestCompare   uint8 = C.RB_TEST_COMPARE
	TestCompareAt uint8 = C.RB_TEST_COMPARE_AT
)

// Outcomes of a comparison that a test accepts, to be or-ed.
const (
	AcceptLess    uint8 = C.RB_ACCEPT_LESS
	AcceptEqual   uint8 = C.RB_ACCEPT_EQUAL
	AcceptGreater uint8 = C.RB_ACCEPT_GREATER
)

// SetPredicate has the iterator keep only the rows that a program keeps, which is copied. A call
// looks at pause rows or KiB of rows, at 4,096 if pause is 0. Before the first move only.
func (it *Iter) SetPredicate(program []byte, pause uint64) error {
	if pause == 0 {
		pause = predicateStride
	}
	return failure(C.rb_iter_set_predicate(it.p, ptr(program), C.size_t(len(program)), C.uint64_t(pause)))
}

// TryPredicate checks a program and tells whether it keeps a row. For tests.
func TryPredicate(program, key, value []byte) (kept bool, err error) {
	var k C.uint8_t
	err = failure(C.rb_predicate_try(ptr(program), C.size_t(len(program)), ptr(key), C.size_t(len(key)),
		ptr(value), C.size_t(len(value)), &k))
	return k != 0, err
}
