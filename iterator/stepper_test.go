package iterator_test

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// stepper walks by the reference iterator, which makes one call a step. It knows a gap by the key
// of the row beside it, so that it leaves a gap by a seek.
type stepper struct {
	family *cbridge.Family
	state  *cbridge.Snapshot
	flags  uint32
	limit  int

	it *cbridge.StepIter
	on bool
	// The gap, if not on a row: behind or before the row with this key, or an end of the range.
	gap gap
	key []byte
	// Offset of the row, or of the row above the gap, once a row was stepped on.
	ofs      int
	anchored bool
}

type gap int

const (
	nowhere gap = iota
	beforeAll
	afterAll
	beforeKey
	afterKey
)

func (s *stepper) show(sh shape, _ []row) {
	s.close()
	if sh.keysOnly {
		s.flags |= cbridge.KeysOnly
	}
	it, err := s.family.NewIter(s.state, cbridge.IterOptions{
		Lower: sh.lower, Upper: sh.upper, Flags: s.flags, MaxValue: uint64(sh.upTo),
	})
	if err != nil {
		panic(err)
	}
	s.it = cbridge.NewStepIter(it)
	s.fresh()
}

func (s *stepper) close() {
	if s.it != nil {
		s.it.Free()
		s.it = nil
	}
}

func (s *stepper) fresh() { s.on, s.gap, s.anchored = false, nowhere, false }

func (s *stepper) first() bool { return s.land(s.it.First(), afterAll) }
func (s *stepper) last() bool  { return s.land(s.it.Last(), beforeAll) }

func (s *stepper) seek(m cbridge.Move, key []byte) bool {
	end := beforeAll
	if m == cbridge.MoveGE {
		end = afterAll
	}
	return s.land(s.it.Seek(m, key), end)
}

func (s *stepper) land(ok bool, end gap) bool {
	s.on, s.anchored, s.ofs = ok, ok, 0
	if !ok {
		s.gap = end
	}
	return ok
}

func (s *stepper) step(back bool) bool {
	target := s.ofs
	if back {
		target--
	} else if s.on {
		target++
	}
	if !s.anchored {
		target = 0
	} else if s.limit > 0 && (target >= s.limit || target <= -s.limit) {
		s.leave(back)
		return false
	}
	end := afterAll
	if back {
		end = beforeAll
	}
	if !s.reach(back) {
		if s.on && !back {
			s.ofs++
		}
		s.on, s.gap = false, end
		return false
	}
	s.on, s.anchored, s.ofs = true, true, target
	return true
}

// reach goes to the next row in a direction by one call.
func (s *stepper) reach(back bool) bool {
	switch {
	case s.on && back:
		return s.it.Prev()
	case s.on:
		return s.it.Next()
	case back && s.gap == beforeAll, !back && s.gap == afterAll:
		return false
	case back && (s.gap == nowhere || s.gap == afterAll):
		return s.it.Last()
	case !back && (s.gap == nowhere || s.gap == beforeAll):
		return s.it.First()
	case back && s.gap == beforeKey:
		return s.it.Seek(cbridge.MoveLT, s.key)
	case back:
		return s.it.Seek(cbridge.MoveLE, s.key)
	case s.gap == beforeKey:
		return s.it.Seek(cbridge.MoveGE, s.key)
	default:
		return s.it.Seek(cbridge.MoveGT, s.key)
	}
}

func (s *stepper) leave(back bool) {
	if !s.on {
		return
	}
	s.key, s.on = bytes.Clone(s.it.Key()), false
	s.gap = beforeKey
	if !back {
		s.gap = afterKey
		s.ofs++
	}
}

func (s *stepper) row() (row, bool) {
	if !s.on {
		return row{}, false
	}
	r := row{s.it.Key(), s.it.Value()}
	if s.flags&cbridge.KeysOnly != 0 {
		r.value = nil
	}
	return r, true
}
