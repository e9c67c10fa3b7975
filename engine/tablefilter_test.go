package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var tablesSeed = flag.Uint64("tables.seed", 0, "seed of the filters of tables; 0: a new one")

// aTable is a table file, or a memtable, as a model has it: what was written of a key last, and "" where it was deleted.
type aTable struct {
	rows   map[string]string
	number uint64 // 0: a memtable
}

// properties are those that the model knows.
func (f *aTable) properties() map[engine.TableProperty]uint64 {
	p := map[engine.TableProperty]uint64{
		engine.TableNumber: f.number, engine.TableEntries: uint64(len(f.rows)), engine.TableDeletions: 0, engine.TableKeySize: 0,
		engine.TableValueSize: 0, engine.TableMergeOperands: 0, engine.TableRangeDeletions: 0,
	}
	for k, v := range f.rows {
		p[engine.TableKeySize] += uint64(len(k)) + 8
		p[engine.TableValueSize] += uint64(len(v))
		if v == "" {
			p[engine.TableDeletions]++
		}
	}
	return p
}

func (f *aTable) meets(conditions []engine.TableCondition) bool {
	p := f.properties()
	return f.number == 0 || !slices.ContainsFunc(conditions, func(c engine.TableCondition) bool {
		return p[c.Property] < c.Min || p[c.Property] > c.Max
	})
}

// visible are the rows of the tables, the newest first, that meet the conditions.
func visible(tables []*aTable, conditions []engine.TableCondition) map[string]string {
	rows, seen := map[string]string{}, map[string]bool{}
	for _, f := range tables {
		if !f.meets(conditions) {
			continue
		}
		for k, v := range f.rows {
			if !seen[k] && v != "" {
				rows[k] = v
			}
			seen[k] = true
		}
	}
	return rows
}

// filledTables fills a database with tables in a lower level, some in level 0, and a memtable, and gives the model of them.
func filledTables(t *testing.T, r *rand.Rand, db *engine.DB) (tables []*aTable) {
	t.Helper()
	write := func(n int, deletes bool) *aTable {
		f := &aTable{rows: map[string]string{}}
		for range n {
			key := fmt.Sprintf("%03d", r.IntN(300))
			if _, ok := f.rows[key]; ok {
				continue
			}
			if f.rows[key] = ""; deletes && r.IntN(3) == 0 {
				mustDo(t, db.Delete([]byte(key), nil))
				continue
			}
			f.rows[key] = strings.Repeat("v", 1+r.IntN(40))
			mustDo(t, db.Put([]byte(key), []byte(f.rows[key]), nil))
		}
		return f
	}
	newest := func() (highest uint64) {
		files, err := db.LiveFiles()
		mustDo(t, err)
		for _, f := range files {
			highest = max(highest, numberOf(t, f))
		}
		return highest
	}
	below := write(150, false)
	mustDo(t, db.Flush())
	maps.Copy(below.rows, write(150, false).rows)
	mustDo(t, db.Flush(), db.Compact(t.Context(), nil, nil)) // of two, as one would only be moved
	files, err := db.LiveFiles()
	mustDo(t, err)
	if len(files) < 2 {
		t.Fatalf("%d tables in a lower level: the test means several", len(files))
	}
	for _, file := range files {
		f := &aTable{number: numberOf(t, file), rows: map[string]string{}}
		for k, v := range below.rows {
			if k >= string(file.Smallest) && k <= string(file.Largest) {
				f.rows[k] = v
			}
		}
		tables = append(tables, f)
	}
	for range 4 {
		f := write(10+r.IntN(60), true)
		mustDo(t, db.Flush())
		f.number = newest()
		tables = append([]*aTable{f}, tables...)
	}
	return append([]*aTable{write(20, true)}, tables...)
}

func numberOf(t *testing.T, f engine.LiveFile) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSuffix(f.Name, ".sst"), 10, 64)
	mustDo(t, err)
	return n
}

// someConditions draws one or two, near what the tables have.
func someConditions(r *rand.Rand, tables []*aTable) (conditions []engine.TableCondition) {
	for range 1 + r.IntN(2) {
		p := tables[r.IntN(len(tables))].properties()
		names := []engine.TableProperty{
			engine.TableNumber, engine.TableEntries, engine.TableDeletions, engine.TableKeySize, engine.TableValueSize,
			engine.TableMergeOperands, engine.TableRangeDeletions,
		}
		name := names[r.IntN(len(names))]
		switch r.IntN(3) {
		case 0:
			conditions = append(conditions, engine.TablesFrom(name, p[name]))
		case 1:
			conditions = append(conditions, engine.TablesUpTo(name, p[name]))
		default:
			conditions = append(conditions, engine.TableCondition{Property: name, Min: p[name], Max: p[name]})
		}
	}
	return conditions
}

// Whatever the conditions, the rows are those of the tables that meet them and of the memtable, forwards and backwards, from
// snapshots, by Count, and after Refresh.
func TestIteratorsPassByTheTablesThatDoNotMeetTheirConditions(t *testing.T) {
	needs(t, engine.TableFilter)
	r, _ := seededRand(t, "tables.seed", *tablesSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{
		Compression: engine.NoCompression, BlockSize: 256, Extra: byHandOnly + ";target_file_size_base=1500",
	}})
	tables := filledTables(t, r, db)
	snap, err := db.NewSnapshot()
	mustDo(t, err)
	defer snap.Close()
	for range 60 {
		conditions := someConditions(r, tables)
		want := visible(tables, conditions)
		o := &engine.IterOptions{Tables: conditions}
		for what, from := range map[string]engine.Reader{"database": db, "snapshot": snap} {
			got := map[string]string{}
			for _, row := range collect(t, from, o) {
				got[string(row.key)] = string(row.value)
			}
			expectSame(t, fmt.Sprintf("%s with %v", what, conditions), got, want)
		}
		rows, _, _, err := engine.Count(t.Context(), db, o)
		mustDo(t, err)
		if rows != int64(len(want)) {
			t.Errorf("%v: Count says %d rows, there are %d", conditions, rows, len(want))
		}
		it, err := db.NewIter(o)
		mustDo(t, err)
		mustDo(t, it.Refresh())
		got := map[string]string{}
		for ok := it.Last(); ok; ok = it.Prev() {
			got[string(it.Key())] = string(it.Value())
		}
		mustDo(t, it.Close())
		expectSame(t, fmt.Sprintf("backwards with %v", conditions), got, want)
	}
}

func expectSame(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q is %q, want %q", what, k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
}

func TestTablesAreKnownByTheirTimes(t *testing.T) {
	needs(t, engine.TableFilter)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Flush())
	now := uint64(time.Now().Unix())
	for _, p := range []engine.TableProperty{engine.TableCreationTime, engine.TableOldestKeyTime, engine.TableFileCreationTime, engine.TableNewestKeyTime} {
		if p >= engine.TableNewestKeyTime && !engine.Supports(engine.TableNewest) {
			continue
		}
		for c, want := range map[engine.TableCondition]int{
			engine.TablesFrom(p, now-3600): 1, engine.TablesFrom(p, now+3600): 0, engine.TablesUpTo(p, now-3600): 0, engine.TablesUpTo(p, now+3600): 1,
		} {
			if n := len(collect(t, db, &engine.IterOptions{Tables: []engine.TableCondition{c}})); n != want {
				t.Errorf("%v: %d rows, want %d", c, n, want)
			}
		}
	}
}

func TestTablesAreKnownByTheirNewestRow(t *testing.T) {
	needs(t, engine.TableNewest)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	mustDo(t, db.Put([]byte("old"), []byte("v"), nil), db.Flush())
	s, err := db.NewSnapshot()
	mustDo(t, err)
	defer s.Close()
	seq, err := s.Sequence()
	mustDo(t, err)
	mustDo(t, db.Put([]byte("new"), []byte("v"), nil), db.Flush())
	o := &engine.IterOptions{Tables: []engine.TableCondition{engine.TablesFrom(engine.TableLargestSequence, seq+1)}}
	if rows := collect(t, db, o); len(rows) != 1 || string(rows[0].key) != "new" {
		t.Errorf("rows %v since a snapshot", rows)
	}
}

// What a batch lays over a database is no table's.
func TestRowsOfABatchAreThereWhateverTheConditionsOnTables(t *testing.T) {
	needs(t, engine.TableFilter)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	mustDo(t, db.Put([]byte("table"), []byte("v"), nil), db.Flush())
	b, err := db.NewIndexedBatch()
	mustDo(t, err)
	defer b.Close()
	mustDo(t, b.Put([]byte("batch"), []byte("v")))
	for most, want := range map[uint64]int{0: 1, math.MaxUint64: 2} {
		rows := collect(t, b, &engine.IterOptions{Tables: []engine.TableCondition{engine.TablesUpTo(engine.TableEntries, most)}})
		if len(rows) != want {
			t.Errorf("tables of up to %d entries, and the batch: %d rows, want %d", most, len(rows), want)
		}
	}
}

func TestConditionsOnTablesThatCannotBeMetAreRefused(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{
		"sums": {MergeOperator: engine.Int64Add}, "timed": {Timestamps: true},
	}})
	fine := []engine.TableCondition{engine.TablesFrom(engine.TableEntries, 1)}
	refused := func(what string, err, want error, words string) {
		t.Helper()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %v with %q", what, err, want, words)
		}
	}
	make := func(r engine.Reader, c ...engine.TableCondition) error {
		it, err := r.NewIter(&engine.IterOptions{Tables: c})
		if err == nil {
			err = it.Close()
		}
		return err
	}
	refused("a property that is none", make(db, engine.TablesFrom(engine.TableLargestSequence+1, 0)), engine.ErrInvalidArgument, "TableProperty(13)")
	refused("one beyond all numbers", make(db, engine.TablesFrom(1<<63, 0)), engine.ErrInvalidArgument, "TableProperty(9223372036854775808)")
	refused("an empty range", make(db, engine.TableCondition{Property: engine.TableEntries, Min: 2, Max: 1}), engine.ErrInvalidArgument, "num_entries")
	timed, err := db.ColumnFamily("timed")
	mustDo(t, err)
	versions, done := timed.At(5).Versions(0, &engine.IterOptions{Tables: fine})
	for range versions {
		t.Error("a version")
	}
	refused("versions", done(), engine.ErrInvalidArgument, "Tables")
	if !engine.Supports(engine.TableFilter) {
		refused("a filter", make(db, fine...), engine.ErrUnsupported, "RocksDB 11.6, or the build tag rb_cxx")
		return
	}
	if !engine.Supports(engine.TableNewest) {
		refused("the newest row", make(db, engine.TablesFrom(engine.TableNewestKeyTime, 0)), engine.ErrUnsupported, "RocksDB 11.6")
	}
	sums, err := db.ColumnFamily("sums")
	mustDo(t, err)
	refused("merging", make(sums, fine...), engine.ErrUnsupported, "operands")
	_, err = engine.NewItersWith(&engine.IterOptions{Tables: fine}, db.ColumnFamilies()[0], sums)
	refused("merging beside others", err, engine.ErrUnsupported, "operands")
	mustDo(t, make(timed.At(5), fine...))
}
