package engine_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelRows is what a family holds.
type modelRows map[string]string

type modelPair struct{ key, value string }

// sorted gives the rows with lower <= key < upper; nil bounds are open.
func (r modelRows) sorted(lower, upper []byte) []modelPair {
	var out []modelPair
	for _, k := range slices.Sorted(maps.Keys(r)) {
		if (lower == nil || k >= string(lower)) && (upper == nil || k < string(upper)) {
			out = append(out, modelPair{k, r[k]})
		}
	}
	return out
}

// modelFamily is a family of the open database.
type modelFamily struct {
	name string
	adds bool // merges with Uint64Add or Int64Add
	c    *engine.ColumnFamily
	rows modelRows
}

// modelSnapshot is a snapshot and the rows it must show, by family. A family that came later has none.
type modelSnapshot struct {
	s    *engine.Snapshot
	rows map[*modelFamily]modelRows
}

// modelReader is something to read from, and the rows it must give.
type modelReader struct {
	name string
	r    lifecycleReader
	rows modelRows
	f    *modelFamily
	snap *modelSnapshot // nil: the newest state

	indexed *modelIndexed // nil: none over it
}

func (m *model) family() *modelFamily { return m.families[m.rnd.IntN(len(m.families))] }

// reader picks a family, or a snapshot or an indexed batch in a family; a DB stands for its default family at times.
func (m *model) reader() modelReader {
	f := m.family()
	if n := len(m.indexed); n > 0 && m.rnd.IntN(3) == 0 {
		return m.indexed[m.rnd.IntN(n)].reader(m, f)
	}
	if n := len(m.snaps); n > 0 && m.rnd.IntN(3) == 0 {
		s := m.snaps[m.rnd.IntN(n)]
		return modelReader{name: "snapshot in " + f.name, r: s.s.In(f.c), rows: s.rows[f], f: f, snap: s}
	}
	if f.name == "default" && m.rnd.IntN(2) == 0 {
		return modelReader{name: "the database", r: m.db, rows: f.rows, f: f}
	}
	return modelReader{name: "family " + f.name, r: f.c, rows: f.rows, f: f}
}

// Keys are short and of few letters, so that operations meet. Two ranges have a purpose: keys that
// begin with modelSingle are put only when absent and deleted only singly, as SingleDelete demands;
// those that begin with modelSum hold 8-byte numbers, as adding demands.
const (
	modelSingle    = "s"
	modelSingleEnd = "t"
	modelSum       = "u"
)

var modelLetters = []byte{0, 'a', 'b', 'c', 0x7f, 0xff}

// plainKey is a key without a purpose.
func (m *model) plainKey() []byte {
	n := m.rnd.IntN(4)
	if m.rnd.IntN(40) == 0 {
		n = 100 + m.rnd.IntN(200)
	}
	k := make([]byte, n)
	for i := range k {
		k[i] = modelLetters[m.rnd.IntN(len(modelLetters))]
	}
	if n >= 100 { // long ones must meet too
		return bytes.Repeat(k[:1], n/10*10)
	}
	return k
}

func (m *model) keyWith(prefix string) []byte {
	return fmt.Appendf(nil, "%s%d", prefix, m.rnd.IntN(12))
}

// anyKey is a key of any purpose, to read or to seek.
func (m *model) anyKey() []byte {
	switch m.rnd.IntN(6) {
	case 0:
		return m.keyWith(modelSingle)
	case 1:
		return m.keyWith(modelSum)
	default:
		return m.plainKey()
	}
}

// value is mostly small, at times beyond what Get copies twice or what one fill of an iterator holds.
func (m *model) value() []byte {
	n := m.rnd.IntN(30)
	switch m.rnd.IntN(100) {
	case 0, 1, 2, 3:
		n = 1000 + m.rnd.IntN(3000)
	case 4:
		n = 16<<10 - 2 + m.rnd.IntN(4)
	case 5:
		n = 100_000 + m.rnd.IntN(100_000)
	}
	v := make([]byte, n)
	for i := range v {
		v[i] = byte(m.rnd.Uint32())
	}
	return v
}

// bound is a bound of an iterator: nil, or any key.
func (m *model) bound() []byte {
	if m.rnd.IntN(2) == 0 {
		return nil
	}
	return m.anyKey()
}

// differ is a difference between the database and the model.
func differ(what string, got, want any) error {
	return fmt.Errorf("%s: %.200s, want %.200s", what, fmt.Sprint(got), fmt.Sprint(want))
}

// show is a key or value for a report: what is long is cut.
func show[T ~string | ~[]byte](b T) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q... of %d bytes", string(b[:40]), len(b))
	}
	return fmt.Sprintf("%q", string(b))
}
