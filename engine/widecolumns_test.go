package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var wideSeed = flag.Uint64("wide.seed", 0, "seed of the rows of several columns; 0: a new one")

// wideRow is what the model has of a row: its columns by name.
type wideRow map[string]string

// columns are those of the row in a random order.
func (w wideRow) columns(r *rand.Rand) (all []engine.Column) {
	for name, value := range w {
		all = append(all, engine.Column{Name: []byte(name), Value: []byte(value)})
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (w wideRow) String() string {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(w)) {
		text = append(text, fmt.Sprintf("%q:%d bytes of %.20q", name, len(w[name]), w[name]))
	}
	return strings.Join(text, " ")
}

// rowOf is the row that has these columns, which must be in order.
func rowOf(t testing.TB, columns []engine.Column) wideRow {
	t.Helper()
	row := wideRow{}
	for i, c := range columns {
		if i > 0 && bytes.Compare(columns[i-1].Name, c.Name) >= 0 {
			t.Fatalf("columns out of order: %q", columns)
		}
		row[string(c.Name)] = string(c.Value)
	}
	return row
}

func randomWideRow(r *rand.Rand) wideRow {
	row := wideRow{}
	for range r.IntN(5) {
		name := []string{"", "", "a", "b", "name", strings.Repeat("long", 40)}[r.IntN(6)]
		size := []int{0, 1, 100, 127, 128, 3000}[r.IntN(6)]
		if r.IntN(50) == 0 {
			size = 40_000 // more than a read's buffer
		}
		row[name] = strings.Repeat(string(rune('a'+r.IntN(26))), size)
	}
	return row
}

func randomColumns(r *rand.Rand) []engine.Column { return randomWideRow(r).columns(r) }

// entityOf is RocksDB's form of the columns, as a record has it.
func entityOf(columns []engine.Column) []byte {
	var b engine.Batch
	if err := b.PutEntity(nil, columns); err != nil {
		panic(err)
	}
	for r := range b.Records() {
		return bytes.Clone(r.Value)
	}
	return nil
}

// defaultColumn is the value that reads of values show.
func defaultColumn(columns []engine.Column) string {
	for _, c := range columns {
		if len(c.Name) == 0 {
			return string(c.Value)
		}
	}
	return ""
}

func wideOptions() *engine.Options {
	return &engine.Options{Families: map[string]engine.FamilyOptions{"wide": {WideColumns: true}}}
}

// tempWide opens a database with a family that may hold entities.
func tempWide(t *testing.T) (*engine.DB, *engine.ColumnFamily) {
	t.Helper()
	needs(t, engine.WideColumns)
	db := openTemp(t, wideOptions())
	c, err := db.ColumnFamily("wide")
	mustDo(t, err)
	return db, c
}

func columnsOf(pairs ...string) (all []engine.Column) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, engine.Column{Name: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return all
}

// wideModel is a family with entities and what it must hold.
type wideModel struct {
	t    *testing.T
	r    *rand.Rand
	dir  string
	o    *engine.Options
	db   *engine.DB
	c    *engine.ColumnFamily
	rows map[string]wideRow
}

func (m *wideModel) open() {
	m.db = openDir(m.t, m.dir, m.o)
	c, err := m.db.ColumnFamily("wide")
	mustDo(m.t, err)
	m.c = c
}

func (m *wideModel) key() string { return fmt.Sprintf("%02d", m.r.IntN(40)) }

// write makes one change, alone or in a batch.
func (m *wideModel) write() {
	key, row := m.key(), randomWideRow(m.r)
	var b engine.Batch
	var err error
	switch m.r.IntN(8) {
	case 0, 1:
		err, m.rows[key] = m.c.PutEntity([]byte(key), row.columns(m.r), nil), row
	case 2:
		err = errors.Join(b.In(m.c).Delete([]byte(key)), b.In(m.c).PutEntity([]byte(key), row.columns(m.r)), m.db.Write(&b, nil))
		m.rows[key] = row
	case 3, 4:
		value := row[""]
		err, m.rows[key] = m.c.Put([]byte(key), []byte(value), nil), wideRow{"": value}
	case 5, 6:
		err = m.c.Delete([]byte(key), nil)
		delete(m.rows, key)
	default:
		end := m.key()
		if key > end {
			key, end = end, key
		}
		err = m.c.DeleteRange([]byte(key), []byte(end), nil)
		maps.DeleteFunc(m.rows, func(k string, _ wideRow) bool { return k >= key && k < end })
	}
	mustDo(m.t, err)
}

// lookUp reads a key in every way.
func (m *wideModel) lookUp(key string) {
	m.t.Helper()
	row, there := m.rows[key]
	columns, err := m.c.GetEntity([]byte(key), nil)
	value, valueErr := m.c.Get([]byte(key), nil)
	many, manyErr := m.c.MultiGet([][]byte{[]byte(key)}, nil)
	has, hasErr := m.c.Has([]byte(key), nil)
	if hasErr != nil || has != there {
		m.t.Fatalf("%s is there: %v, %v", key, has, hasErr)
	}
	if !there {
		if err != engine.ErrNotFound || valueErr != engine.ErrNotFound || manyErr != nil || many[0].Err != engine.ErrNotFound {
			m.t.Fatalf("%s is not there: %v, %v, %v, %v", key, err, valueErr, manyErr, many[0].Err)
		}
		return
	}
	mustDo(m.t, errors.Join(err, valueErr, manyErr))
	if got := rowOf(m.t, columns); !maps.Equal(got, row) {
		m.t.Fatalf("%s: GetEntity gave %v, want %v", key, got, row)
	}
	if string(value) != row[""] || string(many[0].Data) != row[""] {
		m.t.Fatalf("%s: Get gave %.20q, MultiGet %.20q, want %.20q", key, value, many[0].Data, row[""])
	}
}

// scan walks over everything both ways.
func (m *wideModel) scan(o engine.IterOptions) {
	m.t.Helper()
	it, err := m.c.NewIter(&o)
	mustDo(m.t, err)
	defer it.Close()
	keys := slices.Sorted(maps.Keys(m.rows))
	m.walk(it, o, keys, it.First, it.Next)
	slices.Reverse(keys)
	m.walk(it, o, keys, it.Last, it.Prev)
	if it.Columns() != nil {
		m.t.Fatal("columns behind the end")
	}
	mustDo(m.t, it.Error())
}

func (m *wideModel) walk(it *iterator.Iterator, o engine.IterOptions, keys []string, first, next func() bool) {
	m.t.Helper()
	n := 0
	for on := first(); on; on = next() {
		if n == len(keys) || string(it.Key()) != keys[n] {
			m.t.Fatalf("row %d is %q", n, it.Key())
		}
		row := m.rows[keys[n]]
		n++
		if !o.Columns {
			if string(it.Value()) != row[""] || it.Columns() != nil {
				m.t.Fatalf("%s has value %.20q and columns %v, want %.20q and none", it.Key(), it.Value(), it.Columns(), row[""])
			}
			continue
		}
		if got := rowOf(m.t, it.Columns()); !maps.Equal(got, row) {
			m.t.Fatalf("%s: the iterator has %v, want %v", it.Key(), got, row)
		}
		if c, err := engine.DecodeColumns(it.Value()); err != nil || !maps.Equal(rowOf(m.t, c), row) {
			m.t.Fatalf("%s: the value is %v, %v", it.Key(), c, err)
		}
	}
	if n != len(keys) {
		m.t.Fatalf("%d rows, want %d", n, len(keys))
	}
}

func (m *wideModel) check() {
	m.t.Helper()
	for i := range 40 {
		m.lookUp(fmt.Sprintf("%02d", i))
	}
	m.scan(engine.IterOptions{Columns: true})
	m.scan(engine.IterOptions{})
}

func (m *wideModel) reopen() {
	m.t.Helper()
	mustDo(m.t, m.db.Close())
	m.open()
}

func TestEntitiesAreAsAModel(t *testing.T) {
	needs(t, engine.WideColumns)
	r, _ := seededRand(t, "wide.seed", *wideSeed)
	m := &wideModel{t: t, r: r, dir: filepath.Join(t.TempDir(), "db"), o: wideOptions(), rows: map[string]wideRow{}}
	m.open()
	defer func() { mustDo(t, m.db.Close()) }()
	rounds := 250
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		switch n := m.r.IntN(60); {
		case n < 2:
			mustDo(t, m.c.Flush())
		case n == 2:
			mustDo(t, m.c.Compact(t.Context(), nil, nil))
		case n == 3:
			m.reopen()
		case n < 8:
			m.check()
		case n < 30:
			m.lookUp(m.key())
		default:
			m.write()
		}
	}
	m.check()
	mustDo(t, m.c.Compact(t.Context(), nil, nil))
	m.check()
	m.reopen()
	m.check()
}

// Snapshots and iterators show the columns of their state, and a reversed or a Go comparator changes nothing.
func TestEntitiesOfOneState(t *testing.T) {
	needs(t, engine.WideColumns)
	for name, o := range map[string]engine.FamilyOptions{
		"bytewise": {}, "reversed": {Comparator: engine.ReverseBytewise}, "Go": {GoComparator: shortFirst()},
	} {
		t.Run(name, func(t *testing.T) {
			o.WideColumns = true
			db := openTemp(t, &engine.Options{FamilyOptions: o})
			mustDo(t, db.PutEntity([]byte("k"), columnsOf("b", "2", "", "0", "a", "1"), nil))
			s := newSnapshot(t, db)
			defer s.Close()
			it, err := db.NewIter(&engine.IterOptions{Columns: true})
			mustDo(t, err)
			defer it.Close()
			mustDo(t, db.PutEntity([]byte("k"), nil, nil))
			was, err := s.GetEntity([]byte("k"), nil)
			mustDo(t, err)
			for what, columns := range map[string][]engine.Column{"the snapshot": was, "the iterator": columnsAt(it, "k")} {
				if got := fmt.Sprintf("%q", columns); got != `[{"" "0"} {"a" "1"} {"b" "2"}]` {
					t.Errorf("%s has %s", what, got)
				}
			}
			mustDo(t, it.Refresh())
			if now, err := db.GetEntity([]byte("k"), nil); err != nil || now == nil || len(now) != 0 || len(columnsAt(it, "k")) != 0 {
				t.Errorf("now %v, %v", now, err)
			}
		})
	}
}

func columnsAt(it *iterator.Iterator, key string) []engine.Column {
	it.SeekGE([]byte(key))
	return it.Columns()
}

// Iterators over several families, chunks, and what is counted and summed up, see all columns when asked to.
func TestColumnsInEveryScan(t *testing.T) {
	_, c := tempWide(t)
	mustDo(t, c.PutEntity([]byte("k"), columnsOf("a", "1"), nil))
	whole := entityOf(columnsOf("a", "1"))
	all := &engine.IterOptions{Columns: true}
	its, err := engine.NewItersWith(all, c, c)
	mustDo(t, err)
	for _, it := range its {
		if columns := columnsAt(it, "k"); len(columns) != 1 || string(columns[0].Name) != "a" {
			t.Errorf("%q", columns)
		}
		mustDo(t, it.Close())
	}
	var chunk iterator.Chunk
	it, err := c.NewIter(all)
	mustDo(t, err)
	defer it.Close()
	if it.First(); !it.NextChunk(&chunk) || !bytes.Equal(chunk.Value(0), whole) {
		t.Error("the chunk has another value")
	}
	var sum engine.RangeChecksum
	sum.Add([]byte("k"), whole)
	if got, err := engine.Checksum(t.Context(), c, all); err != nil || got != sum {
		t.Errorf("the sum is %v, %v, want %v", got, err, sum)
	}
	if _, _, n, err := engine.Count(t.Context(), c, all); err != nil || int(n) != len(whole) {
		t.Errorf("%d bytes, %v, want %d", n, err, len(whole))
	}
	if _, _, n, err := engine.Count(t.Context(), c, nil); err != nil || n != 0 {
		t.Errorf("%d bytes of values, %v", n, err)
	}
	keys, err := c.NewIter(&engine.IterOptions{Columns: true, KeysOnly: true})
	mustDo(t, err)
	defer keys.Close()
	if keys.First(); !keys.Valid() || keys.Columns() != nil || keys.Value() != nil {
		t.Error("keys only, and there are columns")
	}
}

// A filter sees the default column, whatever the rows are fetched with, and DeleteWhere deletes rows by it.
func TestFiltersSeeTheDefaultColumn(t *testing.T) {
	_, c := tempWide(t)
	mustDo(t, errors.Join(
		c.PutEntity([]byte("1"), columnsOf("", "keep", "a", "1"), nil),
		c.PutEntity([]byte("2"), columnsOf("a", "keep"), nil),
		c.Put([]byte("3"), []byte("keep"), nil)))
	for _, columns := range []bool{false, true} {
		o := &engine.IterOptions{Columns: columns, Filter: engine.RowValue.HasPrefix([]byte("keep"))}
		if rows, _, _, err := engine.Count(t.Context(), c, o); err != nil || rows != 2 {
			t.Errorf("columns %v: %d rows, %v", columns, rows, err)
		}
	}
	if n, err := engine.DeleteWhere(t.Context(), c, &engine.IterOptions{Filter: engine.RowValue.HasPrefix([]byte("keep"))}, nil); err != nil || n != 2 {
		t.Errorf("%d deleted, %v", n, err)
	}
	if columns, err := c.GetEntity([]byte("2"), nil); err != nil || len(columns) != 1 {
		t.Errorf("%q, %v", columns, err)
	}
}

// Whatever copies files carries entities.
func TestEntitiesTravelWithTheirFiles(t *testing.T) {
	db, c := tempWide(t)
	mustDo(t, errors.Join(c.PutEntity([]byte("flushed"), columnsOf("a", "1", "", "0"), nil), c.Flush(), c.Compact(t.Context(), nil, nil)))
	mustDo(t, c.PutEntity([]byte("logged"), columnsOf("b", "2"), nil))
	expect := func(what string, c *engine.ColumnFamily, err error) {
		t.Helper()
		mustDo(t, err)
		a, aErr := c.GetEntity([]byte("flushed"), nil)
		b, bErr := c.GetEntity([]byte("logged"), nil)
		if got := fmt.Sprintf("%q %q", a, b); aErr != nil || bErr != nil || got != `[{"" "0"} {"a" "1"}] [{"b" "2"}]` {
			t.Errorf("%s: %s, %v, %v", what, got, aErr, bErr)
		}
	}
	opened := func(what, dir string, readOnly bool) {
		t.Helper()
		o := wideOptions()
		o.ReadOnly = readOnly
		copied := openDir(t, dir, o)
		c, err := copied.ColumnFamily("wide")
		expect(what, c, err)
		mustDo(t, copied.Close())
	}
	expect("before", c, nil)
	tmp := t.TempDir()
	mustDo(t, db.Checkpoint(t.Context(), filepath.Join(tmp, "checkpoint")))
	opened("a checkpoint", filepath.Join(tmp, "checkpoint"), false)
	backups, err := engine.OpenBackups(filepath.Join(tmp, "backups"), nil)
	mustDo(t, err)
	defer backups.Close()
	made, err := backups.Create(t.Context(), db, nil)
	mustDo(t, err)
	mustDo(t, backups.Restore(t.Context(), made.ID, filepath.Join(tmp, "restored"), nil))
	opened("a backup", filepath.Join(tmp, "restored"), true)
	mustDo(t, c.ExportFiles(t.Context(), filepath.Join(tmp, "family")))
	imported, err := db.ImportFiles(t.Context(), "imported", filepath.Join(tmp, "family"), &engine.ImportFilesOptions{FamilyOptions: engine.FamilyOptions{WideColumns: true}})
	expect("files of a family", imported, err)
	second, err := engine.OpenSecondary(db.Path(), wideOptions())
	mustDo(t, err)
	defer second.Close()
	mustDo(t, second.View(t.Context(), func(db *engine.DB) error {
		c, err := db.ColumnFamily("wide")
		expect("a secondary", c, err)
		return nil
	}))
}

// Changes tell entities as records of their own, which another database takes as they are.
func TestChangesTellEntities(t *testing.T) {
	db, c := tempWide(t)
	copied, into := tempWide(t)
	mustDo(t, errors.Join(c.PutEntity([]byte("k"), columnsOf("b", "2", "a", "1"), nil), c.Put([]byte("p"), []byte("v"), nil)))
	u, err := db.UpdatesSince(t.Context(), 0, nil)
	mustDo(t, err)
	defer u.Close()
	var told []string
	for u.Next(t.Context()) {
		for r := range u.Update().Batch.Records() {
			told = append(told, fmt.Sprintf("%v %d %s %q", r.Kind, r.Family, r.Key, r.Columns()))
		}
		mustDo(t, copied.Write(u.Update().Batch, nil))
	}
	mustDo(t, u.Error())
	want := fmt.Sprintf(`[PutEntity %d k [{"a" "1"} {"b" "2"}] Put %d p [{"" "v"}]]`, c.ID(), c.ID())
	if got := fmt.Sprint(told); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if columns, err := into.GetEntity([]byte("k"), nil); err != nil || fmt.Sprintf("%q", columns) != `[{"a" "1"} {"b" "2"}]` {
		t.Errorf("%q, %v", columns, err)
	}
}

// A batch of entities is rolled back, appended and read back as any other.
func TestBatchesOfEntities(t *testing.T) {
	db, c := tempWide(t)
	var b, more engine.Batch
	in := b.In(c)
	mustDo(t, errors.Join(in.PutEntity([]byte("1"), columnsOf("a", "1")), b.SetSavepoint(), in.PutEntity([]byte("2"), nil), b.RollbackToSavepoint()))
	mustDo(t, errors.Join(more.In(c).PutEntity([]byte("3"), columnsOf("", "3")), b.Append(&more)))
	parsed, err := engine.ParseBatch(b.Repr())
	mustDo(t, err)
	mustDo(t, db.Write(parsed, nil))
	it, err := c.NewIter(&engine.IterOptions{Columns: true})
	mustDo(t, err)
	defer it.Close()
	got := ""
	for on := it.First(); on; on = it.Next() {
		got += fmt.Sprintf("%s %q;", it.Key(), it.Columns())
	}
	if want := `1 [{"a" "1"}];3 [{"" "3"}];`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A read of the cache only says what it does not know.
func TestEntitiesInTheCacheOnly(t *testing.T) {
	needs(t, engine.WideColumns)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, wideOptions())
	c, err := db.ColumnFamily("wide")
	mustDo(t, err)
	mustDo(t, errors.Join(c.PutEntity([]byte("k"), columnsOf("a", "1"), nil), c.Flush(), db.Close()))
	db = openDir(t, dir, wideOptions())
	defer db.Close()
	c, err = db.ColumnFamily("wide")
	mustDo(t, err)
	only := &engine.ReadOptions{CacheOnly: true}
	_, err = c.GetEntity([]byte("k"), only)
	expectError(t, "cold", err, engine.ErrWouldBlock)
	_, err = c.GetEntity([]byte("k"), nil)
	mustDo(t, err)
	if columns, err := c.GetEntity([]byte("k"), only); err != nil || len(columns) != 1 {
		t.Errorf("warm: %q, %v", columns, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.GetEntity([]byte("k"), &engine.ReadOptions{Context: ended})
	expectError(t, "a context that has ended", err, context.Canceled)
}

// A file that would have to be opened: RocksDB takes what may be there for a row without columns.
func TestEntitiesInFilesThatAreNotOpenAreNotTakenForEmptyOnes(t *testing.T) {
	needs(t, engine.WideColumns)
	const files = 30
	o := wideOptions()
	o.Extra = "max_open_files=20;table_cache_numshardbits=0"
	o.Families["wide"] = engine.FamilyOptions{WideColumns: true, Extra: byHandOnly}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	c, err := db.ColumnFamily("wide")
	mustDo(t, err)
	for i := range files {
		mustDo(t, errors.Join(c.PutEntity([]byte{byte(i)}, columnsOf("a", "1"), nil), c.Flush()))
	}
	mustDo(t, db.Close())
	db = openDir(t, dir, o)
	defer db.Close()
	c, err = db.ColumnFamily("wide")
	mustDo(t, err)
	for i := range files {
		if columns, err := c.GetEntity([]byte{byte(i)}, &engine.ReadOptions{CacheOnly: true}); err == nil && len(columns) != 1 {
			t.Errorf("row %d: %q", i, columns)
		} else if err != nil {
			expectError(t, "of the cache only", err, engine.ErrWouldBlock)
		}
	}
}

// What takes a value for the whole row is refused, by name.
func TestWhatWouldLoseColumnsIsRefused(t *testing.T) {
	db, c := tempWide(t)
	k := []byte("k")
	mustDo(t, c.PutEntity(k, columnsOf("a", "1"), nil))
	indexed, err := db.NewIndexedBatch()
	mustDo(t, err)
	defer indexed.Close()
	var b engine.Batch
	mustDo(t, b.In(c).PutEntity(k, nil))
	snap := newSnapshot(t, db)
	defer snap.Close()
	_, exported := engine.Export(t.Context(), c, nil, io.Discard, nil)
	_, ofSnapshot := engine.Export(t.Context(), snap.In(c), nil, io.Discard, nil)
	_, _, copied := engine.CopyRange(t.Context(), c, nil, db.ColumnFamilies()[0], nil)
	_, _, ofIndexed := engine.CopyRange(t.Context(), indexed.In(c), nil, db.ColumnFamilies()[0], nil)
	_, summed := engine.Checksum(t.Context(), c, nil)
	_, iterated := indexed.In(c).NewIter(&engine.IterOptions{Columns: true})
	expectErrors(t, map[string]error{
		"Export": exported, "Export of a snapshot": ofSnapshot, "CopyRange": copied, "CopyRange of an indexed batch": ofIndexed, "Checksum": summed,
		"IndexedBatch.Append": indexed.Append(&b), "IndexedBatch.NewIter": iterated,
	}, engine.ErrUnsupported, "")
	expectErrors(t, map[string]error{"SetOptions": c.SetOptions(map[string]string{"enable_blob_files": "true"})}, engine.ErrUnsupported, "blobs")
	mustDo(t, c.SetOptions(map[string]string{"enable_blob_files": "false"}))
	_, cut := c.NewIter(&engine.IterOptions{Columns: true, ValuesUpTo: 3})
	expectErrors(t, map[string]error{"ValuesUpTo": cut}, engine.ErrInvalidArgument, "ValuesUpTo")
	if columns, err := c.GetEntity(k, nil); err != nil || len(columns) != 1 {
		t.Errorf("afterwards %q, %v", columns, err)
	}
}

func TestColumnsThatCannotBeAreRefused(t *testing.T) {
	db, c := tempWide(t)
	k := []byte("k")
	long := make([]byte, engine.MaxKeySize+1)
	for what, bad := range map[string]struct {
		columns []engine.Column
		want    error
	}{
		"a name twice":       {columnsOf("b", "1", "a", "2", "b", "3"), engine.ErrInvalidArgument},
		"no name twice":      {columnsOf("", "1", "", "2"), engine.ErrInvalidArgument},
		"a name too long":    {[]engine.Column{{Name: long}}, engine.ErrTooLarge},
		"a nil name as none": {[]engine.Column{{Value: k}, {Name: []byte{}}}, engine.ErrInvalidArgument},
	} {
		expectError(t, what, c.PutEntity(k, bad.columns, nil), bad.want)
		var b engine.Batch
		expectError(t, what+" in a batch", b.In(c).PutEntity(k, bad.columns), bad.want)
		expectError(t, what+", its Write", db.Write(&b, nil), bad.want)
	}
	expectError(t, "a key too long", c.PutEntity(long, nil, nil), engine.ErrTooLarge)
	if _, err := c.GetEntity(k, nil); err != engine.ErrNotFound {
		t.Errorf("something was written: %v", err)
	}
	for _, value := range []string{"", "\x01", "\x02\x00", "value", "\x01\x01\x01a\x05b"} {
		_, err := engine.DecodeColumns([]byte(value))
		expectError(t, fmt.Sprintf("%q", value), err, engine.ErrCorruption)
		rep := batchrepr.AppendPutEntity(batchrepr.AppendHeader(nil), c.ID(), k, []byte(value))
		batchrepr.SetCount(rep, 1)
		_, err = engine.ParseBatch(rep)
		expectError(t, fmt.Sprintf("a batch with %q", value), err, engine.ErrCorruption)
	}
}

// A family without the option takes no entities, whoever brings them, and gives no columns.
func TestEntitiesNeedTheOption(t *testing.T) {
	db := openTemp(t, nil)
	k := []byte("k")
	var b, aimed, appended engine.Batch
	mustDo(t, errors.Join(b.PutEntity(k, columnsOf("a", "1")), appended.Put(k, nil), appended.Append(&b)))
	parsed, err := engine.ParseBatch(b.Repr())
	mustDo(t, err)
	_, get := db.GetEntity(k, nil)
	snap := newSnapshot(t, db)
	defer snap.Close()
	_, ofSnapshot := snap.GetEntity(k, nil)
	_, iter := db.NewIter(&engine.IterOptions{Columns: true})
	_, iters := engine.NewItersWith(&engine.IterOptions{Columns: true}, db.ColumnFamilies()[0])
	expectErrors(t, map[string]error{
		"PutEntity": db.PutEntity(k, nil, nil), "GetEntity": get, "Snapshot.GetEntity": ofSnapshot, "NewIter": iter, "NewItersWith": iters,
		"Write": db.Write(&b, nil), "Write of a parsed batch": db.Write(parsed, nil),
		"Write after Append": db.Write(&appended, nil), "Batch.In": aimed.In(db.ColumnFamilies()[0]).PutEntity(k, nil),
	}, engine.ErrInvalidArgument, "WideColumns")
	if n := db.LatestSequence(); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestWithoutTheTagThereAreNoWideColumns(t *testing.T) {
	if engine.Supports(engine.WideColumns) {
		t.Skip("there are")
	}
	dir := filepath.Join(t.TempDir(), "db")
	_, opened := engine.Open(dir, wideOptions())
	db := openTemp(t, nil)
	_, created := db.CreateColumnFamily("wide", &engine.FamilyOptions{WideColumns: true})
	expectErrors(t, map[string]error{"Open": opened, "CreateColumnFamily": created}, engine.ErrUnsupported, "rb_cxx")
	if len(db.ColumnFamilies()) != 1 {
		t.Error("a family was made")
	}
	if left, err := filepath.Glob(dir + "*"); err != nil || len(left) != 0 {
		t.Errorf("Open left %v, %v", left, err)
	}
}

func TestWhatWideColumnsDoNotGoTogetherWith(t *testing.T) {
	needs(t, engine.WideColumns)
	merge := func(dst, _, _ []byte, _ [][]byte) ([]byte, error) { return dst, nil }
	for what, o := range map[string]engine.Options{
		"a merge operator":             {FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add}},
		"a merge operator: ":           {FamilyOptions: engine.FamilyOptions{GoMerge: &engine.GoMergeOperator{Name: "test.m", Merge: merge}}},
		"a compaction filter":          {FamilyOptions: engine.FamilyOptions{CompactionFilter: engine.TTLFilter}},
		"a compaction filter: ":        {FamilyOptions: engine.FamilyOptions{CompactionFilter: engine.PrefixDrop([]byte("a"))}},
		"Timestamps":                   {FamilyOptions: engine.FamilyOptions{Timestamps: true}},
		"Options.TimedRows":            {TimedRows: true},
		"Options.Transactions":         {Transactions: engine.Pessimistic},
		"Options.Transactions exclude": {Transactions: engine.Optimistic},
		"blobs":                        {FamilyOptions: engine.FamilyOptions{Tuning: engine.Tuning{BlobsFrom: 10}}},
		"files of blobs":               {FamilyOptions: engine.FamilyOptions{Extra: "enable_blob_files=true"}},
	} {
		f := o.FamilyOptions
		f.WideColumns, o.FamilyOptions = true, engine.FamilyOptions{}
		in := o
		in.Families = map[string]engine.FamilyOptions{"wide": f}
		_, err := engine.Open(filepath.Join(t.TempDir(), "db"), &in)
		if !errors.Is(err, engine.ErrInvalidArgument) && !errors.Is(err, engine.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), what) {
			t.Errorf("Open with %s: %v", what, err)
		}
		db := openTemp(t, &o)
		_, err = db.CreateColumnFamily("wide", &f)
		if !errors.Is(err, engine.ErrInvalidArgument) && !errors.Is(err, engine.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), what) {
			t.Errorf("CreateColumnFamily with %s: %v", what, err)
		}
	}
}

// What a family has on disk counts as what its options say.
func TestWideColumnsOverWhatAFamilyHas(t *testing.T) {
	needs(t, engine.WideColumns)
	for what, o := range map[string]engine.FamilyOptions{
		"a merge operator":    {MergeOperator: engine.Int64Add},
		"a compaction filter": {CompactionFilter: engine.PrefixDrop([]byte("a"))},
		"Timestamps":          {Timestamps: true},
		"files of blobs":      {Tuning: engine.Tuning{BlobsFrom: 1}},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"wide": o}})
		c, err := db.ColumnFamily("wide")
		mustDo(t, err)
		if what == "files of blobs" {
			mustDo(t, errors.Join(c.Put([]byte("k"), make([]byte, 100), nil), c.Flush()))
		}
		mustDo(t, db.Close())
		if _, err := engine.Open(dir, wideOptions()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
