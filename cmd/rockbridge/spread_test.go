package main

import (
	"slices"
	"testing"
)

func TestSpreadOf(t *testing.T) {
	if got := spreadOf([]float64{5, 1, 3}); got != (spread{3, 1, 5}) {
		t.Errorf("odd: %+v", got)
	}
	if got := spreadOf([]float64{4, 1, 3, 2}); got != (spread{2.5, 1, 4}) {
		t.Errorf("even: %+v", got)
	}
}

func TestRatiosAreByRound(t *testing.T) {
	slow := []sample{{elapsed: 6}, {elapsed: 20}}
	fast := []sample{{elapsed: 3}, {elapsed: 5}}
	if got := ratios(slow, fast); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("%v", got)
	}
}
