package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/rockbridge-db/rockbridge/engine"
)

func (m *model) readOptions() *engine.ReadOptions {
	switch m.rnd.IntN(8) {
	case 0:
		return &engine.ReadOptions{NoFillCache: true}
	case 1:
		return &engine.ReadOptions{NoVerifyChecksums: true}
	case 2:
		return &engine.ReadOptions{Context: context.Background()}
	case 3:
		return &engine.ReadOptions{CacheOnly: true}
	default:
		return nil
	}
}

// get reads one key in each of the ways.
func (m *model) get() error {
	r, key := m.reader(), m.anyKey()
	want, there := r.rows[string(key)]
	o := m.readOptions()
	m.note("  %s from %s, %+v", show(key), r.name, o)
	judge := func(call string, got []byte, err error) error {
		switch {
		case o != nil && o.CacheOnly && errors.Is(err, engine.ErrWouldBlock):
			return nil
		case err == engine.ErrNotFound && !there:
			return nil
		case err != nil:
			return differ(call, err, show(want))
		case !there:
			return differ(call, show(got), engine.ErrNotFound)
		case string(got) != want:
			return differ(call, show(got), show(want))
		}
		return nil
	}
	v, err := r.r.Get(key, o)
	if err == nil && v == nil {
		return differ("Get", "nil without an error", show(want))
	}
	if err := judge("Get", v, err); err != nil {
		return err
	}
	dst := append(make([]byte, 0, 3+m.rnd.IntN(50)), "dst"...)
	v, err = r.r.GetAppend(dst, key, o)
	if !bytes.HasPrefix(v, []byte("dst")) {
		return differ("GetAppend", show(v), "dst in front")
	}
	if err := judge("GetAppend", v[3:], err); err != nil {
		return err
	}
	v = nil
	err = r.r.GetPinned(key, o, func(lent []byte) error {
		v = bytes.Clone(lent)
		return nil
	})
	if err := judge("GetPinned", v, err); err != nil {
		return err
	}
	found, err := r.r.Has(key, o)
	if o != nil && o.CacheOnly && errors.Is(err, engine.ErrWouldBlock) {
		return nil
	}
	if found != there || err != nil {
		return differ("Has", []any{found, err}, there)
	}
	return nil
}

// multiGet reads many keys at once, of one reader and of several families.
func (m *model) multiGet() error {
	r, o := m.reader(), m.readOptions()
	keys := make([][]byte, m.rnd.IntN(100))
	for i := range keys {
		keys[i] = m.anyKey()
	}
	m.note("  %d keys from %s, %+v", len(keys), r.name, o)
	values, err := r.r.MultiGet(keys, o)
	if err != nil || len(values) != len(keys) {
		return differ("values of MultiGet", []any{len(values), err}, len(keys))
	}
	for i, v := range values {
		want, there := r.rows[string(keys[i])]
		if err := judgeValue(v, want, there, o); err != nil {
			return fmt.Errorf("MultiGet of %s: %w", show(keys[i]), err)
		}
	}
	families := make([]*modelFamily, len(keys))
	mixed := make([]engine.FamilyKey, len(keys))
	for i := range mixed {
		families[i] = m.family()
		mixed[i] = engine.FamilyKey{Family: families[i].c, Key: keys[i]}
	}
	var s familiesReader = m.db
	shown := func(f *modelFamily) modelRows { return f.rows }
	switch {
	case r.snap != nil:
		s, shown = r.snap.s, func(f *modelFamily) modelRows { return r.snap.rows[f] }
	case r.indexed != nil:
		s, shown = r.indexed.b, r.indexed.of
	}
	values, err = s.MultiGetFamilies(mixed, o)
	if err != nil || len(values) != len(keys) {
		return differ("values of MultiGetFamilies", []any{len(values), err}, len(keys))
	}
	for i, v := range values {
		want, there := shown(families[i])[string(keys[i])]
		if err := judgeValue(v, want, there, o); err != nil {
			return fmt.Errorf("MultiGetFamilies of %s in %s: %w", show(keys[i]), families[i].name, err)
		}
	}
	return nil
}

// modelRange is what an iterator shows of its family's rows.
type modelRange struct {
	lower, upper, prefix []byte
	keysOnly             bool
	cut                  int // values are cut after so many bytes; 0: whole
}

func (g modelRange) of(all modelRows) []modelPair {
	var rows []modelPair
	for _, row := range all.sorted(g.lower, g.upper) {
		if !bytes.HasPrefix([]byte(row.key), g.prefix) {
			continue
		}
		if g.keysOnly {
			row.value = ""
		} else if g.cut > 0 && len(row.value) > g.cut {
			row.value = row.value[:g.cut]
		}
		rows = append(rows, row)
	}
	return rows
}

// iterOptions are random, with the range that they mean.
func (m *model) iterOptions(r modelReader) (*engine.IterOptions, modelRange) {
	g := modelRange{lower: m.bound(), upper: m.bound()}
	o := &engine.IterOptions{NoFillCache: m.rnd.IntN(8) == 0}
	switch m.rnd.IntN(8) {
	case 0:
		g.prefix = m.anyKey()
	case 1:
		g.keysOnly = true
	case 2:
		g.cut = 1 + m.rnd.IntN(40)
	case 3:
		o.ReadAhead = 64 << 10
	case 4:
		g.upper = []byte{} // an empty range
	}
	o.LowerBound, o.UpperBound, o.Prefix = g.lower, g.upper, g.prefix
	o.KeysOnly, o.ValuesUpTo = g.keysOnly, g.cut
	m.note("  from %s, %s to %s, prefix %s", r.name, show(g.lower), show(g.upper), show(g.prefix))
	if m.plant != nil {
		m.plant(o)
	}
	return o, g
}

// limited sets a limit at times.
func (m *model) limited(o *engine.IterOptions, rows []modelPair) []modelPair {
	if m.rnd.IntN(3) > 0 {
		return rows
	}
	o.Limit = 1 + m.rnd.IntN(20)
	return rows[:min(len(rows), o.Limit)]
}

// scan ranges over rows to their end or to a break.
func (m *model) scan() error {
	r := m.reader()
	o, g := m.iterOptions(r)
	want := m.limited(o, g.of(r.rows))
	rows, done := engine.Scan(r.r, o)
	stop := len(want) + 1
	if m.rnd.IntN(4) == 0 {
		stop = m.rnd.IntN(len(want) + 1)
	}
	for range 1 + m.rnd.IntN(2) { // the same again at times
		i := 0
		for key, value := range rows {
			if i >= len(want) {
				return differ("Scan", "a further row "+show(key), len(want))
			}
			if string(key) != want[i].key || string(value) != want[i].value {
				return differ("Scan", show(key)+" "+show(value), show(want[i].key)+" "+show(want[i].value))
			}
			if i++; i == stop {
				break
			}
		}
		if err := done(); err != nil {
			return err
		}
		if i < min(stop, len(want)) {
			return differ("rows of Scan", i, len(want))
		}
	}
	return nil
}

// count compares the sums with those of the model.
func (m *model) count() error {
	r := m.reader()
	o, g := m.iterOptions(r)
	want := m.limited(o, g.of(r.rows))
	keys, values := int64(0), int64(0)
	for _, row := range want {
		keys += int64(len(row.key))
		values += int64(len(row.value))
	}
	n, keyBytes, valueBytes, err := engine.Count(context.Background(), r.r, o)
	if err != nil {
		return err
	}
	if n != int64(len(want)) || keyBytes != keys || valueBytes != values {
		return differ("Count", []int64{n, keyBytes, valueBytes}, []int64{int64(len(want)), keys, values})
	}
	return nil
}

// compareFamily reads all rows of a family out of a reader.
func compareFamily(r engine.Reader, name string, want modelRows) error {
	n := 0
	rows, done := engine.Scan(r, nil)
	for key, value := range rows {
		w, ok := want[string(key)]
		if !ok {
			return differ("family "+name, show(key), "no such row")
		}
		if w != string(value) {
			return differ("family "+name+", row "+show(key), show(value), show(w))
		}
		n++
	}
	if err := done(); err != nil {
		return err
	}
	if n != len(want) {
		return differ("rows of family "+name, n, len(want))
	}
	return nil
}

func (m *model) compareAll() error {
	for _, f := range m.families {
		if err := compareFamily(f.c, f.name, f.rows); err != nil {
			return err
		}
		for _, s := range m.snaps {
			if err := compareFamily(s.s.In(f.c), f.name+" in a snapshot", s.rows[f]); err != nil {
				return err
			}
		}
		for _, x := range m.indexed {
			if err := compareFamily(x.b.In(f.c), f.name+" in an indexed batch", x.of(f)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) openSnapshot() error {
	if len(m.snaps) >= 4 {
		return nil
	}
	s, err := m.db.NewSnapshot()
	if err == nil {
		m.snaps = append(m.snaps, &modelSnapshot{s, m.state()})
	}
	return err
}

// state is a copy of all the rows.
func (m *model) state() map[*modelFamily]modelRows {
	all := map[*modelFamily]modelRows{}
	for _, f := range m.families {
		all[f] = maps.Clone(f.rows)
	}
	return all
}

func (m *model) closeSnapshot() error {
	if len(m.snaps) == 0 {
		return nil
	}
	i := m.rnd.IntN(len(m.snaps))
	s := m.snaps[i]
	m.snaps = append(m.snaps[:i], m.snaps[i+1:]...)
	err := s.s.Close()
	if _, e := s.s.In(m.family().c).Get(nil, nil); e != engine.ErrClosed {
		return differ("a closed snapshot", e, engine.ErrClosed)
	}
	return err
}

// view writes while it looks at the state before.
func (m *model) view() error {
	before, f := m.state(), m.family()
	return m.db.View(context.Background(), func(s *engine.Snapshot) error {
		if err := m.direct(m.putRecord(f, f.rows)); err != nil {
			return err
		}
		return compareFamily(s.In(f.c), f.name+" in a view", before[f])
	})
}
