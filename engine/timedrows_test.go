package engine_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/enginetest"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var timedSeed = flag.Uint64("timedrows.seed", 0, "seed of the tests of rows with times; 0: new")

// timedOptions are those of a database with times behind its values.
func timedOptions() *engine.Options {
	return &engine.Options{
		TimedRows:     true,
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add, RowTTL: time.Hour, WriteBufferSize: 64 << 10},
		Families:      map[string]engine.FamilyOptions{"f": {MergeOperator: engine.Uint64Add}},
	}
}

// added is what Uint64Add makes: whatever has not 8 bytes counts as 0.
func added(old, operand []byte) []byte {
	sum := uint64(0)
	for _, n := range [][]byte{old, operand} {
		if len(n) == 8 {
			sum += binary.LittleEndian.Uint64(n)
		}
	}
	return binary.LittleEndian.AppendUint64(nil, sum)
}

// TestTimesBehindValuesShowNowhere compares every way of reading with a model that knows of no times, while rows are written in every way,
// flushed, compacted and opened again.
func TestTimesBehindValuesShowNowhere(t *testing.T) {
	r, _ := seededRand(t, "timedrows.seed", *timedSeed)
	dir := filepath.Join(t.TempDir(), "db")
	model := enginetest.NewModel(added)
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		db := openDir(t, dir, timedOptions())
		for range 150 {
			key, value := []byte(fmt.Sprint(r.IntN(200))), bytes.Repeat([]byte{byte(r.IntN(256))}, []int{0, 3, 4, 5, 8, 8, 12, 40}[r.IntN(8)])
			b := db.NewBatch()
			switch r.IntN(8) {
			case 0:
				mustDo(t, model.Delete(key), db.Delete(key, nil))
			case 1:
				mustDo(t, b.Merge(key, value), b.Put([]byte("x"), nil), b.Delete([]byte("x")), db.Write(b, nil), model.Merge(key, value))
			case 2:
				mustDo(t, db.Merge(key, value, nil), model.Merge(key, value))
			case 3:
				mustDo(t, b.Put(key, value), db.Write(b, engine.Sync), model.Put(key, value))
			case 4:
				end := append(bytes.Clone(key), '1')
				mustDo(t, b.DeleteRange(key, end), db.Write(b, nil), model.DeleteRange(key, end))
			default:
				mustDo(t, db.Put(key, value, nil), model.Put(key, value))
			}
		}
		everyTimedRead(t, db, model)
		mustDo(t, db.Flush(), db.Compact(t.Context(), nil, nil))
		everyTimedRead(t, db, model)
		if round%2 == 1 {
			mustDo(t, db.Put([]byte("in a log"), nil, nil), model.Put([]byte("in a log"), nil))
		}
		mustDo(t, db.Close())
	}
}

// everyTimedRead reads in every way.
func everyTimedRead(t *testing.T, db *engine.DB, model *enginetest.Model) {
	t.Helper()
	model.Check(t, db)
	snapshot, err := db.NewSnapshot()
	mustDo(t, err)
	defer snapshot.Close()
	model.Check(t, snapshot)
	want := map[string]string{}
	var keys [][]byte
	bytesOf := int64(0)
	for key, value := range model.Rows() {
		want[string(key)] = string(value)
		keys, bytesOf = append(keys, key), bytesOf+int64(len(value))
	}
	for what, o := range map[string]*engine.ReadOptions{"many": nil, "many, cached": {CacheOnly: true}} {
		values, err := db.MultiGet(keys, o)
		mustDo(t, err)
		for i, v := range values {
			if o == nil && v.Err != nil || v.Err == nil && string(v.Data) != want[string(keys[i])] {
				t.Errorf("%s: %q: %q, %v", what, keys[i], v.Data, v.Err)
			}
		}
	}
	for _, key := range keys {
		mustDo(t, db.GetPinned(key, nil, func(v []byte) error {
			if string(v) != want[string(key)] {
				t.Errorf("pinned %q: %q", key, v)
			}
			return nil
		}))
		if v, err := db.GetAppend([]byte("+"), key, &engine.ReadOptions{NoFillCache: true}); err != nil || string(v) != "+"+want[string(key)] {
			t.Errorf("appended %q: %q, %v", key, v, err)
		}
	}
	if _, _, n, err := engine.Count(t.Context(), db, nil); err != nil || n != bytesOf {
		t.Errorf("%d bytes of values counted, not %d: %v", n, bytesOf, err)
	}
	long, _, _, err := engine.Count(t.Context(), db, &engine.IterOptions{Filter: engine.RowValue.Length(20, 1000)})
	mustDo(t, err)
	for _, v := range want {
		if len(v) >= 20 && len(v) <= 1000 {
			long--
		}
	}
	if long != 0 {
		t.Errorf("the filter by length keeps %d too many", long)
	}
	for _, o := range []*engine.IterOptions{{ValuesUpTo: 3}, {KeysOnly: true}, {ReadAhead: 4096}} {
		it, err := db.NewIter(o)
		mustDo(t, err)
		for round := range 2 {
			for ok := it.First(); ok; ok = it.Next() {
				if w := want[string(it.Key())]; o.ValuesUpTo > 0 && (it.ValueLen() != len(w) || string(it.Value()) != w[:min(3, len(w))]) {
					t.Errorf("%q: %q of %d bytes, want %q", it.Key(), it.Value(), it.ValueLen(), w)
				}
			}
			if round == 0 {
				mustDo(t, it.Error(), it.Refresh())
			}
		}
		mustDo(t, it.Error(), it.Close())
	}
	throughStreams(t, db, want)
	throughIndexedBatch(t, db, model)
}

// throughStreams copies the rows into other families, in the ways that are done in C.
func throughStreams(t *testing.T, db *engine.DB, want map[string]string) {
	t.Helper()
	plain := openTemp(t, nil)
	var stream bytes.Buffer
	_, err := engine.Export(t.Context(), db, nil, &stream, nil)
	mustDo(t, err)
	rows := bytes.Clone(stream.Bytes())
	_, err = plain.Import(t.Context(), &stream, nil)
	mustDo(t, err)
	expectRows(t, "exported", plain, want)
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	_, err = f.Import(t.Context(), bytes.NewReader(rows), nil)
	mustDo(t, err)
	expectRows(t, "imported", f, want)
	mustDo(t, f.DeleteRange(nil, []byte("~"), nil))
	_, _, err = engine.CopyRange(t.Context(), db, nil, f, nil)
	mustDo(t, err)
	expectRows(t, "copied", f, want)
	_, err = engine.DeleteWhere(t.Context(), f, nil, nil)
	mustDo(t, err)
	expectRows(t, "deleted", f, nil)
	var parts [2]map[string]string
	for i := range parts {
		parts[i] = map[string]string{}
	}
	mustDo(t, engine.ScanParallel(t.Context(), db, nil, 2, func(part int, c *iterator.Chunk) error {
		for i := range c.Len() {
			parts[part][string(c.Key(i))] = string(c.Value(i))
		}
		return nil
	}))
	maps.Copy(parts[0], parts[1])
	if !maps.Equal(parts[0], want) {
		t.Error("scanned in parts: other rows")
	}
}

// throughIndexedBatch reads a batch over the database, with merges over rows of both.
func throughIndexedBatch(t *testing.T, db *engine.DB, model *enginetest.Model) {
	t.Helper()
	b, err := db.NewIndexedBatch()
	mustDo(t, err)
	defer b.Close()
	with := model.Clone()
	for i := range 20 {
		key := []byte(fmt.Sprint(10 * i))
		mustDo(t, b.Merge(key, []byte("in batch")), with.Merge(key, []byte("in batch")))
		if i%3 == 0 {
			mustDo(t, b.Put(key, []byte("put")), with.Put(key, []byte("put")))
		}
		mustDo(t, b.Merge(key, nil), with.Merge(key, nil))
	}
	with.Check(t, b)
	keys := [][]byte{[]byte("0"), []byte("10"), []byte("11"), []byte("170")}
	values, err := b.MultiGet(keys, nil)
	mustDo(t, err)
	for i, key := range keys {
		if want, err := with.Get(key); err == nil && !bytes.Equal(values[i].Data, want) {
			t.Errorf("%q: %q, want %q", key, values[i].Data, want)
		}
	}
}

func littleEndian(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func TestFamiliesKeepTheTimesTheyHave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, timedOptions())
	g, err := db.CreateColumnFamily("g", &engine.FamilyOptions{MergeOperator: engine.Uint64Add, CompactionFilter: engine.PrefixDrop([]byte("drop")), RowTTL: 70 * time.Second})
	mustDo(t, err)
	mustDo(t, g.Put([]byte("drop"), []byte("v"), nil), g.Merge([]byte("n"), littleEndian(1), nil))
	mustDo(t, db.Close())
	for i := range 3 { // families that are not listed, and what lies over their operators
		db = openDir(t, dir, &engine.Options{TimedRows: true})
		g, err = db.ColumnFamily("g")
		mustDo(t, err)
		o, err := g.Options()
		mustDo(t, err)
		if f := o["compaction_filter_factory"]; !strings.Contains(f, "ttl=70;") || strings.Count(f, "TtlCompaction") != 1 {
			t.Error(f)
		}
		if m := o["merge_operator"]; strings.Count(m, "TtlMerge") != 1 || !strings.Contains(m, "UInt64AddOperator") {
			t.Error(m)
		}
		mustDo(t, g.Merge([]byte("n"), littleEndian(1), nil), g.Compact(t.Context(), nil, nil))
		expectRows(t, "g", g, map[string]string{"n": string(littleEndian(uint64(2 + i)))})
		mustDo(t, db.Close())
	}
	openFails(t, "without", dir, nil, engine.ErrUnsupported)
	openFails(t, "for reading", dir, &engine.Options{ReadOnly: true}, engine.ErrUnsupported)
	other := timedOptions()
	other.MergeOperator = engine.Int64Max
	openFails(t, "another operator", dir, other, engine.ErrInvalidArgument)
	own := timedOptions()
	own.MergeOperator = engine.AppendDelimited("+")
	fresh := filepath.Join(t.TempDir(), "db")
	if !atLeast(t, engine.Version(), "8.9") {
		e := openFails(t, "an operator of our own", fresh, own, engine.ErrUnsupported)
		if !strings.Contains(e.Error(), "8.9") {
			t.Error(e)
		}
	} else {
		for _, want := range []string{"v", "v+v"} {
			db = openDir(t, fresh, own)
			mustDo(t, db.Merge([]byte("k"), []byte("v"), nil))
			expectRows(t, "an operator of our own", db, map[string]string{"k": want})
			mustDo(t, db.Close())
		}
		openFails(t, "without", fresh, nil, engine.ErrUnsupported)
	}
	plain := created(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	openFails(t, "a database without times", plain, &engine.Options{TimedRows: true}, engine.ErrInvalidArgument)
}

// TestRowsGoWhenTheirTimeHasCome waits until they have.
func TestRowsGoWhenTheirTimeHasCome(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for two seconds")
	}
	o := timedOptions()
	o.RowTTL = time.Second
	db := openTemp(t, o)
	f, err := db.ColumnFamily("f")
	mustDo(t, err, db.Put([]byte("goes"), nil, nil), f.Put([]byte("stays"), nil, nil))
	for range 100 {
		mustDo(t, db.Compact(t.Context(), nil, nil), f.Compact(t.Context(), nil, nil))
		if there, err := db.Has([]byte("goes"), nil); err == nil && !there {
			expectRows(t, "a family whose rows stay", f, map[string]string{"stays": ""})
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the row is still there")
}

func TestWhatWouldPassByTheTimesIsRefused(t *testing.T) {
	db := openTemp(t, timedOptions())
	f := db.ColumnFamilies()[1]
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Flush())
	batch := db.NewBatch()
	mustDo(t, batch.Put([]byte("a"), nil), batch.In(f).SingleDelete([]byte("k")))
	indexed, err := db.NewIndexedBatch()
	mustDo(t, err)
	defer indexed.Close()
	mustDo(t, indexed.SingleDelete([]byte("k")))
	for what, call := range map[string]func() error{
		"SingleDelete":          func() error { return db.SingleDelete([]byte("k"), nil) },
		"SingleDelete in batch": func() error { return db.Write(batch, nil) },
		"SingleDelete, indexed": func() error { return indexed.Commit(nil) },
		"ingest":                func() error { return db.Ingest(t.Context(), []string{"x.sst"}, nil) },
		"loader":                func() error { _, err := f.NewLoader(t.Context(), nil); return err },
		"updates":               func() error { _, err := db.UpdatesSince(t.Context(), 1, nil); return err },
		"verify":                func() error { return db.VerifyChecksums(t.Context()) },
		"SST writer": func() error {
			_, err := engine.NewSSTWriter(filepath.Join(t.TempDir(), "x.sst"), &engine.SSTWriterOptions{Family: f})
			return err
		},
		"secondary": func() error { _, err := engine.OpenSecondary(db.Path(), timedOptions()); return err },
		"a reader":  func() error { _, err := engine.Open(db.Path(), &engine.Options{ReadOnly: true}); return err },
		"repair":    func() error { _, err := engine.Repair(db.Path(), nil); return err },
	} {
		expectError(t, what, call(), engine.ErrUnsupported)
	}
	expectRows(t, "afterwards", db, map[string]string{"k": "v"})
	copied := filepath.Join(t.TempDir(), "copy")
	mustDo(t, db.Checkpoint(t.Context(), copied))
	other := openDir(t, copied, timedOptions())
	expectRows(t, "a checkpoint", other, map[string]string{"k": "v"})
	mustDo(t, other.Close())
}

// TestOtherProgramsShareRowsWithTimes has ldb, which knows RocksDB's TTL, write and read.
func TestOtherProgramsShareRowsWithTimes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	if out, err := tool(t, "ldb", "--db="+dir, "--create_if_missing", "--ttl", "put", "theirs", "v"); strings.TrimSpace(out) != "OK" {
		t.Fatalf("%s: %v", out, err)
	}
	db := openDir(t, dir, &engine.Options{TimedRows: true})
	expectRows(t, "theirs", db, map[string]string{"theirs": "v"})
	mustDo(t, db.Merge([]byte("theirs"), []byte("w"), nil)) // by the operator of every database of ldb
	mustDo(t, db.Put([]byte("ours"), []byte("value"), nil), db.Close())
	for key, want := range map[string]string{"theirs": "v:w", "ours": "value"} { // it reads, and complains of other things
		if out, err := tool(t, "ldb", "--db="+dir, "--ttl", "get", key); strings.TrimSpace(out) != want {
			t.Errorf("%s: %q, %v", key, out, err)
		}
	}
}
