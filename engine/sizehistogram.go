package engine

import (
	"context"
	"iter"
	"math"
	"math/bits"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// SizeHistogram is how often lengths occur. A length below 16 has a bucket of its own, and above that
// each power of two has 16, so that a bucket is at most a sixteenth wide of the lengths in it. The zero
// value is empty. It may be copied. One goroutine at a time may change it.
type SizeHistogram struct {
	count, sum, least, most int64
	buckets                 [cbridge.SizeBuckets]int64
}

// SizeBucket is one bucket: Count lengths are at least Least and at most Most bytes.
type SizeBucket struct{ Least, Most, Count int64 }

// Sizes are the lengths of keys and values in a range.
type Sizes struct{ Keys, Values SizeHistogram }

// SizesOf makes histograms of the lengths of keys and values of the rows that o describes. Values count
// as they would be delivered: none with KeysOnly, cut by ValuesUpTo. C looks at the rows, in calls of
// bounded length; ctx, which may be nil, is looked at between them. On an error the histograms are those
// of the rows before it.
func SizesOf(ctx context.Context, r Reader, o *IterOptions) (*Sizes, error) {
	var keys, values cbridge.Sizes
	err := push(ctx, r, o, iterator.Pushdown{
		Op: "sizes",
		Call: func(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
			return src.Sizes(m, s, &keys, &values)
		},
	})
	s := &Sizes{}
	s.Keys.take(&keys)
	s.Values.take(&values)
	return s, err
}

func (h *SizeHistogram) take(c *cbridge.Sizes) {
	h.count, h.sum, h.least, h.most = c.Numbers()
	for i := range h.buckets {
		h.buckets[i] = c.Bucket(i)
	}
}

// Add adds a length, as C does; a negative one counts as 0.
func (h *SizeHistogram) Add(length int) {
	n := max(int64(length), 0)
	if h.count == 0 || n < h.least {
		h.least = n
	}
	h.most = max(h.most, n)
	h.count++
	h.sum += n
	h.buckets[bucketOf(n)]++
}

// Merge adds all lengths of another histogram; nil has none.
func (h *SizeHistogram) Merge(other *SizeHistogram) {
	if other == nil || other.count == 0 {
		return
	}
	if h.count == 0 || other.least < h.least {
		h.least = other.least
	}
	h.most = max(h.most, other.most)
	h.count += other.count
	h.sum += other.sum
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
}

const sizeSteps = cbridge.SizeSteps

func bucketOf(n int64) int {
	if n < sizeSteps {
		return int(n)
	}
	power := bits.Len64(uint64(n)) - 1
	return min((power-3)*sizeSteps+int(n>>(power-4))-sizeSteps, cbridge.SizeBuckets-1)
}

// edges are the least and the most length of bucket i.
func edges(i int) (least, most int64) {
	if i < sizeSteps {
		return int64(i), int64(i)
	}
	shift := i/sizeSteps - 1
	least = int64(sizeSteps+i%sizeSteps) << shift
	return least, least + 1<<shift - 1
}

// Count is how many lengths there are.
func (h *SizeHistogram) Count() int64 { return h.count }

// Sum is the bytes of all of them.
func (h *SizeHistogram) Sum() int64 { return h.sum }

// Min is the least length; 0 if there are none.
func (h *SizeHistogram) Min() int64 { return h.least }

// Max is the largest length; 0 if there are none.
func (h *SizeHistogram) Max() int64 { return h.most }

// Mean is the average length; 0 if there are none.
func (h *SizeHistogram) Mean() float64 {
	if h.count == 0 {
		return 0
	}
	return float64(h.sum) / float64(h.count)
}

// Quantile is a length that a share q of the lengths, from 0 to 1, do not exceed, and is itself at most a
// sixteenth above the least such: 0.5 asks for the median, 0 for Min, 1 for Max. It is 0 if there are no
// lengths or q is not a number.
func (h *SizeHistogram) Quantile(q float64) int64 {
	if h.count == 0 || math.IsNaN(q) {
		return 0
	}
	if q <= 0 {
		return h.least
	}
	want := h.count
	if q < 1 {
		want = min(int64(math.Ceil(q*float64(h.count))), h.count)
	}
	for i, n := range h.buckets {
		if want -= n; want <= 0 {
			_, most := edges(i)
			return min(most, h.most)
		}
	}
	return h.most
}

// Buckets ranges over the buckets that are not empty, the shortest lengths first.
func (h *SizeHistogram) Buckets() iter.Seq[SizeBucket] {
	return func(yield func(SizeBucket) bool) {
		for i, n := range h.buckets {
			least, most := edges(i)
			if n > 0 && !yield(SizeBucket{least, most, n}) {
				return
			}
		}
	}
}
