package program

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in buckets whose width is at most a thirty-second of what they hold, from 1 ns to an hour:
// its memory is bounded and a percentile is right to 3 %. It is safe for concurrent use. The zero value is empty.
type Histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64
}

const (
	steps    = 32 // buckets for each power of two
	stepBits = 5
	largest  = 42 // bits of the longest duration told apart: 73 minutes
	buckets  = (largest - stepBits + 1) * steps
)

// bucket gives where a duration is counted: below steps one bucket a nanosecond, above that steps buckets for each
// power of two.
func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < steps {
		return int(n)
	}
	shift := bits.Len64(n) - stepBits - 1
	return min(shift*steps+int(n>>shift), buckets-1)
}

// middle gives the duration that stands for all of a bucket.
func middle(bucket int) time.Duration {
	if bucket < 2*steps {
		return time.Duration(bucket)
	}
	shift := bucket/steps - 1
	low := uint64(bucket-shift*steps) << shift
	return time.Duration(low + uint64(1)<<shift/2)
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)].Add(1)
	for {
		old := h.max.Load()
		if int64(d) <= old || h.max.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// Merge adds what other counted.
func (h *Histogram) Merge(other *Histogram) {
	for i := range other.counts {
		if n := other.counts[i].Load(); n != 0 {
			h.counts[i].Add(n)
		}
	}
	h.max.Store(max(h.max.Load(), other.max.Load()))
}

// Count gives how many durations were added.
func (h *Histogram) Count() (n uint64) {
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Max gives the longest duration, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Percentile gives the shortest duration that at least p per cent of all do not exceed, 0 of an empty histogram.
func (h *Histogram) Percentile(p float64) time.Duration {
	want := uint64(float64(h.Count())*p/100 + 0.999999)
	want = max(want, 1)
	var seen uint64
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen >= want {
			return min(middle(i), h.Max())
		}
	}
	return h.Max()
}
