package engine_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelRow is what the model knows of a key. gone: it is not there. loose: a SingleDelete of it would
// be a misuse, as it was put twice, merged into or deleted otherwise. After such a misuse lost tells
// that what the key has is nobody's promise.
type modelRow struct {
	value             string
	gone, loose, lost bool
}

// there tells whether the key has a value for certain.
func (r modelRow) there() bool { return !r.gone && !r.lost }

// modelDB is what a database holds, by family number and key, worked out record by record.
type modelDB map[uint32]map[string]modelRow

func (m modelDB) family(id uint32) map[string]modelRow {
	if m[id] == nil {
		m[id] = map[string]modelRow{}
	}
	return m[id]
}

func (m modelDB) clone() modelDB {
	c := modelDB{}
	for id, rows := range m {
		c[id] = maps.Clone(rows)
	}
	return c
}

// apply does to the model what r does to a database whose merge operator adds.
func (m modelDB) apply(r engine.Record) {
	rows := m.family(r.Family)
	key := string(r.Key)
	old, known := rows[key]
	switch r.Kind {
	case engine.KindPut:
		rows[key] = modelRow{value: string(r.Value), loose: known && (!old.gone || old.loose)}
	case engine.KindPutEntity:
		rows[key] = modelRow{value: defaultColumn(r.Columns()), loose: known && (!old.gone || old.loose)}
	case engine.KindDelete:
		rows[key] = modelRow{gone: true, loose: true}
	case engine.KindSingleDelete:
		rows[key] = modelRow{gone: true}
		if old.gone || old.loose {
			rows[key] = modelRow{loose: true, lost: true}
		}
	case engine.KindMerge:
		sum := addend(old.value) + addend(string(r.Value))
		rows[key] = modelRow{value: string(uint64le(sum)), loose: true, lost: old.lost}
	case engine.KindDeleteRange:
		maps.DeleteFunc(rows, func(k string, _ modelRow) bool { return k >= key && k < string(r.Value) })
	}
}

// addend reads a number as RocksDB's adding operator does: what is not 8 bytes long is 0.
func addend(v string) uint64 {
	if len(v) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(v))
}

// expectModel compares what the family of that number holds with the model.
func expectModel(t *testing.T, what string, r engine.Reader, want map[string]modelRow) {
	t.Helper()
	got := rowsOf(t, r)
	for k, row := range want {
		v, ok := got[k]
		if row.there() != ok && !row.lost || row.there() && v != row.value {
			t.Fatalf("%s: %.40q is %.40q (there: %v), want %.40q", what, k, v, ok, row.value)
		}
		delete(got, k)
	}
	for k := range got {
		t.Fatalf("%s: %.40q is there", what, k)
	}
}

// randomRecord makes a record in one of the families, most often on one of few keys.
func randomRecord(r *rand.Rand, families []uint32) engine.Record {
	key := func() []byte {
		if r.IntN(20) == 0 {
			return valueOf(r.IntN(300))
		}
		return []byte{byte('a' + r.IntN(8)), byte('a' + r.IntN(4))}[:r.IntN(3)]
	}
	rec := engine.Record{Family: families[r.IntN(len(families))], Key: key(), Value: []byte{}}
	switch n := r.IntN(20); {
	case n < 8:
		rec.Kind, rec.Value = engine.KindPut, valueOf([]int{0, 1, 8, 127, 128, 300}[r.IntN(6)])
	case n < 12:
		rec.Kind, rec.Value = engine.KindDelete, nil
	case n < 14:
		rec.Kind, rec.Value = engine.KindSingleDelete, nil
	case n < 17:
		rec.Kind, rec.Value = engine.KindMerge, uint64le(r.Uint64N(1000))
	case n < 19:
		rec.Kind, rec.Value = engine.KindDeleteRange, key()
		if bytes.Compare(rec.Key, rec.Value) > 0 {
			rec.Key, rec.Value = rec.Value, rec.Key
		}
	default:
		rec = engine.Record{Kind: engine.KindLogData, Value: valueOf(r.IntN(200))}
	}
	return rec
}

// add puts a record into a batch, through the view of its family.
func add(b *engine.Batch, families map[uint32]*engine.ColumnFamily, r engine.Record) error {
	if c := families[r.Family]; c != nil && r.Kind != engine.KindLogData {
		b = b.In(c)
	}
	switch r.Kind {
	case engine.KindPut:
		return b.Put(r.Key, r.Value)
	case engine.KindDelete:
		return b.Delete(r.Key)
	case engine.KindSingleDelete:
		return b.SingleDelete(r.Key)
	case engine.KindMerge:
		return b.Merge(r.Key, r.Value)
	case engine.KindDeleteRange:
		return b.DeleteRange(r.Key, r.Value)
	default:
		return b.LogData(r.Value)
	}
}

func sameRecord(a, b engine.Record) bool {
	return a.Kind == b.Kind && a.Family == b.Family && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

// expectRecords compares what a batch holds with a list, and its count and size with what follows.
func expectRecords(t *testing.T, what string, b *engine.Batch, want []engine.Record) {
	t.Helper()
	got := slices.Collect(b.Records())
	if !slices.EqualFunc(got, want, sameRecord) {
		t.Fatalf("%s: %d records, want %d: %.300v", what, len(got), len(want), got)
	}
	count := 0
	for _, r := range want {
		if r.Kind != engine.KindLogData {
			count++
		}
	}
	if b.Count() != count || b.Size() != len(b.Repr()) {
		t.Fatalf("%s: count %d, want %d; size %d of %d bytes", what, b.Count(), count, b.Size(), len(b.Repr()))
	}
}

// openFamilies opens a database in which every family adds, and gives them by number, 0 being nil:
// the batch itself.
func openFamilies(t *testing.T, dir string) (*engine.DB, map[uint32]*engine.ColumnFamily) {
	t.Helper()
	db := openDir(t, dir, &engine.Options{FamilyOptions: adding, Families: map[string]engine.FamilyOptions{"one": adding, "two": adding}})
	byID := map[uint32]*engine.ColumnFamily{}
	for _, c := range db.ColumnFamilies() {
		if c.Name() != "default" {
			byID[c.ID()] = c
		}
	}
	return db, byID
}

// readerOf is the family of that number in db.
func readerOf(db *engine.DB, families map[uint32]*engine.ColumnFamily, id uint32) engine.Reader {
	if id == 0 {
		return db
	}
	return families[id]
}
