package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelRecord is one change, of a direct call or of a batch.
type modelRecord struct {
	kind       engine.RecordKind
	f          *modelFamily
	key, value []byte // value is the range's end for KindDeleteRange
}

// apply is what the change does to the rows of its family.
func (r modelRecord) apply(rows modelRows) {
	switch r.kind {
	case engine.KindPut:
		rows[string(r.key)] = string(r.value)
	case engine.KindDelete, engine.KindSingleDelete:
		delete(rows, string(r.key))
	case engine.KindDeleteRange:
		for k := range rows {
			if k >= string(r.key) && k < string(r.value) {
				delete(rows, k)
			}
		}
	case engine.KindMerge:
		n := binary.LittleEndian.Uint64(r.value)
		if old, ok := rows[string(r.key)]; ok {
			n += binary.LittleEndian.Uint64([]byte(old))
		}
		rows[string(r.key)] = string(binary.LittleEndian.AppendUint64(nil, n))
	}
}

func (r modelRecord) String() string {
	return fmt.Sprintf("%v %s %s %s", r.kind, r.f.name, show(r.key), show(r.value))
}

// putRecord sets a key of any purpose, in the way that purpose allows. rows is the family's state.
func (m *model) putRecord(f *modelFamily, rows modelRows) modelRecord {
	r := modelRecord{engine.KindPut, f, m.plainKey(), m.value()}
	switch m.rnd.IntN(6) {
	case 0:
		if k := m.keyWith(modelSingle); !has(rows, k) {
			r.key = k
		}
	case 1:
		r.key, r.value = m.keyWith(modelSum), binary.LittleEndian.AppendUint64(nil, m.rnd.Uint64())
	}
	return r
}

func has(rows modelRows, key []byte) bool {
	_, ok := rows[string(key)]
	return ok
}

func (m *model) deleteRecord(f *modelFamily) modelRecord {
	r := modelRecord{kind: engine.KindDelete, f: f, key: m.plainKey()}
	if m.rnd.IntN(5) == 0 {
		r.key = m.keyWith(modelSum)
	}
	return r
}

// singleDeleteRecord is false if no key is there that was put once.
func (m *model) singleDeleteRecord(f *modelFamily, rows modelRows) (modelRecord, bool) {
	k := m.keyWith(modelSingle)
	return modelRecord{kind: engine.KindSingleDelete, f: f, key: k}, has(rows, k)
}

// deleteRangeRecord spares the keys that are deleted singly.
func (m *model) deleteRangeRecord(f *modelFamily) modelRecord {
	start, end := m.anyKey(), m.anyKey()
	if bytes.Compare(start, end) > 0 {
		start, end = end, start
	}
	if string(start) < modelSingleEnd && string(end) > modelSingle {
		if string(start) < modelSingle {
			end = []byte(modelSingle)
		} else {
			start, end = []byte(modelSingleEnd), []byte(modelSum+"\xff")
		}
	}
	return modelRecord{engine.KindDeleteRange, f, start, end}
}

// mergeRecord is false if the family does not merge.
func (m *model) mergeRecord(f *modelFamily) (modelRecord, bool) {
	n := binary.LittleEndian.AppendUint64(nil, m.rnd.Uint64())
	return modelRecord{engine.KindMerge, f, m.keyWith(modelSum), n}, f.adds
}

// writeOptions are those that change nothing but what a crash would lose.
func (m *model) writeOptions() *engine.WriteOptions {
	switch m.rnd.IntN(12) {
	case 0:
		return engine.Sync
	case 1:
		return &engine.WriteOptions{DisableWAL: true}
	case 2:
		return &engine.WriteOptions{LowPriority: true}
	default:
		return nil
	}
}

// direct makes a change by a call of its own.
func (m *model) direct(r modelRecord) error {
	m.note("  %v", r)
	o := m.writeOptions()
	var w lifecycleWriter = r.f.c
	if r.f.name == "default" && m.rnd.IntN(2) == 0 {
		w = m.db
	}
	var err error
	switch r.kind {
	case engine.KindPut:
		if err = w.Put(r.key, r.value, o); !bytes.HasPrefix(r.key, []byte(modelSingle)) && m.rnd.IntN(8) == 0 {
			err = errors.Join(err, w.Writer(o).Put(r.key, r.value)) // the same again
		}
	case engine.KindDelete:
		err = w.Delete(r.key, o)
	case engine.KindSingleDelete:
		err = w.SingleDelete(r.key, o)
	case engine.KindDeleteRange:
		err = w.DeleteRange(r.key, r.value, o)
	case engine.KindMerge:
		err = w.Merge(r.key, r.value, o)
	}
	if err == nil {
		r.apply(r.f.rows)
	}
	return err
}

func (m *model) put() error {
	f := m.family()
	return m.direct(m.putRecord(f, f.rows))
}

func (m *model) delete() error { return m.direct(m.deleteRecord(m.family())) }

func (m *model) singleDelete() error {
	f := m.family()
	if r, ok := m.singleDeleteRecord(f, f.rows); ok {
		return m.direct(r)
	}
	return nil
}

func (m *model) deleteRange() error { return m.direct(m.deleteRangeRecord(m.family())) }

func (m *model) merge() error {
	if r, ok := m.mergeRecord(m.family()); ok {
		return m.direct(r)
	}
	return nil
}

// refusedWrite makes calls that must change nothing.
func (m *model) refusedWrite() error {
	f := m.family()
	var got error
	want := engine.ErrInvalidArgument
	switch m.rnd.IntN(5) {
	case 0:
		got = f.c.DeleteRange(m.plainKey(), nil, nil)
	case 1:
		got = f.c.DeleteRange([]byte("b"), []byte("a"), nil)
	case 2:
		if f.adds {
			return nil
		}
		got = f.c.Merge(m.plainKey(), m.value(), nil)
	case 3:
		got = f.c.Put(m.plainKey(), m.value(), &engine.WriteOptions{Sync: true, DisableWAL: true})
	case 4:
		want = engine.ErrTooLarge
		got = f.c.Put(make([]byte, engine.MaxKeySize+1), nil, nil)
	}
	if !errors.Is(got, want) {
		return differ("a call that must be refused", got, want)
	}
	return nil
}

func (m *model) writeToGone() error {
	if len(m.gone) == 0 {
		return nil
	}
	c := m.gone[m.rnd.IntN(len(m.gone))]
	b := m.db.NewBatch()
	b.In(m.families[0].c).Put(m.plainKey(), m.value())
	b.In(c).Put(m.plainKey(), m.value())
	_, read := c.Get(m.plainKey(), nil)
	for _, err := range []error{c.Put(m.plainKey(), nil, nil), m.db.Write(b, nil), read} {
		if !errors.Is(err, engine.ErrFamilyDropped) {
			return differ("dropped family "+c.Name(), err, engine.ErrFamilyDropped)
		}
	}
	return nil
}
