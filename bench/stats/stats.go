// Package stats is the arithmetic of the benchmarks: medians, spreads and ratios of interleaved rounds.
package stats

import (
	"math"
	"slices"
)

// Summary is what many rounds gave: the middle one, and the outermost two.
type Summary struct {
	Median, Low, High float64
	Rounds            int
}

// Of summarises values, which it leaves as they are. Of none, all is NaN.
func Of(values []float64) Summary {
	if len(values) == 0 {
		return Summary{math.NaN(), math.NaN(), math.NaN(), 0}
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	return Summary{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1], n}
}

// Ratios divides round by round, since both sides of a round were measured close together and the machine drifts from
// one round to the next. Rounds that only one side has, and those where base is 0, are left out.
func Ratios(values, base []float64) []float64 {
	var out []float64
	for i := range min(len(values), len(base)) {
		if base[i] != 0 {
			out = append(out, values[i]/base[i])
		}
	}
	return out
}
