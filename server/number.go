package server

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// parseInt reads a signed number in the one form that Redis knows it in: digits without a leading zero, a minus before
// them if it is below zero.
func parseInt(b []byte) (int64, bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	n := uint64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0') // 19 digits do not overflow
	}
	if negative {
		return -int64(n), n <= -math.MinInt64
	}
	return int64(n), n <= math.MaxInt64
}

// longDouble is the precision of the floating-point numbers that Redis adds up in, on the processors that most run on.
const (
	longDouble    = 64
	maxLongDouble = 16384 // a larger exponent of 2 is infinite
)

// parseFloat reads a number as C's strtold does in Redis: the whole text, without spaces before it.
func parseFloat(b []byte) (*big.Float, bool) {
	s := string(b)
	if s == "" || len(s) > 5*1024 || strings.ContainsAny(s, "_ \t\n\v\f\r") {
		return nil, false
	}
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "inf", "infinity":
		if strings.Count(s, "+")+strings.Count(s, "-") > 1 {
			return nil, false
		}
		return new(big.Float).SetInf(s[0] == '-'), true
	}
	lower := strings.ToLower(s)
	switch hex := strings.Contains(lower, "0x"); {
	case !hex && strings.ContainsAny(lower, "pbo"): // forms that only Go knows
		return nil, false
	case hex && !strings.Contains(lower, "p"):
		s += "p0"
	}
	f, _, err := big.ParseFloat(s, 0, longDouble, big.ToNearestEven)
	if err != nil || f.IsInf() || f.MantExp(nil) > maxLongDouble || f.MantExp(nil) < -maxLongDouble-63 {
		return nil, false
	}
	return f, true
}

// formatFloat writes a number as INCRBYFLOAT does: 17 digits after the point at most, no zeros at the end.
func formatFloat(f *big.Float) string {
	s := f.Text('f', 17)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// appendInt is strconv.AppendInt in base 10.
func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }
