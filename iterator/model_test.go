package iterator_test

import (
	"bytes"
	"slices"
	"sort"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// row is one row as an iterator shows it: value is nil when only keys are fetched.
type row struct{ key, value []byte }

// shape is what an iterator shows of a state: its range, and how much of each value.
type shape struct {
	lower, upper []byte // nil: open
	prefix       []byte // until the bounds are set anew
	keysOnly     bool
	upTo         int            // 0: whole values
	keep         func(row) bool // nil: all rows
}

func (s *shape) of(state []row) []row {
	var out []row
	for _, r := range state {
		if s.lower != nil && bytes.Compare(r.key, s.lower) < 0 ||
			s.upper != nil && bytes.Compare(r.key, s.upper) >= 0 || !bytes.HasPrefix(r.key, s.prefix) ||
			s.keep != nil && !s.keep(r) {
			continue
		}
		switch {
		case s.keysOnly:
			r.value = nil
		case s.upTo > 0 && len(r.value) > s.upTo:
			r.value = r.value[:s.upTo]
		}
		out = append(out, r)
	}
	return out
}

// walker is a way to walk over rows, one at a time, with the positions that package iterator
// promises: on a row or in a gap.
type walker interface {
	first() bool
	last() bool
	seek(m cbridge.Move, key []byte) bool
	step(back bool) bool
	leave(back bool)   // from a row into the gap behind it in the direction of a walk
	row() (row, bool)  // the row it stands on
	fresh()            // unpositioned
	show(shape, []row) // another range or another state; fresh
}

// model walks over a sorted slice.
type model struct {
	rows  []row
	limit int
	on    bool
	at    int // of the row, or of the row after the gap; -1: fresh
	// origin is the row with offset 0, from which limit counts; -1 until a row was stepped on after an
	// absolute move.
	origin int
}

func (m *model) show(s shape, state []row) {
	m.rows = s.of(state)
	m.fresh()
}

func (m *model) fresh() { m.on, m.at, m.origin = false, -1, -1 }

func (m *model) land(i int, gap int) bool {
	m.origin = -1
	if i < 0 || i >= len(m.rows) {
		m.on, m.at = false, gap
		return false
	}
	m.on, m.at, m.origin = true, i, i
	return true
}

func (m *model) first() bool { return m.land(0, len(m.rows)) }
func (m *model) last() bool  { return m.land(len(m.rows)-1, 0) }

func (m *model) seek(move cbridge.Move, key []byte) bool {
	// The number of rows below key, or not above it.
	below := sort.Search(len(m.rows), func(i int) bool { return bytes.Compare(m.rows[i].key, key) >= 0 })
	upTo := sort.Search(len(m.rows), func(i int) bool { return bytes.Compare(m.rows[i].key, key) > 0 })
	switch move {
	case cbridge.MoveGE:
		return m.land(below, len(m.rows))
	case cbridge.MoveLE:
		return m.land(upTo-1, 0)
	case cbridge.MoveLT:
		return m.land(below-1, 0)
	}
	panic("no such seek")
}

func (m *model) step(back bool) bool {
	if m.at < 0 {
		m.at = 0
		if back {
			m.at = len(m.rows)
		}
	}
	target := m.at // of the step forwards from a gap
	switch {
	case back:
		target = m.at - 1
	case m.on:
		target = m.at + 1
	}
	if target < 0 || target >= len(m.rows) || m.tooFar(target) {
		m.leave(back)
		return false
	}
	m.on, m.at = true, target
	if m.origin < 0 {
		m.origin = target
	}
	return true
}

func (m *model) tooFar(i int) bool {
	return m.limit > 0 && m.origin >= 0 && max(i-m.origin, m.origin-i) >= m.limit
}

func (m *model) leave(back bool) {
	if m.on && !back {
		m.at++
	}
	m.on = false
}

func (m *model) row() (row, bool) {
	if !m.on {
		return row{}, false
	}
	return m.rows[m.at], true
}

// counted is what Count should answer.
func (m *model) counted() (rows, keyBytes, valueBytes int64) {
	for i, r := range m.rows {
		if m.limit > 0 && i >= m.limit {
			break
		}
		rows++
		keyBytes += int64(len(r.key))
		valueBytes += int64(len(r.value))
	}
	return rows, keyBytes, valueBytes
}

// sortedRows makes the state of a map.
func sortedRows(m map[string][]byte) []row {
	out := make([]row, 0, len(m))
	for k, v := range m {
		out = append(out, row{[]byte(k), v})
	}
	slices.SortFunc(out, func(a, b row) int { return bytes.Compare(a.key, b.key) })
	return out
}
