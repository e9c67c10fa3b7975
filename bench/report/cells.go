package report

import (
	"fmt"
	"math"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// Spread gives the median of values with the lowest and the highest, nothing of no values.
func Spread(values []float64, format func(float64) string) string {
	return Show(stats.Of(values), format)
}

// Show gives "median (lowest to highest)", nothing of no rounds.
func Show(s stats.Summary, format func(float64) string) string {
	switch s.Rounds {
	case 0:
		return ""
	case 1:
		return format(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", format(s.Median), format(s.Low), format(s.High))
}

// Ratio shows two digits behind the point.
func Ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

// Significant shows three digits.
func Significant(x float64) string {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(x))))
	if digits <= 0 {
		return Thousands(x)
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// Thousands shows a whole number with commas.
func Thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Micro shows a duration in microseconds.
func Micro(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }

// MiB shows bytes in MiB.
func MiB(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
