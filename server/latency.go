package server

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets of latencies are a fourth of a power of two wide, from firstLatency nanoseconds on: so a quantile is known to a fourth.
const (
	firstOctave    = 10 // 1.024 µs
	octaves        = 24 // up to 17 s
	latencyBuckets = 1 + 4*octaves
)

// bucketOf is the bucket that a time belongs to; the last has no end.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	e := bits.Len64(n) - 1
	if e < firstOctave {
		return 0
	}
	return min(1+4*(e-firstOctave)+int(n>>(e-2)&3), latencyBuckets-1)
}

// bucketEnd is the time that a bucket ends before.
func bucketEnd(i int) time.Duration {
	if i == 0 {
		return 1 << firstOctave
	}
	e := firstOctave + (i-1)/4
	return time.Duration(5+(i-1)%4) << (e - 2)
}

// latencies count what took how long.
type latencies struct {
	counts [latencyBuckets]atomic.Uint64
	sum    atomic.Int64
}

// add counts n that took as long each.
func (l *latencies) add(d time.Duration, n int) {
	l.counts[bucketOf(d)].Add(uint64(n))
	l.sum.Add(int64(d) * int64(n))
}

func (l *latencies) reset() {
	for i := range l.counts {
		l.counts[i].Store(0)
	}
	l.sum.Store(0)
}

func (l *latencies) addTo(to *Latencies) {
	for i := range l.counts {
		to.counts[i] += l.counts[i].Load()
	}
	to.sum += time.Duration(l.sum.Load())
}

// Latencies are how long commands took: the time of the part of a pipeline that each was executed in, which is what its client
// waited for. The zero value holds nothing. It is a plain value.
type Latencies struct {
	counts [latencyBuckets]uint64
	sum    time.Duration
}

// Count is how many there are.
func (l *Latencies) Count() (n uint64) {
	for _, c := range l.counts {
		n += c
	}
	return n
}

// Sum is all times together.
func (l *Latencies) Sum() time.Duration { return l.sum }

// Add adds what others hold.
func (l *Latencies) Add(others *Latencies) {
	for i, c := range others.counts {
		l.counts[i] += c
	}
	l.sum += others.sum
}

// Since is what was added after earlier; all of it if statistics began anew in between.
func (l *Latencies) Since(earlier *Latencies) Latencies {
	d := *l
	for i, c := range earlier.counts {
		if c > d.counts[i] {
			return *l
		}
		d.counts[i] -= c
	}
	d.sum -= earlier.sum
	return d
}

// Under is how many took less than a power of two of nanoseconds, from 1024 on, up to 2^34; other times are rounded up to
// where a bucket ends.
func (l *Latencies) Under(d time.Duration) (n uint64) {
	for i, c := range l.counts {
		n += c
		if bucketEnd(i) >= d {
			break
		}
	}
	return n
}

// Quantile is the time that a part q of them, from 0 to 1, took at most, by interpolation between two that are a fourth apart; 0 if
// there are none.
func (l *Latencies) Quantile(q float64) time.Duration {
	rank := q * float64(l.Count())
	if rank <= 0 {
		return 0
	}
	low, seen := time.Duration(0), 0.0
	for i, c := range l.counts {
		high := bucketEnd(i)
		if n := float64(c); n > 0 && seen+n >= rank {
			return low + time.Duration(float64(high-low)*(rank-seen)/n)
		}
		seen += float64(c)
		low = high
	}
	return low
}
