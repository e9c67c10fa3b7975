package stats_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/stats"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random values")

// TestSummaryHasAsManyValuesBelowAsAbove checks a median by what it means, where the code sorts.
func TestSummaryHasAsManyValuesBelowAsAbove(t *testing.T) {
	t.Logf("-seed=%d", *seed)
	random := rand.New(rand.NewPCG(*seed, 1))
	for range 1000 {
		values := make([]float64, 1+random.IntN(12))
		for i := range values {
			values[i] = float64(random.IntN(10)) // with equal ones
		}
		kept := slices.Clone(values)
		s := stats.Of(values)
		if !slices.Equal(values, kept) {
			t.Fatal("Of changed its argument")
		}
		below, above := 0, 0
		for _, v := range values {
			if v < s.Median {
				below++
			}
			if v > s.Median {
				above++
			}
			if v < s.Low || v > s.High {
				t.Fatalf("%v: %v lies outside of %v", values, v, s)
			}
		}
		if below > len(values)/2 || above > len(values)/2 || s.Rounds != len(values) {
			t.Fatalf("%v: %+v: %d below, %d above", values, s, below, above)
		}
		if !slices.Contains(values, s.Low) || !slices.Contains(values, s.High) {
			t.Fatalf("%v: %+v has a bound that was not measured", values, s)
		}
	}
}

func TestMedianOfTwoLiesBetweenThem(t *testing.T) {
	if got := stats.Of([]float64{1, 4}).Median; got != 2.5 {
		t.Errorf("median of 1 and 4: %v", got)
	}
}

func TestSummaryOfNothingIsNoNumber(t *testing.T) {
	if s := stats.Of(nil); !math.IsNaN(s.Median) || s.Rounds != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	// The machine is twice as slow in the second round: the ratio does not move.
	got := stats.Ratios([]float64{30, 15, 7}, []float64{10, 5})
	if !slices.Equal(got, []float64{3, 3}) {
		t.Errorf("%v", got)
	}
	if got := stats.Ratios([]float64{1, 2}, []float64{0, 1}); !slices.Equal(got, []float64{2}) {
		t.Errorf("a round whose base is 0: %v", got)
	}
}
