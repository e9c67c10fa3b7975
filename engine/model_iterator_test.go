package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// modelIterator is an iterator and where it must stand: on row i, or in the gap before row i.
type modelIterator struct {
	it   *iterator.Iterator
	f    *modelFamily
	snap bool          // made from a snapshot: Refresh keeps its rows
	over *modelIndexed // made from an indexed batch
	all  modelRows
	modelRange
	rows []modelPair // of all, within the range

	fresh, on bool
	i         int
	chunk     iterator.Chunk
	kept      []keptRow
}

// keptRow is a row that was handed out for keeping.
type keptRow struct {
	key, value []byte
	want       modelPair
}

func (m *model) openIterator() error {
	if len(m.iters) >= 6 {
		return nil
	}
	r := m.reader()
	o, g := m.iterOptions(r)
	it, err := r.r.NewIter(o)
	if err != nil {
		return err
	}
	x := &modelIterator{it: it, f: r.f, snap: r.snap != nil, over: r.indexed, all: maps.Clone(r.rows), modelRange: g}
	x.reset()
	m.iters = append(m.iters, x)
	return nil
}

// openIterators opens some over one state, in families of which one may come twice.
func (m *model) openIterators() error {
	if len(m.iters) >= 4 {
		return nil
	}
	o, g := m.iterOptions(m.reader())
	families := make([]*modelFamily, 1+m.rnd.IntN(3))
	cfs := make([]*engine.ColumnFamily, len(families))
	for i := range families {
		families[i] = m.family()
		cfs[i] = families[i].c
	}
	its, err := engine.NewItersWith(o, cfs...)
	if err != nil {
		return err
	}
	for i, f := range families {
		x := &modelIterator{it: its[i], f: f, all: maps.Clone(f.rows), modelRange: g}
		x.reset()
		m.iters = append(m.iters, x)
	}
	return nil
}

func (m *model) closeIterator() error {
	if len(m.iters) == 0 {
		return nil
	}
	n := m.rnd.IntN(len(m.iters))
	x := m.iters[n]
	m.iters = slices.Delete(m.iters, n, n+1)
	if err := errors.Join(x.it.Close(), x.it.Close()); err != nil {
		return err
	}
	if x.on && string(x.it.Key()) != x.rows[x.i].key {
		return differ("Key after Close", show(x.it.Key()), show(x.rows[x.i].key))
	}
	if x.it.First() || x.it.Error() != engine.ErrClosed {
		return differ("First after Close", x.it.Error(), engine.ErrClosed)
	}
	return x.checkKept()
}

// checkKept looks whether rows that may be kept for ever are still what they were.
func (x *modelIterator) checkKept() error {
	for _, k := range x.kept {
		if string(k.key) != k.want.key || string(k.value) != k.want.value {
			return differ("a row that was kept", show(k.key)+" "+show(k.value), show(k.want.key)+" "+show(k.want.value))
		}
	}
	x.kept = nil
	return nil
}

func (m *model) moveIterator() error {
	if len(m.iters) == 0 {
		return nil
	}
	n := m.rnd.IntN(len(m.iters))
	x := m.iters[n]
	for range 1 + m.rnd.IntN(4) {
		if err := x.move(m, n); err != nil {
			return err
		}
	}
	return nil
}

func (x *modelIterator) move(m *model, n int) error {
	key := m.anyKey()
	if len(x.rows) > 0 && m.rnd.IntN(3) == 0 {
		key = []byte(x.rows[m.rnd.IntN(len(x.rows))].key)
	}
	ge := sort.Search(len(x.rows), func(i int) bool { return x.rows[i].key >= string(key) })
	gt := sort.Search(len(x.rows), func(i int) bool { return x.rows[i].key > string(key) })
	at := func(name string, ok bool, i int) error {
		m.note("  iterator %d: %s %s", n, name, show(key))
		x.fresh, x.on, x.i = false, i >= 0 && i < len(x.rows), min(max(i, 0), len(x.rows))
		return x.check(name, ok)
	}
	switch m.rnd.IntN(30) {
	case 0:
		return at("First", x.it.First(), 0)
	case 1:
		return at("Last", x.it.Last(), len(x.rows)-1)
	case 2, 3, 4:
		return at("SeekGE", x.it.SeekGE(key), ge)
	case 5, 6:
		return at("SeekLE", x.it.SeekLE(key), gt-1)
	case 7, 8:
		return at("SeekLT", x.it.SeekLT(key), ge-1)
	case 9, 10, 11, 12, 13, 14, 15:
		return at("Next", x.it.Next(), x.ahead())
	case 16, 17, 18, 19, 20, 21, 22:
		return at("Prev", x.it.Prev(), x.behind())
	case 23, 24:
		m.note("  iterator %d: NextChunk", n)
		return x.nextChunk(x.pick(m))
	case 25, 26:
		m.note("  iterator %d: PrevChunk", n)
		return x.prevChunk(x.pick(m))
	case 27:
		m.note("  iterator %d: walk", n)
		return x.walk(m, key, ge)
	case 28:
		x.setBounds(m, n)
	default:
		return x.refresh(m, n)
	}
	return nil
}

// ahead is the row that Next must give.
func (x *modelIterator) ahead() int {
	switch {
	case x.fresh:
		return 0
	case x.on:
		return x.i + 1
	default:
		return x.i
	}
}

// behind is the row that Prev must give.
func (x *modelIterator) behind() int {
	if x.fresh {
		return len(x.rows) - 1
	}
	return x.i - 1
}

// check compares a move's answer and all that the iterator tells of its position.
func (x *modelIterator) check(call string, ok bool) error {
	if ok != x.on || x.it.Valid() != x.on || x.it.Error() != nil {
		return differ(call, []any{ok, x.it.Valid(), x.it.Error()}, x.on)
	}
	key, value := x.it.Key(), x.it.Value()
	if !x.on {
		if key != nil || value != nil || x.it.KeyLen()+x.it.ValueLen() > 0 || x.it.HasPrefix(nil) || x.it.EqualKey(nil) {
			return differ(call, show(key), "a gap without a key")
		}
		return nil
	}
	row := x.rows[x.i]
	whole := len(x.all[row.key])
	if x.keysOnly {
		whole = 0
	}
	switch {
	case string(key) != row.key:
		return differ(call+": Key", show(key), show(row.key))
	case string(value) != row.value || (value == nil) != x.keysOnly:
		return differ(call+": Value", show(value), show(row.value))
	case key == nil || x.it.KeyLen() != len(row.key) || x.it.ValueLen() != whole:
		return differ(call+": lengths", []int{x.it.KeyLen(), x.it.ValueLen()}, []int{len(row.key), whole})
	case !x.it.HasPrefix(key[:len(key)/2]) || !x.it.EqualKey(key) || x.it.CompareKey(append(key, 0)) >= 0:
		return fmt.Errorf("%s: HasPrefix, EqualKey or CompareKey is wrong on %s", call, show(key))
	case !bytes.Equal(x.it.AppendKey([]byte("x")), append([]byte("x"), row.key...)):
		return differ(call+": AppendKey", show(x.it.AppendKey([]byte("x"))), show(row.key))
	}
	return nil
}

// pick gives the chunk to fill: the one filled before, or a new one whose rows are kept.
func (x *modelIterator) pick(m *model) *iterator.Chunk {
	if m.rnd.IntN(3) == 0 {
		taken := x.chunk.Take()
		for key, value := range taken.All() {
			x.kept = append(x.kept, keptRow{key, value, modelPair{string(key), string(value)}})
		}
	}
	return &x.chunk
}

func (x *modelIterator) nextChunk(c *iterator.Chunk) error {
	from := x.i
	if x.fresh {
		from = 0
	}
	ok := x.it.NextChunk(c)
	if err := x.checkChunk(c, ok, from < len(x.rows), func(n int) int { return from + n }); err != nil {
		return err
	}
	x.fresh, x.on, x.i = false, false, from+c.Len()
	return x.check("NextChunk", false)
}

func (x *modelIterator) prevChunk(c *iterator.Chunk) error {
	from := x.behind()
	if x.on {
		from = x.i
	}
	ok := x.it.PrevChunk(c)
	if err := x.checkChunk(c, ok, from >= 0, func(n int) int { return from - n }); err != nil {
		return err
	}
	x.fresh, x.on, x.i = false, false, from-c.Len()+1
	return x.check("PrevChunk", false)
}

// checkChunk compares the rows of a chunk; row gives the index of each among the iterator's rows.
func (x *modelIterator) checkChunk(c *iterator.Chunk, ok, want bool, row func(n int) int) error {
	if ok != want || ok != (c.Len() > 0) {
		return differ("a chunk", []any{ok, c.Len()}, want)
	}
	n := 0
	for key, value := range c.All() {
		i := row(n)
		if i < 0 || i >= len(x.rows) {
			return differ("a chunk", "a further row "+show(key), len(x.rows))
		}
		if string(key) != x.rows[i].key || string(value) != x.rows[i].value {
			return differ("a chunk", show(key)+" "+show(value), show(x.rows[i].key)+" "+show(x.rows[i].value))
		}
		if !bytes.Equal(c.Key(n), key) || !bytes.Equal(c.Value(n), value) || cap(key) != len(key) || cap(value) != len(value) {
			return fmt.Errorf("a chunk: row %d is another one by its index, or has room", n)
		}
		n++
	}
	return nil
}

// walk ranges in one of the three ways, to the end or to a break, and keeps the rows.
func (x *modelIterator) walk(m *model, key []byte, ge int) error {
	i, step, rows := 0, 1, x.it.All()
	switch m.rnd.IntN(3) {
	case 1:
		i, step, rows = len(x.rows)-1, -1, x.it.Backward()
	case 2:
		i, rows = ge, x.it.From(key)
	}
	left := m.rnd.IntN(2*len(x.rows) + 1)
	for k, v := range rows {
		if i < 0 || i >= len(x.rows) {
			return differ("a walk", "a further row "+show(k), len(x.rows))
		}
		if string(k) != x.rows[i].key || string(v) != x.rows[i].value {
			return differ("a walk", show(k)+" "+show(v), show(x.rows[i].key)+" "+show(x.rows[i].value))
		}
		if len(x.kept) < 100 {
			x.kept = append(x.kept, keptRow{k, v, x.rows[i]})
		}
		if left--; left < 0 {
			x.fresh, x.on, x.i = false, true, i
			return x.check("a walk with a break", true)
		}
		i += step
	}
	x.fresh, x.on, x.i = false, false, max(i, 0)
	if i >= 0 && i < len(x.rows) {
		return differ("a walk", "its end", show(x.rows[i].key))
	}
	return x.check("a walk", false)
}

// reset makes the iterator fresh, with the rows within its range.
func (x *modelIterator) reset() {
	x.rows = x.of(x.all)
	x.fresh, x.on, x.i = true, false, 0
}

func (x *modelIterator) setBounds(m *model, n int) {
	x.lower, x.upper, x.prefix = m.bound(), m.bound(), nil
	m.note("  iterator %d: SetBounds %s %s", n, show(x.lower), show(x.upper))
	x.it.SetBounds(x.lower, x.upper)
	x.reset()
}

// refresh shows the newest state, unless the iterator was made from a snapshot.
func (x *modelIterator) refresh(m *model, n int) error {
	if !slices.Contains(m.families, x.f) {
		return nil // dropped: there is no newest state
	}
	m.note("  iterator %d: Refresh", n)
	switch {
	case x.over != nil && x.over.closed:
		x.reset()
		if err := x.it.Refresh(); err != engine.ErrClosed {
			return differ("Refresh after the batch's Close", err, engine.ErrClosed)
		}
		return nil
	case x.over != nil:
		x.all = x.over.of(x.f)
	case !x.snap:
		x.all = maps.Clone(x.f.rows)
	}
	x.reset()
	return x.it.Refresh()
}
