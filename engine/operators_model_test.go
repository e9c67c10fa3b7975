package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	operatorOps  = flag.Int("operators.ops", 600, "operations of each model of a merge operator; a third with -short")
	operatorSeed = flag.Uint64("operators.seed", 0, "their seed; 0: a new one each time")
)

// operatorModel is a merge operator as a few lines of Go: what a value, nil if absent, becomes by one
// operand, and which operands and values are tried.
type operatorModel struct {
	name    string
	merge   func(value, operand []byte) []byte
	operand func(*rand.Rand) []byte
	value   func(*rand.Rand) []byte
}

func integerModel(name string, f func(a, b int64) int64) operatorModel {
	number := func(r *rand.Rand) []byte {
		n := int64(r.Uint64())
		return engine.EncodeInt64(n >> r.IntN(64))
	}
	return operatorModel{name: name, operand: number, value: number, merge: func(value, operand []byte) []byte {
		if value == nil {
			return operand
		}
		if len(value) != 8 {
			return value
		}
		return engine.EncodeInt64(f(int64(binary.LittleEndian.Uint64(value)), int64(binary.LittleEndian.Uint64(operand))))
	}}
}

func appendModel(delimiter string) operatorModel {
	return operatorModel{
		name: engine.AppendDelimited(delimiter), operand: shortBytes, value: shortBytes,
		merge: func(value, operand []byte) []byte {
			if value == nil {
				return operand
			}
			return slices.Concat(value, []byte(delimiter), operand)
		},
	}
}

func listModel(n int) operatorModel {
	entries := func(r *rand.Rand) []byte { return engine.EncodeList(shortEntries(r)...) }
	return operatorModel{
		name: engine.BoundedList(uint32(n)), operand: entries, value: entries,
		merge: func(value, operand []byte) []byte {
			old, err := engine.DecodeList(value)
			more, err2 := engine.DecodeList(operand)
			if err != nil || err2 != nil {
				return value
			}
			all := append(old, more...)
			return engine.EncodeList(all[max(0, len(all)-n):]...)
		},
	}
}

func setModel() operatorModel {
	entries := func(r *rand.Rand) []byte { return engine.EncodeSet(shortEntries(r)...) }
	return operatorModel{
		name: engine.SetUnion, operand: entries, value: entries,
		merge: func(value, operand []byte) []byte {
			old, err := engine.DecodeSet(value)
			if err != nil {
				return value
			}
			more, err := engine.DecodeSet(operand)
			if err != nil {
				return value
			}
			return engine.EncodeSet(append(old, more...)...)
		},
	}
}

func operatorModels() []operatorModel {
	return []operatorModel{
		integerModel(engine.Int64Add, func(a, b int64) int64 { return a + b }),
		integerModel(engine.Int64Max, func(a, b int64) int64 { return max(a, b) }),
		integerModel(engine.Int64Min, func(a, b int64) int64 { return min(a, b) }),
		appendModel(","), appendModel(""), appendModel("; {}=:\\#\n\x00\xff"),
		listModel(1), listModel(5), setModel(),
	}
}

func shortBytes(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(5))
	for i := range b {
		b[i] = byte('a' + r.IntN(4))
	}
	return b
}

func shortEntries(r *rand.Rand) [][]byte {
	entries := make([][]byte, r.IntN(4))
	for i := range entries {
		entries[i] = shortBytes(r)
	}
	return entries
}

// operatorRun is a database with a family for one operator, and what the family must hold.
type operatorRun struct {
	operatorModel
	r     *rand.Rand
	dir   string
	db    *engine.DB
	c     *engine.ColumnFamily
	rows  map[string][]byte
	snaps []operatorSnapshot
}

type operatorSnapshot struct {
	s    *engine.Snapshot
	rows map[string][]byte
}

// open opens the family by its name in the options, or from the OPTIONS file.
func (m *operatorRun) open() (err error) {
	o := &engine.Options{}
	if m.db == nil || m.r.IntN(2) == 0 {
		o.Families = map[string]engine.FamilyOptions{"f": {MergeOperator: m.name}}
	}
	if m.db, err = engine.Open(m.dir, o); err != nil {
		return err
	}
	m.c, err = m.db.ColumnFamily("f")
	return err
}

func (m *operatorRun) key() string { return string(rune('a' + m.r.IntN(4))) }

func (m *operatorRun) merged(key string, operand []byte) {
	v := m.merge(m.rows[key], operand)
	m.rows[key] = append([]byte{}, v...)
}

// put sets a key to a value that suits the operator, or now and then to one that does not.
func (m *operatorRun) put(w engine.Writer) error {
	key, v := m.key(), m.value(m.r)
	if m.r.IntN(8) == 0 {
		v = append(shortBytes(m.r), "!!!!!"...)
	}
	m.rows[key] = append([]byte{}, v...)
	return w.Put([]byte(key), v)
}

func (m *operatorRun) write(w engine.Writer) error {
	switch n := m.r.IntN(12); {
	case n == 0:
		key := m.key()
		delete(m.rows, key)
		return w.Delete([]byte(key))
	case n == 1:
		return m.put(w)
	}
	key, operand := m.key(), m.operand(m.r)
	m.merged(key, operand)
	return w.Merge([]byte(key), operand)
}

// batch commits some writes at once: a batch aimed at the family, or the same parsed from bytes, whose
// operands Write has to look at.
func (m *operatorRun) batch() error {
	b := m.db.NewBatch()
	for range m.r.IntN(6) {
		if err := m.write(b.In(m.c)); err != nil {
			return err
		}
	}
	if m.r.IntN(2) == 0 {
		var err error
		if b, err = engine.ParseBatch(b.Repr()); err != nil {
			return err
		}
	}
	return m.db.Write(b, nil)
}

func (m *operatorRun) deleteRange() error {
	clear(m.rows)
	return m.c.DeleteRange([]byte("a"), []byte("z"), nil)
}

func (m *operatorRun) takeSnapshot() error {
	s, err := m.db.NewSnapshot()
	if err != nil {
		return err
	}
	rows := map[string][]byte{}
	for k, v := range m.rows {
		rows[k] = v
	}
	m.snaps = append(m.snaps, operatorSnapshot{s, rows})
	return nil
}

func (m *operatorRun) dropSnapshots() {
	for _, s := range m.snaps {
		s.s.Close()
	}
	m.snaps = nil
}

func (m *operatorRun) reopen() error {
	m.dropSnapshots()
	return errors.Join(m.db.Close(), m.open())
}

// compare reads all keys in all ways, now and in the snapshots.
func (m *operatorRun) compare() error {
	err := compareRows("newest", m.c, m.rows)
	for _, s := range m.snaps {
		err = errors.Join(err, compareRows("snapshot", s.s.In(m.c), s.rows))
	}
	return err
}

func compareRows(what string, r engine.Reader, rows map[string][]byte) error {
	for key := 'a'; key < 'f'; key++ {
		want, there := rows[string(key)]
		got, err := r.Get([]byte(string(key)), nil)
		if there != (err == nil) || !there && err != engine.ErrNotFound || !bytes.Equal(got, want) {
			return fmt.Errorf("%s: %c is %x, %v; want %x, %v", what, key, got, err, want, there)
		}
	}
	n := 0
	scanned, done := engine.Scan(r, nil)
	for k, v := range scanned {
		n++
		if !bytes.Equal(v, rows[string(k)]) {
			return fmt.Errorf("%s: %s is scanned as %x, want %x", what, k, v, rows[string(k)])
		}
	}
	if n != len(rows) {
		return fmt.Errorf("%s: %d rows scanned, want %d", what, n, len(rows))
	}
	return done()
}

func (m *operatorRun) step() error {
	switch n := m.r.IntN(100); {
	case n < 70:
		return m.write(m.c.Writer(nil))
	case n < 80:
		return m.batch()
	case n < 86:
		return m.takeSnapshot()
	case n < 88:
		m.dropSnapshots()
		return nil
	case n < 89:
		return m.deleteRange()
	case n < 95:
		return m.c.Flush()
	case n < 97:
		return m.c.Compact(nil, nil, nil)
	case n < 99:
		return m.reopen()
	}
	return m.compare()
}

func TestEachMergeOperatorDoesAsItsModel(t *testing.T) {
	ops := *operatorOps
	if testing.Short() {
		ops /= 3
	}
	r, seed := seededRand(t, "operators.seed", *operatorSeed)
	for _, o := range operatorModels() {
		t.Run(o.name, func(t *testing.T) {
			m := &operatorRun{operatorModel: o, r: r, dir: filepath.Join(t.TempDir(), "db"), rows: map[string][]byte{}}
			if err := m.open(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				m.dropSnapshots()
				if err := m.db.Close(); err != nil {
					t.Error(err)
				}
			}()
			for n := range ops {
				if err := m.step(); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, n, err)
				}
			}
			if err := errors.Join(m.compare(), m.c.Flush(), m.c.Compact(nil, nil, nil), m.compare()); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}
