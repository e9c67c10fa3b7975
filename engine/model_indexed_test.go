package engine_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelIndexed is an indexed batch and the records it must hold. What its reads must show is worked
// out from the rows of the database at the time.
type modelIndexed struct {
	b       *engine.IndexedBatch
	records []modelRecord
	saves   []int // lengths of records
	refused bool
	closed  bool
}

// of gives the rows of a family as the batch shows them.
func (x *modelIndexed) of(f *modelFamily) modelRows {
	rows := maps.Clone(f.rows)
	for _, r := range x.records {
		if r.f == f {
			r.apply(rows)
		}
	}
	return rows
}

// reader is the batch aimed at a family, by one of the ways.
func (x *modelIndexed) reader(m *model, f *modelFamily) modelReader {
	return modelReader{name: "indexed batch in " + f.name, r: x.aimed(m, f), rows: x.of(f), f: f, indexed: x}
}

func (x *modelIndexed) aimed(m *model, f *modelFamily) *engine.IndexedBatch {
	if f.name == "default" && m.rnd.IntN(2) == 0 {
		return x.b.In(m.families[0].c)
	}
	return x.b.In(f.c)
}

func (m *model) openIndexed() error {
	if len(m.indexed) >= 3 {
		return nil
	}
	b, err := m.db.NewIndexedBatch()
	if err == nil {
		m.indexed = append(m.indexed, &modelIndexed{b: b})
	}
	return err
}

func (m *model) closeIndexed() error {
	if len(m.indexed) == 0 {
		return nil
	}
	n := m.rnd.IntN(len(m.indexed))
	x := m.indexed[n]
	m.indexed = slices.Delete(m.indexed, n, n+1)
	x.closed = true
	err := errors.Join(x.b.In(m.family().c).Close(), x.b.Close())
	if _, e := x.b.Get(nil, nil); e != engine.ErrClosed || x.b.Put(nil, nil) != engine.ErrClosed || x.b.Count() != 0 {
		return differ("a closed indexed batch", e, engine.ErrClosed)
	}
	return err
}

// stage does something to an indexed batch.
func (m *model) stage() error {
	if len(m.indexed) == 0 {
		return m.openIndexed()
	}
	x := m.indexed[m.rnd.IntN(len(m.indexed))]
	for range 1 + m.rnd.IntN(4) {
		if err := x.step(m); err != nil {
			return err
		}
	}
	if n := x.b.Count(); n != len(x.records) {
		return differ("Count of an indexed batch", n, len(x.records))
	}
	return nil
}

func (x *modelIndexed) step(m *model) error {
	switch n := m.rnd.IntN(40); {
	case n == 0:
		m.note("  indexed: reset")
		x.b.Reset()
		x.records, x.saves, x.refused = nil, nil, false
		return nil
	case n < 4:
		m.note("  indexed: savepoint")
		x.saves = append(x.saves, len(x.records))
		return x.b.SetSavepoint()
	case n < 7:
		if len(x.saves) == 0 {
			return nil
		}
		m.note("  indexed: rollback")
		last := len(x.saves) - 1
		x.records, x.saves = x.records[:x.saves[last]:x.saves[last]], x.saves[:last]
		return x.b.RollbackToSavepoint()
	case n == 7:
		return x.append(m)
	case n == 8:
		return x.b.LogData(m.value())
	case n == 9 && m.rnd.IntN(8) == 0:
		x.refused = true
		m.note("  indexed: a record that is refused")
		if err := x.b.DeleteRange([]byte("b"), []byte("a")); !errors.Is(err, engine.ErrInvalidArgument) {
			return differ("DeleteRange of b to a", err, engine.ErrInvalidArgument)
		}
		return nil
	case n < 12:
		return x.check()
	default:
		return x.add(m, nil)
	}
}

// indexedWriter is what Batch and IndexedBatch have in common.
type indexedWriter interface {
	engine.Writer
	SingleDelete(key []byte) error
	DeleteRange(start, end []byte) error
}

// add puts a random record into the batch, or into other, which is then appended.
func (x *modelIndexed) add(m *model, other *engine.Batch) error {
	f := m.family()
	rows := x.of(f)
	r, ok := m.putRecord(f, rows), true
	switch m.rnd.IntN(8) {
	case 0:
		r = m.deleteRecord(f)
	case 1:
		r, ok = m.singleDeleteRecord(f, rows)
	case 2, 3:
		r, ok = m.mergeRecord(f)
	case 4:
		if m.rnd.IntN(3) == 0 {
			r = m.deleteRangeRecord(f)
		}
	}
	if !ok {
		return nil
	}
	m.note("  indexed: %v", r)
	var w indexedWriter = x.aimed(m, f)
	if other != nil {
		w = other.In(f.c)
	}
	x.records = append(x.records, r)
	switch r.kind {
	case engine.KindPut:
		return w.Put(r.key, r.value)
	case engine.KindDelete:
		return w.Delete(r.key)
	case engine.KindSingleDelete:
		return w.SingleDelete(r.key)
	case engine.KindMerge:
		return w.Merge(r.key, r.value)
	default:
		return w.DeleteRange(r.key, r.value)
	}
}

func (x *modelIndexed) append(m *model) error {
	m.note("  indexed: append")
	other := new(engine.Batch)
	for range m.rnd.IntN(5) {
		if err := x.add(m, other); err != nil {
			return err
		}
	}
	return x.b.Append(other)
}

// check compares the records that the batch tells of.
func (x *modelIndexed) check() error {
	i := 0
	for r := range x.b.Records() {
		if r.Kind == engine.KindLogData {
			continue
		}
		w := x.records[i]
		if r.Kind != w.kind || r.Family != w.f.c.ID() || !bytes.Equal(r.Key, w.key) || !bytes.Equal(r.Value, w.value) {
			return differ("a record of an indexed batch", r, w)
		}
		i++
	}
	if i != len(x.records) || x.b.Size() != len(x.b.Repr()) {
		return differ("records of an indexed batch", i, len(x.records))
	}
	return nil
}

// fits reports whether the database still allows what the batch does: other writes came between, and
// keys that are deleted singly must not be put twice.
func (x *modelIndexed) fits(m *model) bool {
	all := map[*modelFamily]modelRows{}
	for _, r := range x.records {
		if !slices.Contains(m.families, r.f) {
			return false
		}
		if all[r.f] == nil {
			all[r.f] = maps.Clone(r.f.rows)
		}
		if strings.HasPrefix(string(r.key), modelSingle) && r.kind != engine.KindDeleteRange &&
			has(all[r.f], r.key) != (r.kind == engine.KindSingleDelete) {
			return false
		}
		r.apply(all[r.f])
	}
	return true
}

func (m *model) commitIndexed() error {
	if len(m.indexed) == 0 {
		return nil
	}
	x := m.indexed[m.rnd.IntN(len(m.indexed))]
	dropped := slices.ContainsFunc(x.records, func(r modelRecord) bool { return !slices.Contains(m.families, r.f) })
	if !x.refused && !dropped && !x.fits(m) {
		return nil
	}
	err := x.b.Commit(m.writeOptions())
	switch {
	case x.refused:
		if !errors.Is(err, engine.ErrInvalidArgument) {
			return differ("Commit of a batch that refused a record", err, engine.ErrInvalidArgument)
		}
	case dropped:
		if !errors.Is(err, engine.ErrFamilyDropped) && !errors.Is(err, engine.ErrFamilyNotFound) {
			return differ("Commit of a batch that names a dropped family", err, engine.ErrFamilyDropped)
		}
	case err != nil:
		return err
	default:
		for _, r := range x.records {
			r.apply(r.f.rows)
		}
	}
	return x.check() // Commit leaves it as it was
}
