package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_sizes
// #cgo nocallback rb_iter_sizes
import "C"

// SizeBuckets is how many buckets a histogram of lengths has; below SizeSteps each length has its own.
const (
	SizeBuckets = C.RB_SIZE_BUCKETS
	SizeSteps   = C.RB_SIZE_STEPS
)

// Sizes is a histogram of lengths that C adds to; the zero value is empty.
type Sizes struct{ c C.rb_sizes }

// Numbers are how many lengths there are, their sum, the least and the most.
func (s *Sizes) Numbers() (count, sum, least, most int64) {
	return int64(s.c.count), int64(s.c.sum), int64(s.c.least), int64(s.c.most)
}

// Bucket is how many lengths are in bucket i.
func (s *Sizes) Bucket(i int) int64 { return int64(s.c.buckets[i]) }

// Sizes adds the lengths of keys and values of the rows of one stretch to two histograms.
func (it *Iter) Sizes(m Move, s Stretch, keys, values *Sizes) Passed {
	return passed(C.rb_iter_sizes(it.p, C.uint32_t(m), s.c(), &keys.c, &values.c))
}
