package engine_test

import (
	"bytes"
	"errors"
	"maps"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelBatch is a batch under construction, with the records it must hold and the rows that the
// families would have after it.
type modelBatch struct {
	m *model
	b *engine.Batch
	batchState
	saves []batchState
}

// batchState is what a savepoint goes back to.
type batchState struct {
	records []modelRecord
	rows    map[*modelFamily]modelRows // of the families changed so far
	refused bool                       // a record
	gone    bool                       // a record names a dropped family
}

func (s batchState) clone() batchState {
	c := batchState{append([]modelRecord(nil), s.records...), map[*modelFamily]modelRows{}, s.refused, s.gone}
	for f, rows := range s.rows {
		c.rows[f] = maps.Clone(rows)
	}
	return c
}

// of gives the rows of a family as the batch leaves them.
func (b *modelBatch) of(f *modelFamily) modelRows {
	if b.rows[f] == nil {
		b.rows[f] = maps.Clone(f.rows)
	}
	return b.rows[f]
}

// batch builds a batch, checks what it tells of itself, and writes it.
func (m *model) batch() error {
	b := &modelBatch{m: m, b: m.db.NewBatch(), batchState: batchState{rows: map[*modelFamily]modelRows{}}}
	if m.rnd.IntN(3) == 0 {
		b.b = new(engine.Batch)
	}
	for range m.rnd.IntN(20) {
		if err := b.step(); err != nil {
			return err
		}
	}
	if err := b.check(); err != nil {
		return err
	}
	err := m.db.Write(b.b, m.writeOptions())
	if b.refused {
		if !errors.Is(err, engine.ErrInvalidArgument) {
			return differ("Write of a batch that refused a record", err, engine.ErrInvalidArgument)
		}
		return nil
	}
	if b.gone {
		if !errors.Is(err, engine.ErrFamilyDropped) && !errors.Is(err, engine.ErrFamilyNotFound) { // by handle, by number
			return differ("Write of a batch that names a dropped family", err, engine.ErrFamilyDropped)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for f, rows := range b.rows {
		f.rows = rows
	}
	return b.check() // Write leaves it as it was
}

func (b *modelBatch) step() error {
	switch n := b.m.rnd.IntN(30); n {
	case 0, 1:
		return b.savepoint()
	case 2:
		return b.rollback()
	case 3:
		b.m.note("  log data")
		return b.b.LogData(b.m.value())
	case 4:
		return b.parse()
	case 5:
		return b.append()
	case 6:
		if b.m.rnd.IntN(5) == 0 {
			b.m.note("  reset")
			b.b.Reset()
			b.batchState = batchState{rows: map[*modelFamily]modelRows{}}
			b.saves = nil
		}
		return nil
	case 7:
		if b.m.rnd.IntN(8) == 0 {
			return b.refuse()
		}
		return nil
	case 8:
		if len(b.m.gone) > 0 && b.m.rnd.IntN(6) == 0 {
			return errors.Join(b.savepoint(), b.addGone(), b.rollback())
		}
		if len(b.m.gone) > 0 && b.m.rnd.IntN(12) == 0 {
			return b.addGone()
		}
		return nil
	default:
		return b.add(b.b)
	}
}

// addGone adds a record of a dropped family: Write refuses the batch, unless the record is rolled back.
func (b *modelBatch) addGone() error {
	c := b.m.gone[b.m.rnd.IntN(len(b.m.gone))]
	r := modelRecord{engine.KindPut, &modelFamily{name: c.Name(), c: c}, b.m.plainKey(), b.m.value()}
	b.m.note("  batch: %v, which is dropped", r)
	b.gone = true
	b.records = append(b.records, r)
	if b.m.rnd.IntN(2) == 0 {
		return b.b.In(c).Put(r.key, r.value)
	}
	other := new(engine.Batch)
	return errors.Join(other.In(c).Put(r.key, r.value), b.b.Append(other))
}

// add puts a random record into dst, which is the batch or is appended to it before anything else.
func (b *modelBatch) add(dst *engine.Batch) error {
	f := b.m.family()
	r, ok := b.m.putRecord(f, b.of(f)), true
	switch b.m.rnd.IntN(8) {
	case 0:
		r = b.m.deleteRecord(f)
	case 1:
		r, ok = b.m.singleDeleteRecord(f, b.of(f))
	case 2:
		r, ok = b.m.mergeRecord(f)
	case 3:
		if b.m.rnd.IntN(3) == 0 {
			r = b.m.deleteRangeRecord(f)
		}
	}
	if !ok {
		return nil
	}
	b.m.note("  batch: %v", r)
	if f.name != "default" || b.m.rnd.IntN(2) == 0 {
		dst = dst.In(f.c)
	}
	var err error
	switch r.kind {
	case engine.KindPut:
		err = dst.Put(r.key, r.value)
	case engine.KindDelete:
		err = dst.Delete(r.key)
	case engine.KindSingleDelete:
		err = dst.SingleDelete(r.key)
	case engine.KindMerge:
		err = dst.Merge(r.key, r.value)
	case engine.KindDeleteRange:
		err = dst.DeleteRange(r.key, r.value)
	}
	r.apply(b.of(f))
	b.records = append(b.records, r)
	return err
}

func (b *modelBatch) savepoint() error {
	b.m.note("  savepoint")
	b.saves = append(b.saves, b.clone())
	return b.b.SetSavepoint()
}

func (b *modelBatch) rollback() error {
	if len(b.saves) == 0 {
		return nil
	}
	b.m.note("  rollback")
	refused := b.refused
	b.batchState = b.saves[len(b.saves)-1]
	b.refused = refused // such an error stays
	b.saves = b.saves[:len(b.saves)-1]
	return b.b.RollbackToSavepoint()
}

// parse goes on with a copy that was made out of the bytes.
func (b *modelBatch) parse() error {
	if b.refused {
		return nil // the copy would not know of it
	}
	b.m.note("  parse")
	parsed, err := engine.ParseBatch(b.b.Repr())
	if err == nil {
		b.b, b.saves = parsed, nil
	}
	return err
}

// append adds records by way of another batch.
func (b *modelBatch) append() error {
	b.m.note("  append")
	other := new(engine.Batch)
	for range b.m.rnd.IntN(5) {
		if err := b.add(other); err != nil {
			return err
		}
	}
	return b.b.Append(other)
}

// refuse gives the batch a record that it must not take.
func (b *modelBatch) refuse() error {
	b.m.note("  a record that is refused")
	b.refused = true
	if err := b.b.In(b.m.family().c).DeleteRange([]byte("b"), []byte("a")); !errors.Is(err, engine.ErrInvalidArgument) {
		return differ("DeleteRange of b to a", err, engine.ErrInvalidArgument)
	}
	return nil
}

// check compares what the batch tells of itself.
func (b *modelBatch) check() error {
	if n := b.b.Count(); n != len(b.records) {
		return differ("Count", n, len(b.records))
	}
	if repr := b.b.Repr(); len(repr) != b.b.Size() {
		return differ("Size", b.b.Size(), len(repr))
	}
	i := 0
	for r := range b.b.Records() {
		if r.Kind == engine.KindLogData {
			continue
		}
		w := b.records[i]
		if r.Kind != w.kind || r.Family != w.f.c.ID() || !bytes.Equal(r.Key, w.key) || !bytes.Equal(r.Value, w.value) {
			return differ("a record", r, w)
		}
		i++
	}
	if i != len(b.records) {
		return differ("records", i, len(b.records))
	}
	return nil
}
