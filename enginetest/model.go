package enginetest

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/rockbridge-db/rockbridge/engine"
)

// MergeFunc is what a family's merge operator does: it makes the new value of the old one, which is nil if the key is not there,
// and an operand. It must not keep or change the slices.
type MergeFunc func(old, operand []byte) []byte

// Model is what a family must hold: an ordered map in memory, in byte order, with the writes of a family. It is an engine.Writer, and
// so code that writes to one can write to both. One goroutine at a time may use it.
type Model struct {
	rows  map[string]string
	merge MergeFunc
}

var _ engine.Writer = (*Model)(nil)

// NewModel makes an empty model. Without a merge function it refuses Merge, as a family without an operator does.
func NewModel(merge MergeFunc) *Model { return &Model{map[string]string{}, merge} }

// Put sets key to value. It never fails.
func (m *Model) Put(key, value []byte) error {
	m.rows[string(key)] = string(value)
	return nil
}

// Delete deletes key. It never fails.
func (m *Model) Delete(key []byte) error {
	delete(m.rows, string(key))
	return nil
}

// DeleteRange deletes the keys in [start, end). ErrInvalidArgument for a nil end and a start above end.
func (m *Model) DeleteRange(start, end []byte) error {
	if end == nil || bytes.Compare(start, end) > 0 {
		return &engine.Error{Op: "model delete range", Code: engine.CodeInvalidArgument, Msg: "no range"}
	}
	maps.DeleteFunc(m.rows, func(k, _ string) bool { return k >= string(start) && k < string(end) })
	return nil
}

// Merge merges operand into key. ErrInvalidArgument if the model has no merge function.
func (m *Model) Merge(key, operand []byte) error {
	if m.merge == nil {
		return &engine.Error{Op: "model merge", Code: engine.CodeInvalidArgument, Msg: "no merge function"}
	}
	var old []byte
	if v, ok := m.rows[string(key)]; ok {
		old = append([]byte{}, v...)
	}
	m.rows[string(key)] = string(m.merge(old, operand))
	return nil
}

// Apply does what a batch does to family c, nil meaning the default one: records of other families are left to the models of those.
// On an error, of a merge or a range, the model is as it was.
func (m *Model) Apply(b *engine.Batch, c *engine.ColumnFamily) error {
	var family uint32
	if c != nil {
		family = c.ID()
	}
	after := m.Clone()
	for r := range b.Records() {
		if r.Family != family {
			continue
		}
		if err := after.apply(r); err != nil {
			return err
		}
	}
	m.rows = after.rows
	return nil
}

func (m *Model) apply(r engine.Record) error {
	switch r.Kind {
	case engine.KindPut:
		return m.Put(r.Key, r.Value)
	case engine.KindDelete, engine.KindSingleDelete:
		return m.Delete(r.Key)
	case engine.KindMerge:
		return m.Merge(r.Key, r.Value)
	case engine.KindDeleteRange:
		return m.DeleteRange(r.Key, r.Value)
	case engine.KindLogData:
		return nil
	}
	return fmt.Errorf("enginetest: a record of kind %v", r.Kind)
}

// Clone is a copy that does not change with m: the model of a snapshot or a checkpoint.
func (m *Model) Clone() *Model { return &Model{maps.Clone(m.rows), m.merge} }

// Len is the number of rows.
func (m *Model) Len() int { return len(m.rows) }

// Get is the value of key; ErrNotFound itself if it is not there.
func (m *Model) Get(key []byte) ([]byte, error) {
	v, ok := m.rows[string(key)]
	if !ok {
		return nil, engine.ErrNotFound
	}
	return append([]byte{}, v...), nil
}

// Rows ranges over the rows in ascending order, as they are when the loop begins.
func (m *Model) Rows() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for _, p := range m.sorted() {
			if !yield([]byte(p.key), []byte(p.value)) {
				return
			}
		}
	}
}

// pair is a row.
type pair struct{ key, value string }

// sorted gives the rows in order.
func (m *Model) sorted() []pair {
	rows := make([]pair, 0, len(m.rows))
	for _, k := range slices.Sorted(maps.Keys(m.rows)) {
		rows = append(rows, pair{k, m.rows[k]})
	}
	return rows
}
