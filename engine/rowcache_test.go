package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var rowCacheSeed = flag.Uint64("rowcache.seed", 0, "seed of the cache of rows; 0: a new one")

// rowRun is a database with a cache of rows beside maps of what it must hold: now, and in the snapshots that are open.
type rowRun struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	o     engine.Options
	db    *engine.DB
	now   map[string]string
	snaps []rowSnapshot
	hits  uint64
	files int
}

type rowSnapshot struct {
	s    *engine.Snapshot
	rows map[string]string
}

func (m *rowRun) key() []byte { return fmt.Appendf(nil, "%02d", m.r.IntN(40)) }

func (m *rowRun) must(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%s: %v", what, err)
	}
}

// write makes one change, by itself or in a batch.
func (m *rowRun) write() {
	k, v := m.key(), fmt.Appendf(nil, "%d-%d", m.r.IntN(1000), len(m.now))
	if m.r.IntN(4) == 0 {
		v = append(v, make([]byte, 200)...)
	}
	switch m.r.IntN(6) {
	case 0:
		m.must("delete", m.db.Delete(k, nil))
		delete(m.now, string(k))
	case 1:
		if m.o.MergeOperator == "" {
			return
		}
		m.must("merge", m.db.Merge(k, v, nil))
		if old, ok := m.now[string(k)]; ok {
			v = []byte(old + "," + string(v))
		}
		m.now[string(k)] = string(v)
	case 2:
		b := m.db.NewBatch()
		b.Put(k, v)
		other := m.key()
		b.Delete(other)
		m.must("batch", m.db.Write(b, nil))
		m.now[string(k)] = string(v)
		delete(m.now, string(other))
	case 3:
		if m.o.WideColumns {
			m.must("put entity", m.db.PutEntity(k, []engine.Column{{Value: v}, {Name: []byte("c"), Value: k}}, nil))
		} else {
			m.must("put", m.db.Put(k, v, nil))
		}
		m.now[string(k)] = string(v)
	default:
		m.must("put", m.db.Put(k, v, nil))
		m.now[string(k)] = string(v)
	}
}

// ingest puts rows of a file over those that are there.
func (m *rowRun) ingest() {
	if m.o.TimedRows || m.o.InMemory != nil {
		return
	}
	m.files++
	path := filepath.Join(m.t.TempDir(), fmt.Sprint(m.files))
	w, err := engine.NewSSTWriter(path, nil)
	m.must("writer", err)
	rows := map[string]string{}
	for range 5 {
		rows[string(m.key())] = fmt.Sprint("file ", m.files)
	}
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		m.must("row", w.Put([]byte(k), []byte(rows[k])))
	}
	_, err = w.Finish()
	m.must("finish", err)
	m.must("ingest", m.db.ColumnFamilies()[0].Ingest(nil, []string{path}, nil))
	maps.Copy(m.now, rows)
}

func (m *rowRun) reopen() {
	m.close()
	db, err := engine.Open(m.dir, &m.o)
	m.must("open", err)
	m.db = db
}

func (m *rowRun) close() {
	if m.db == nil {
		return
	}
	s, err := m.db.Statistics()
	m.must("statistics", err)
	m.hits += s.Tickers["rocksdb.row.cache.hit"]
	for _, s := range m.snaps {
		s.s.Close()
	}
	m.snaps = nil
	m.must("close", m.db.Close())
}

func (m *rowRun) step() {
	switch n := m.r.IntN(100); {
	case n < 60:
		for range 3 {
			m.write()
		}
	case n < 72:
		m.must("flush", m.db.Flush())
	case n < 75:
		m.must("compact", m.db.Compact(nil, nil, nil))
	case n < 84 && len(m.snaps) < 3:
		s, err := m.db.NewSnapshot()
		m.must("snapshot", err)
		m.snaps = append(m.snaps, rowSnapshot{s, maps.Clone(m.now)})
	case n < 89 && len(m.snaps) > 0:
		i := m.r.IntN(len(m.snaps))
		m.snaps[i].s.Close()
		m.snaps = slices.Delete(m.snaps, i, i+1)
	case n < 97:
		m.ingest()
	default:
		m.reopen()
	}
}

// rowReader is what a database and a snapshot have in common.
type rowReader interface {
	Get(key []byte, o *engine.ReadOptions) ([]byte, error)
	GetAppend(dst, key []byte, o *engine.ReadOptions) ([]byte, error)
	GetPinned(key []byte, o *engine.ReadOptions, f func(value []byte) error) error
	Has(key []byte, o *engine.ReadOptions) (bool, error)
	GetEntity(key []byte, o *engine.ReadOptions) ([]engine.Column, error)
	MultiGet(keys [][]byte, o *engine.ReadOptions) ([]engine.Value, error)
}

// look reads keys in every way.
func (m *rowRun) look(what string, from rowReader, want map[string]string) {
	var keys [][]byte
	for range 5 {
		keys = append(keys, m.key())
	}
	o := &engine.ReadOptions{CacheOnly: m.r.IntN(4) == 0, NoFillCache: m.r.IntN(4) == 0}
	values, err := from.MultiGet(keys, o)
	m.must("multi get", err)
	for i, k := range keys {
		m.check(what+": multi get", k, values[i].Data, values[i].Err, want, o)
		v, err := from.Get(k, o)
		m.check(what+": get", k, v, err, want, o)
		v, err = from.GetAppend([]byte("_"), k, o)
		if err == nil {
			v = v[1:]
		}
		m.check(what+": get append", k, v, err, want, o)
		if m.o.WideColumns {
			columns, err := from.GetEntity(k, o)
			if v = nil; err == nil {
				v = columns[0].Value
			}
			m.check(what+": get entity", k, v, err, want, o)
		}
		err = from.GetPinned(k, o, func(p []byte) error { v = slices.Clone(p); return nil })
		m.check(what+": get pinned", k, v, err, want, o)
		_, there := want[string(k)]
		if has, err := from.Has(k, o); has != there && (err == nil || !o.CacheOnly || !errors.Is(err, engine.ErrWouldBlock)) {
			m.t.Fatalf("%s: has %s: %v, %v", what, k, has, err)
		}
	}
}

func (m *rowRun) check(what string, k, v []byte, err error, want map[string]string, o *engine.ReadOptions) {
	m.t.Helper()
	w, there := want[string(k)]
	switch {
	case o.CacheOnly && errors.Is(err, engine.ErrWouldBlock):
	case errors.Is(err, engine.ErrNotFound) && !there:
	case err != nil || !there || string(v) != w:
		m.t.Fatalf("%s of %s: %.40q, %v; it is %.40q, %v", what, k, v, err, w, there)
	}
}

// With a cache of rows every way of looking a key up shows what a map does, in snapshots too, over overwrites, deletions, operands,
// ingested files, flushes, compactions and new openings, whatever else is set.
func TestTheCacheOfRowsShowsWhatIsThere(t *testing.T) {
	sets := map[string]engine.Options{
		"plain": {}, "timed": {TimedRows: true}, // on disk
		"tiny": {Extra: "max_open_files=10", RowCacheSize: 64 << 10}, "unordered": {UnorderedWrite: true}, "no blocks": {BlockCacheSize: -1},
		"blobs":      {FamilyOptions: engine.FamilyOptions{Tuning: engine.Tuning{BlobsFrom: 50}}},
		"universal":  {FamilyOptions: engine.FamilyOptions{BloomBitsPerKey: 10, Tuning: engine.Tuning{Compaction: engine.UniversalCompaction}}},
		"optimistic": {Transactions: engine.Optimistic}, "pessimistic": {Transactions: engine.Pessimistic},
	}
	if engine.Supports(engine.WideColumns) {
		sets["wide"] = engine.Options{FamilyOptions: engine.FamilyOptions{WideColumns: true}}
	}
	for name, o := range sets {
		t.Run(name, func(t *testing.T) {
			o.Statistics = engine.UsualStatistics
			if o.RowCacheSize == 0 {
				o.RowCacheSize = 1 << 20
			}
			if !o.WideColumns && (!o.TimedRows || atLeast(t, engine.Version(), "8.9")) { // before 8.9 TTL merges with Uint64Add only
				o.MergeOperator = engine.AppendDelimited(",")
			}
			dir := filepath.Join(t.TempDir(), "db")
			if name != "plain" && name != "timed" {
				files, err := engine.NewMemoryFiles()
				mustDo(t, err)
				defer files.Close()
				o.InMemory = files
			}
			r, _ := seededRand(t, "rowcache.seed", *rowCacheSeed)
			m := &rowRun{t: t, r: r, dir: dir, o: o, now: map[string]string{}}
			m.reopen()
			steps := 40
			if o.InMemory == nil {
				steps = 20
			}
			for range steps {
				m.step()
				m.look("now", m.db, m.now)
				for i, s := range m.snaps {
					m.look(fmt.Sprint("snapshot ", i), s.s, s.rows)
				}
			}
			for i := range 40 { // whatever came before: rows in one table
				k := fmt.Sprintf("%02d", i)
				m.must("put", m.db.Put([]byte(k), []byte("last"), nil))
				m.now[k] = "last"
			}
			m.must("flush", m.db.Flush())
			for range 10 {
				m.look("last", m.db, m.now)
			}
			m.close()
			if m.hits < 50 {
				t.Errorf("only %d hits", m.hits)
			}
		})
	}
}

func TestARowThatIsCachedIsReadWithoutABlock(t *testing.T) {
	db := openTemp(t, &engine.Options{RowCacheSize: 1 << 20})
	key := []byte("k")
	mustDo(t, db.Put(key, []byte("v"), nil), db.Flush())
	blocks := func(read func() error) uint64 {
		t.Helper()
		perf, err := engine.WithPerf(engine.PerfCounts, read)
		mustDo(t, err)
		return perf["block_read_count"] + perf["block_cache_hit_count"]
	}
	get := func() error { _, err := db.Get(key, nil); return err }
	if blocks(get) == 0 {
		t.Error("the first read needed no block")
	}
	for what, read := range map[string]func() error{
		"get":        get,
		"get append": func() error { _, err := db.GetAppend(nil, key, nil); return err },
		"get pinned": func() error { return db.GetPinned(key, nil, func([]byte) error { return nil }) },
		"has":        func() error { _, err := db.Has(key, nil); return err },
		"multi get":  func() error { _, err := db.MultiGet([][]byte{key}, nil); return err },
		"cache only": func() error { _, err := db.Get(key, &engine.ReadOptions{CacheOnly: true}); return err },
	} {
		if n := blocks(read); n != 0 {
			t.Errorf("%s: %d blocks", what, n)
		}
	}
	m, err := db.Metrics()
	if err != nil || m.Memory.RowCache == 0 || m.Memory.RowCache > 1000 || m.Memory.RowCacheCapacity != 1<<20 {
		t.Errorf("%+v, %v", m.Memory, err)
	}
	plain := openTemp(t, nil)
	if m, err := plain.Metrics(); err != nil || m.Memory.RowCache+m.Memory.RowCacheCapacity != 0 {
		t.Errorf("without: %+v, %v", m.Memory, err)
	}
}

// What of a row could be read before an error is not taken for all of it by those who read later.
func TestTheCacheOfRowsKeepsNoPartOfARow(t *testing.T) {
	db := openTemp(t, &engine.Options{RowCacheSize: 1 << 20, FamilyOptions: engine.FamilyOptions{
		MergeOperator: engine.AppendDelimited(","), Compression: engine.NoCompression, BlockSize: 100,
	}})
	key, base := []byte("k"), bytes.Repeat([]byte("base"), 100)
	mustDo(t, db.Put([]byte("j"), nil, nil), db.Put(key, base, nil))
	s := newSnapshot(t, db) // or the flush would merge them
	defer s.Close()
	mustDo(t, db.Merge(key, bytes.Repeat([]byte("over"), 100), nil), db.Flush())
	files, err := db.LiveFiles()
	mustDo(t, err)
	path := filepath.Join(db.Path(), files[0].Name)
	table, err := os.ReadFile(path)
	mustDo(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	mustDo(t, err)
	_, err = f.WriteAt([]byte{'B'}, int64(bytes.Index(table, base)))
	mustDo(t, err, f.Close())
	for range 2 {
		values, err := db.MultiGet([][]byte{[]byte("j"), key}, nil)
		mustDo(t, err)
		expectError(t, "multi get", values[1].Err, engine.ErrCorruption)
		_, err = db.Get(key, nil)
		expectError(t, "get", err, engine.ErrCorruption)
	}
}

// RocksDB would show rows again that a range deletion covers, so none gets in beside a cache of rows, by whatever way.
func TestNoRangeDeletionGetsInBesideACacheOfRows(t *testing.T) {
	db := openTemp(t, &engine.Options{RowCacheSize: 1 << 20})
	from, to := []byte("a"), []byte("c")
	b := db.NewBatch()
	mustDo(t, b.Put([]byte("x"), nil), b.DeleteRange(from, to))
	parsed, err := engine.ParseBatch(b.Repr())
	mustDo(t, err)
	ib, err := db.NewIndexedBatch()
	mustDo(t, err)
	mustDo(t, ib.DeleteRange(from, to))
	path := filepath.Join(t.TempDir(), "file")
	w, err := engine.NewSSTWriter(path, nil)
	mustDo(t, err)
	mustDo(t, w.DeleteRange(from, to))
	_, err = w.Finish()
	mustDo(t, err)
	expectErrors(t, map[string]error{
		"delete range": db.DeleteRange(from, to, nil), "batch": db.Write(b, nil), "parsed batch": db.Write(parsed, nil),
		"indexed batch": ib.Commit(nil), "ingest": db.ColumnFamilies()[0].Ingest(nil, []string{path}, nil),
	}, engine.ErrUnsupported, "RowCacheSize")
	_, err = db.CreateColumnFamily("stamped", &engine.FamilyOptions{Timestamps: true})
	expectErrors(t, map[string]error{"family": err}, engine.ErrInvalidArgument, "Timestamps")
	mustDo(t, ib.Close())
	if n := db.LatestSequence(); n != 0 {
		t.Errorf("%d records were written", n)
	}
}

// A family that comes as files brings none either.
func TestNoRangeDeletionIsImportedBesideACacheOfRows(t *testing.T) {
	needs(t, engine.FamilyFiles)
	from := openTemp(t, nil)
	mustDo(t, from.Put([]byte("b"), nil, nil))
	s := newSnapshot(t, from)
	defer s.Close()
	dir := filepath.Join(t.TempDir(), "files")
	mustDo(t, from.DeleteRange([]byte("a"), []byte("c"), nil), from.Flush())
	mustDo(t, from.ColumnFamilies()[0].ExportFiles(nil, dir))
	_, err := openTemp(t, &engine.Options{RowCacheSize: 1 << 20}).ImportFiles(nil, "f", dir, nil)
	expectErrors(t, map[string]error{"import": err}, engine.ErrUnsupported, "range")
}

// What was deleted by range before is told when the database is opened, in its logs and in its tables, and nothing is lost.
func TestADatabaseWithRangeDeletionsIsNotOpenedWithACacheOfRows(t *testing.T) {
	dir, rows := filepath.Join(t.TempDir(), "db"), &engine.Options{RowCacheSize: 1 << 20}
	plain := &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}}
	refused := func(what string) {
		t.Helper()
		db, err := engine.Open(dir, rows)
		if db != nil {
			db.Close()
		}
		expectErrors(t, map[string]error{what: err}, engine.ErrInvalidArgument, "range deletions")
		if e := new(engine.Error); errors.As(err, &e) && e.Family != "f" {
			t.Errorf("%s: family %q", what, e.Family)
		}
	}
	db := openDir(t, dir, plain)
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	mustDo(t, f.Put([]byte("b"), []byte("1"), nil), db.Flush(), f.DeleteRange([]byte("a"), []byte("c"), nil), db.Close())
	refused("in the log")
	refused("in a table")
	db = openDir(t, dir, plain)
	f, err = db.ColumnFamily("f")
	mustDo(t, err)
	mustDo(t, f.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}), f.Put([]byte("b"), []byte("2"), nil), db.Close())
	db = openDir(t, dir, rows)
	f, err = db.ColumnFamily("f")
	mustDo(t, err)
	if v, err := f.Get([]byte("b"), nil); string(v) != "2" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	mustDo(t, db.Close())

	stamped := filepath.Join(t.TempDir(), "stamped")
	mustDo(t, openDir(t, stamped, &engine.Options{Families: map[string]engine.FamilyOptions{"t": {Timestamps: true}}}).Close())
	_, err = engine.Open(stamped, rows)
	expectErrors(t, map[string]error{"timestamps on disk": err}, engine.ErrInvalidArgument, "Timestamps")
	_, err = engine.OpenSecondary(dir, rows)
	expectErrors(t, map[string]error{"secondary": err}, engine.ErrInvalidArgument, "RowCacheSize")
}

func TestACacheOfRowsComesOutOfTheMemoryBudget(t *testing.T) {
	m := newBudget(t, 8<<20)
	o := &engine.Options{Memory: m, MemtableShare: 1 << 20, RowCacheSize: 1 << 20}
	db := openTemp(t, o)
	mustDo(t, db.Put([]byte("k"), make([]byte, 10_000), nil), db.Flush())
	if u := m.Usage(); u.Rows != 0 {
		t.Errorf("before: %+v", u)
	}
	_, err := db.Get([]byte("k"), nil)
	mustDo(t, err)
	if u := m.Usage(); u.Rows < 10_000 || u.Rows > 20_000 {
		t.Errorf("after: %+v", u)
	}
	blocks := int64(7 << 20)
	if !engine.Supports(engine.SharedMemtables) {
		blocks -= 1 << 20
	}
	if got, err := db.Metrics(); err != nil || int64(got.Memory.BlockCacheCapacity) != blocks {
		t.Errorf("%+v, %v", got.Memory, err)
	}
	large := *o
	large.RowCacheSize = 4 << 20
	_, err = engine.Open(filepath.Join(t.TempDir(), "db"), &large)
	expectErrors(t, map[string]error{"too large": err}, engine.ErrInvalidArgument, "RowCacheSize")
	if err := m.SetCapacity(1 << 20); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("a budget below its row cache: %v", err)
	}
}
