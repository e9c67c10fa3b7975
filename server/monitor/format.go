package monitor

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// What figures are written as; NaN is a dash.

// grouped writes a whole number with commas.
func grouped(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	s := strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes three digits and a unit.
func short(v, base float64, units []string, space string) string {
	if math.IsNaN(v) {
		return "–"
	}
	i := 0
	for ; v >= base*0.9995 && i+1 < len(units); i++ {
		v /= base
	}
	digits := 0
	if i > 0 || v != math.Trunc(v) {
		digits = max(2-int(math.Log10(max(v, 1))), 0)
	}
	return trimmed(strconv.FormatFloat(v, 'f', digits, 64)) + space + units[i]
}

// trimmed is a number without zeros at its end.
func trimmed(s string) string {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func counts(v float64) string   { return short(v, 1000, []string{"", "k", "M", "G", "T"}, "") }
func rates(v float64) string    { return grouped(v) + "/s" }
func volumes(v float64) string  { return short(v, 1024, []string{"B", "KiB", "MiB", "GiB", "TiB"}, " ") }
func speeds(v float64) string   { return volumes(v) + "/s" }
func percents(v float64) string { return short(100*v, math.Inf(1), []string{"%"}, " ") }

// times writes seconds.
func times(v float64) string {
	if v >= 1 {
		return short(v, math.Inf(1), []string{"s"}, " ")
	}
	return short(v*1e6, 1000, []string{"µs", "ms", "s"}, " ")
}

// age writes how long something goes on, to the minute once it is some.
func age(d time.Duration) string {
	if d >= time.Minute {
		d = d.Truncate(time.Minute)
	}
	return ago(d.Truncate(time.Second))
}

// ago writes a time without what is 0 of it.
func ago(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "m0s")
	if s != d.String() {
		s = strings.TrimSuffix(s+"m", "h0m")
		if !strings.HasSuffix(s, "m") {
			s += "h"
		}
	}
	return s
}
