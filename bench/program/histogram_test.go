package program

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random values")

func random(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("-seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 1))
}

// someDuration gives short and long ones alike.
func someDuration(r *rand.Rand) time.Duration {
	return time.Duration(math.Exp2(r.Float64() * 40))
}

func TestBucketsAreInOrderAndNarrow(t *testing.T) {
	r := random(t)
	for range 100_000 {
		d := someDuration(r)
		b := bucket(d)
		if next := bucket(d + 1); next < b || next > b+1 {
			t.Fatalf("%d ns are in bucket %d, 1 ns more is in %d", d, b, next)
		}
		if off := math.Abs(float64(middle(b)-d)) / float64(d); off > 1.0/32 {
			t.Fatalf("%d ns are counted as %d ns", d, middle(b))
		}
	}
	for b := range buckets {
		if got := bucket(middle(b)); got != b {
			t.Fatalf("the middle of bucket %d, %d ns, is in bucket %d", b, middle(b), got)
		}
	}
	if bucket(-1) != 0 || bucket(math.MaxInt64) != buckets-1 {
		t.Error("the outermost durations are not in the outermost buckets")
	}
}

// TestPercentilesAreThoseOfASortedList compares with what a list of all durations gives.
func TestPercentilesAreThoseOfASortedList(t *testing.T) {
	r := random(t)
	for range 200 {
		var h, other Histogram
		all := make([]time.Duration, 1+r.IntN(300))
		for i := range all {
			all[i] = someDuration(r)
			if i%3 == 0 {
				other.Add(all[i])
			} else {
				h.Add(all[i])
			}
		}
		h.Merge(&other)
		slices.Sort(all)
		if h.Count() != uint64(len(all)) || h.Max() != all[len(all)-1] {
			t.Fatalf("%d durations up to %v: counted %d up to %v", len(all), all[len(all)-1], h.Count(), h.Max())
		}
		for _, p := range []float64{0, 1, 50, 99, 100} {
			at := max(int(math.Ceil(float64(len(all))*p/100-1e-9)), 1) - 1
			got, want := h.Percentile(p), all[at]
			if math.Abs(float64(got-want)) > float64(want)/32+1 {
				t.Fatalf("percentile %v of %d durations: %v, want %v", p, len(all), got, want)
			}
		}
	}
}

func TestAnEmptyHistogramAnswersZero(t *testing.T) {
	var h Histogram
	if h.Percentile(50) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("it does not")
	}
}

func TestNothingIsLostBetweenGoroutines(t *testing.T) {
	var h Histogram
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 10_000 {
				h.Add(time.Duration(g*10_000 + i))
			}
		})
	}
	all.Wait()
	if h.Count() != 80_000 || h.Max() != 79_999 {
		t.Errorf("%d counted, up to %d", h.Count(), h.Max())
	}
}
