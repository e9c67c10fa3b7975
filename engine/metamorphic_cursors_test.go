package engine_test

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// metaCursor is an iterator that stays open over many operations.
type metaCursor struct {
	c      metaWalker
	family *engine.ColumnFamily
	batch  *engine.IndexedBatch // it was made from, or nil
	from   metamorphic.Op
}

// metaWalker moves over rows in one of the ways. What it answers does not depend on the way.
type metaWalker interface {
	move(how string, key []byte)
	// step goes on by n rows, and gives those it has gone to.
	step(n int, back bool) []scanned
	bounds(lower, upper []byte)
	refresh() error
	row() (row scanned, on bool)
	err() error
	close()
}

func (m *metaRun) iterator(o metamorphic.Op) (string, error) {
	r := m.reader(o)
	if r == nil {
		return "none", nil
	}
	i := o.Slot % metamorphic.Iterators
	if m.cursors[i] != nil {
		m.cursors[i].c.close()
		m.cursors[i] = nil
	}
	c := &metaCursor{family: m.families[o.Family], from: o}
	if b := m.batchOf(o); b != nil {
		c.batch = b
	}
	var err error
	if c.c, err = m.read.walker(m, r, metaOptions(o.Range)); err == nil {
		m.cursors[i] = c
	}
	return metaError(err), nil
}

func (d metaReader) walker(m *metaRun, r lifecycleReader, o *engine.IterOptions) (metaWalker, error) {
	if d.bare {
		w := &bareWalker{r: r, o: *o}
		return w, w.open()
	}
	if d.adapt != nil {
		d.adapt(m.n, o)
	}
	it, err := r.NewIter(o)
	if err != nil {
		return nil, err
	}
	if d.chunks {
		return &chunkWalker{stepWalker{it}}, nil
	}
	return &stepWalker{it}, nil
}

func (m *metaRun) uniterator(o metamorphic.Op) (string, error) {
	i := o.Slot % metamorphic.Iterators
	c := m.cursors[i]
	if c == nil {
		return "none", nil
	}
	c.c.close()
	m.cursors[i] = nil
	return metaError(c.c.err()), nil
}

func (m *metaRun) move(o metamorphic.Op) (string, error) {
	c := m.cursors[o.Slot%metamorphic.Iterators]
	if c == nil {
		return "none", nil
	}
	line := ""
	switch o.How {
	case "next", "prev":
		line = metaRows(c.c.step(max(o.N, 1), o.How == "prev")) + "; "
	case "bounds":
		c.c.bounds(o.Lower, o.Upper)
	case "refresh":
		// A family that was dropped, and a batch that was closed, have no newest state.
		if m.families[c.from.Family] != c.family || c.batch != nil && c.batch != m.batchOf(c.from) {
			return "none", nil
		}
		line = metaError(c.c.refresh()) + "; "
	default:
		c.c.move(o.How, o.Key)
	}
	if err := c.c.err(); err != nil {
		return line + metaError(err), nil
	}
	row, on := c.c.row()
	if !on {
		return line + "in a gap", nil
	}
	return fmt.Sprintf("%son %s, %s, %v", line, show(row.key), show(row.value), row.value == nil), nil
}

type stepWalker struct{ it *iterator.Iterator }

func (w *stepWalker) move(how string, key []byte) {
	switch how {
	case "first":
		w.it.First()
	case "last":
		w.it.Last()
	case "ge":
		w.it.SeekGE(key)
	case "le":
		w.it.SeekLE(key)
	case "lt":
		w.it.SeekLT(key)
	}
}

func (w *stepWalker) step(n int, back bool) (rows []scanned) {
	step := w.it.Next
	if back {
		step = w.it.Prev
	}
	for len(rows) < n && step() {
		rows = append(rows, scanned{w.it.Key(), w.it.Value()})
	}
	return rows
}

func (w *stepWalker) bounds(lower, upper []byte) { w.it.SetBounds(lower, upper) }
func (w *stepWalker) refresh() error             { return w.it.Refresh() }
func (w *stepWalker) err() error                 { return w.it.Error() }
func (w *stepWalker) close()                     { w.it.Close() }
func (w *stepWalker) row() (scanned, bool)       { return scanned{w.it.Key(), w.it.Value()}, w.it.Valid() }

// chunkWalker goes on by chunks. One that has more rows than were asked for is left by a seek to the last one asked
// for, or by a chunk back over the rows too many and a step.
type chunkWalker struct{ stepWalker }

func (w *chunkWalker) step(n int, back bool) (rows []scanned) {
	fill, seek := w.it.NextChunk, w.it.SeekGE
	if back {
		fill, seek = w.it.PrevChunk, w.it.SeekLE
	}
	again := w.it.Valid() // a chunk begins with the row that it stands on
	var c iterator.Chunk
	for fill(&c) {
		taken := c.Take()
		for key, value := range taken.All() {
			if again {
				again = false
				continue
			}
			if rows = append(rows, scanned{key, value}); len(rows) == n {
				seek(key)
				return rows
			}
		}
	}
	return rows
}

// bareWalker makes one call into C for each step.
type bareWalker struct {
	r      lifecycleReader
	o      engine.IterOptions
	c      *cbridge.Iter
	steps  *cbridge.StepIter
	place  int // -1 before all rows, 1 behind them, 0 on a row or nowhere yet
	failed error
}

func (w *bareWalker) open() (err error) {
	if w.c, err = engine.StepsOf(w.r, &engine.IterOptions{LowerBound: w.o.LowerBound, UpperBound: w.o.UpperBound, Prefix: w.o.Prefix}); err != nil {
		return err
	}
	w.fresh()
	return nil
}

func (w *bareWalker) fresh() { w.steps, w.place = cbridge.NewStepIter(w.c), 0 }

func (w *bareWalker) move(how string, key []byte) {
	ok, end := false, 1
	switch how {
	case "first":
		ok = w.steps.First()
	case "last":
		ok, end = w.steps.Last(), -1
	case "ge":
		ok = w.steps.Seek(cbridge.MoveGE, key)
	case "le":
		ok, end = w.steps.Seek(cbridge.MoveLE, key), -1
	case "lt":
		ok, end = w.steps.Seek(cbridge.MoveLT, key), -1
	}
	if w.place = 0; !ok {
		w.place = end
	}
}

func (w *bareWalker) step(n int, back bool) (rows []scanned) {
	far, once, again := 1, w.steps.Next, w.steps.First
	if back {
		far, once, again = -1, w.steps.Prev, w.steps.Last
	}
	for len(rows) < n {
		ok := false
		switch {
		case w.place == far:
		case w.steps.Valid():
			ok = once()
		default:
			ok = again()
		}
		if !ok {
			w.place = far
			return rows
		}
		w.place = 0
		row, _ := w.row()
		rows = append(rows, row)
	}
	return rows
}

func (w *bareWalker) bounds(lower, upper []byte) {
	w.failed = w.c.SetBounds(lower, upper)
	w.o.LowerBound, w.o.UpperBound, w.o.Prefix = lower, upper, nil
	w.fresh()
}

func (w *bareWalker) refresh() error {
	if _, frozen := w.r.(*engine.Snapshot); frozen {
		w.fresh()
		return nil
	}
	w.c.Free()
	return w.open()
}

func (w *bareWalker) row() (row scanned, on bool) {
	if w.place != 0 || !w.steps.Valid() {
		return row, false
	}
	row = scanned{w.steps.Key(), w.steps.Value()}
	switch {
	case w.o.KeysOnly:
		row.value = nil
	case w.o.ValuesUpTo > 0 && len(row.value) > w.o.ValuesUpTo:
		row.value = row.value[:w.o.ValuesUpTo]
	}
	return row, true
}

func (w *bareWalker) err() error {
	if w.failed != nil {
		return w.failed
	}
	return w.steps.Err()
}

func (w *bareWalker) close() { w.steps.Free() }
