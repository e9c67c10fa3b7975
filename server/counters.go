package server

import (
	"math"
	"math/big"
)

func increment(by int64) func(*exec, [][]byte) error {
	return func(x *exec, a [][]byte) error { return x.add(a[1], by) }
}

func incrBy(x *exec, a [][]byte) error {
	by, ok := parseInt(a[2])
	if !ok {
		return errNotInteger
	}
	return x.add(a[1], by)
}

func decrBy(x *exec, a [][]byte) error {
	by, ok := parseInt(a[2])
	switch {
	case !ok:
		return errNotInteger
	case by == math.MinInt64:
		return failure("ERR decrement would overflow")
	}
	return x.add(a[1], -by)
}

// add adds to a key's integer.
func (x *exec) add(key []byte, by int64) error {
	s, err := x.text(key)
	if err != nil {
		return err
	}
	data, expiry := s.content()
	n := int64(0)
	if s.there {
		var ok bool
		if n, ok = parseInt(data); !ok {
			return errNotInteger
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		return errOverflow
	}
	n += by
	var digits [20]byte
	x.put(key, appendInt(digits[:0], n), expiry)
	x.out.number(n)
	return nil
}

func incrByFloat(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	data, expiry := s.content()
	n := new(big.Float).SetPrec(longDouble)
	if s.there {
		var ok bool
		if n, ok = parseFloat(data); !ok {
			return errNotFloat
		}
	}
	by, ok := parseFloat(a[2])
	if !ok {
		return errNotFloat
	}
	if n.IsInf() || by.IsInf() {
		return errNaN
	}
	n.Add(n, by)
	if n.MantExp(nil) > maxLongDouble {
		return errNaN
	}
	text := formatFloat(n)
	x.put(a[1], []byte(text), expiry)
	x.out.text(text)
	return nil
}
