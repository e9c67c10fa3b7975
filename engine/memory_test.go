package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newBudget(t *testing.T, bytes int64) *engine.MemoryBudget {
	t.Helper()
	m, err := engine.NewMemoryBudget(bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// fillBudget puts n rows of 1,000 bytes, into each family.
func fillBudget(t *testing.T, db *engine.DB, n int) {
	t.Helper()
	value := make([]byte, 1000)
	for i := range n {
		b := db.NewBatch()
		for _, c := range db.ColumnFamilies() {
			b.In(c).Put(fmt.Appendf(nil, "%06d", i), value)
		}
		if err := db.Write(b, &engine.WriteOptions{DisableWAL: true}); err != nil {
			t.Error(err)
			return
		}
	}
}

// Two databases with twice as many rows as the budget has room for are written and scanned at the same
// time: blocks and memtables together stay within the budget.
func TestDatabasesStayWithinTheirMemoryBudget(t *testing.T) {
	const budget, rows = 4 << 20, 4000
	m := newBudget(t, budget)
	plain := engine.FamilyOptions{Compression: engine.NoCompression}
	var dbs []*engine.DB
	for range 2 {
		dbs = append(dbs, openTemp(t, &engine.Options{Memory: m, FamilyOptions: plain, Families: map[string]engine.FamilyOptions{"f": plain}}))
	}
	var wg sync.WaitGroup
	var most engine.MemoryUsage
	look := func() {
		u := m.Usage()
		most.Memtables, most.Cache = max(most.Memtables, u.Memtables), max(most.Cache, u.Cache)
	}
	for _, db := range dbs {
		wg.Go(func() { fillBudget(t, db, rows) })
	}
	written := make(chan bool)
	go func() { wg.Wait(); close(written) }()
	for waiting := true; waiting; {
		select {
		case <-written:
			waiting = false
		default:
			look()
		}
	}
	if most.Memtables == 0 || most.Memtables > budget {
		t.Errorf("memtables took up to %d bytes of %d", most.Memtables, budget)
	}
	for _, db := range dbs {
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, c := range db.ColumnFamilies() {
			wg.Go(func() {
				if n, _, _, err := engine.Count(nil, c, nil); err != nil || n != rows {
					t.Errorf("%d rows; %v", n, err)
				}
			})
		}
	}
	wg.Wait()
	look()
	t.Logf("at most: %+v; now: %+v", most, m.Usage())
	if u := m.Usage(); u.Capacity != budget || u.Cache+u.Memtables > budget || u.Cache < budget/4 || u.Pinned > u.Cache {
		t.Errorf("after the scans: %+v", u)
	}
	if err := m.SetCapacity(3 << 20); err != nil {
		t.Fatal(err)
	}
	if u := m.Usage(); u.Capacity != 3<<20 || u.Cache+u.Memtables > 3<<20 {
		t.Errorf("with a smaller budget: %+v", u)
	}
}

// A budget and its databases are closed in any order; the databases work until they are closed.
func TestMemoryBudgetAndDatabasesCloseInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}} {
		m, err := engine.NewMemoryBudget(8 << 20)
		if err != nil {
			t.Fatal(err)
		}
		closers := []func() error{func() error { return errors.Join(m.Close(), m.Close()) }}
		var dbs []*engine.DB
		for range 2 {
			db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Memory: m})
			dbs = append(dbs, db)
			closers = append(closers, db.Close)
		}
		open := map[int]bool{1: true, 2: true}
		for _, i := range order {
			if err := closers[i](); err != nil {
				t.Errorf("%v: %v", order, err)
			}
			delete(open, i)
			for i := range open {
				db := dbs[i-1]
				c, err := db.CreateColumnFamily(fmt.Sprint("after ", len(db.ColumnFamilies())), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(c.Put([]byte("k"), []byte("v"), nil), c.Flush()); err != nil {
					t.Error(err)
				}
				if v, err := c.Get([]byte("k"), nil); string(v) != "v" {
					t.Errorf("%v: %q, %v", order, v, err)
				}
			}
		}
		if _, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{Memory: m}); err != engine.ErrClosed && !errors.Is(err, engine.ErrClosed) {
			t.Errorf("a closed budget was joined: %v", err)
		}
	}
}

func TestMemoryBudgetRefusals(t *testing.T) {
	for _, bytes := range []int64{-1, 0, 1<<20 - 1, 1<<40 + 1} {
		m, err := engine.NewMemoryBudget(bytes)
		expectError(t, fmt.Sprint(bytes), err, engine.ErrInvalidArgument)
		if m != nil {
			t.Errorf("%d: a budget beside an error", bytes)
		}
	}
	m := newBudget(t, 8<<20)
	for _, bytes := range []int64{-1, 0, 1<<20 - 1, 1<<40 + 1} {
		expectError(t, fmt.Sprint(bytes), m.SetCapacity(bytes), engine.ErrInvalidArgument)
	}
	own := engine.FamilyOptions{Extra: "block_based_table_factory={block_size=4096; block_cache=1M}"}
	for name, o := range map[string]*engine.Options{
		"cache size":       {Memory: m, BlockCacheSize: 1 << 20},
		"no cache":         {Memory: m, BlockCacheSize: -1},
		"share, no budget": {MemtableShare: 1 << 20},
		"negative share":   {Memory: m, MemtableShare: -1},
		"tiny share":       {Memory: m, MemtableShare: 1},
		"own cache":        {Memory: m, FamilyOptions: own},
		"own cache above":  {Memory: m, Extra: own.Extra},
		"family's cache":   {Memory: m, Families: map[string]engine.FamilyOptions{"f": own}},
		"field of table":   {Memory: m, Extra: "block_based_table_factory.block_cache=1M"},
		"own limit":        {Memory: m, Extra: "db_write_buffer_size=1M"},
	} {
		_, err := engine.Open(filepath.Join(t.TempDir(), "db"), o)
		expectError(t, name, err, engine.ErrInvalidArgument)
	}
	db := openTemp(t, &engine.Options{Memory: m})
	_, err := db.CreateColumnFamily("f", &own)
	expectError(t, "create", err, engine.ErrInvalidArgument)
	if u := m.Usage(); u.Capacity != 8<<20 {
		t.Errorf("after refusals: %+v", u)
	}
}

// Before RocksDB 8.9 each database takes a share, which a failed Open and Close give back. Later there
// are no shares, and as many databases join as like.
func TestSharesOfMemoryBudgetAreGivenBack(t *testing.T) {
	m := newBudget(t, 8<<20)
	share := &engine.Options{Memory: m, MemtableShare: 3 << 20}
	for range 3 {
		_, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{Memory: m, MemtableShare: 3 << 20, ErrorIfMissing: true})
		expectError(t, "missing", err, engine.ErrInvalidArgument)
		_, err = engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{Memory: m, MemtableShare: 3 << 20, Extra: "no_such_thing=1"})
		expectError(t, "unknown option", err, engine.ErrInvalidArgument)
	}
	dir := filepath.Join(t.TempDir(), "db")
	for range 3 {
		db := openDir(t, dir, share)
		second, err := engine.Open(filepath.Join(t.TempDir(), "db"), share)
		if engine.Supports(engine.SharedMemtables) {
			if err != nil {
				t.Fatal(err)
			}
		} else {
			expectError(t, "a second share", err, engine.ErrInvalidArgument)
			expectError(t, "a budget below the share", m.SetCapacity(5<<20), engine.ErrInvalidArgument)
			o, err := db.Options()
			if err != nil || o["db_write_buffer_size"] != fmt.Sprint(3<<20) {
				t.Errorf("the limit is %s; %v", o["db_write_buffer_size"], err)
			}
		}
		if err := errors.Join(second.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
	db := openTemp(t, &engine.Options{Memory: m, MemtableShare: 4 << 20})
	if err := db.Put([]byte("k"), nil, nil); err != nil {
		t.Error(err)
	}
	reader, err := engine.Open(dir, &engine.Options{Memory: m, ReadOnly: true}) // which takes no share
	if err := errors.Join(err, reader.Close()); err != nil {
		t.Error(err)
	}
}

// What a database in a budget is opened with: memtables of a fitting size, whose blocks are smaller,
// and index blocks in the cache.
func TestFamiliesFitTheirMemoryBudget(t *testing.T) {
	m := newBudget(t, 8<<20)
	db := openTemp(t, &engine.Options{Memory: m, Families: map[string]engine.FamilyOptions{
		"sized": {WriteBufferSize: 1 << 20}, "arena": {Extra: "arena_block_size=2M"}, "by name": {Extra: "write_buffer_size=3M"},
	}})
	newFamily(t, db, "created")
	want := map[string]string{"default": "524288", "sized": "1048576", "arena": "67108864", "by name": "3145728", "created": "524288"}
	for _, c := range db.ColumnFamilies() {
		o := optionsOf(t, c)
		if o["write_buffer_size"] != want[c.Name()] || o["block_based_table_factory.cache_index_and_filter_blocks"] != "true" {
			t.Errorf("%s: memtables of %s bytes, want %s; index blocks in the cache: %s", c.Name(), o["write_buffer_size"],
				want[c.Name()], o["block_based_table_factory.cache_index_and_filter_blocks"])
		}
	}
}

// Databases come and go, families are made, and usage is looked at, all at once.
func TestMemoryBudgetIsSafeForConcurrentUse(t *testing.T) {
	m := newBudget(t, 32<<20)
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	var wg sync.WaitGroup
	for range 3 {
		dir := filepath.Join(t.TempDir(), "db")
		wg.Go(func() {
			for range rounds {
				db, err := engine.Open(dir, &engine.Options{Memory: m, MemtableShare: 1 << 20})
				if err != nil {
					t.Error(err)
					return
				}
				fillBudget(t, db, 50)
				if u := m.Usage(); u.Memtables == 0 {
					t.Errorf("after writes: %+v", u)
				}
				if err := errors.Join(m.SetCapacity(33<<20), db.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if u := m.Usage(); u.Memtables != 0 || u.Pinned != 0 {
		t.Errorf("without databases: %+v", u)
	}
}
