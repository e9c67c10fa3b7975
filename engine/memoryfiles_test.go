package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/enginetest"
)

var memoryFilesSeed = flag.Uint64("memoryfiles.seed", 0, "seed of the tests of databases in memory; 0: new")

// memoryFiles makes files in memory, which the test gives up at its end.
func memoryFiles(t testing.TB) *engine.MemoryFiles {
	t.Helper()
	m, err := engine.NewMemoryFiles()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestADatabaseInMemoryTouchesNoDisk calls whatever has to do with files: it works in memory or is refused, and the folder that the
// database's name would be on disk stays as it is, be there a database or not.
func TestADatabaseInMemoryTouchesNoDisk(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprintf("other=%v", other), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			if other { // of which the one in memory must see nothing
				db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"on disk": {MergeOperator: engine.SetUnion}}})
				mustDo(t, db.Put([]byte("disk"), nil, nil))
				mustDo(t, db.Close())
			}
			before := listing(t, dir)
			files := memoryFiles(t)
			o := &engine.Options{InMemory: files, Families: map[string]engine.FamilyOptions{"f": {MergeOperator: engine.Int64Add}}}
			db := openDir(t, dir, o)
			if db.InMemory() != files {
				t.Error("it does not say where it is")
			}
			useInMemory(t, db, dir)
			refusedInMemory(t, db, dir)
			mustDo(t, db.Close())
			db = openDir(t, dir, &engine.Options{InMemory: files})
			expectRows(t, "again", db, map[string]string{"a": "1", "b": "2"})
			mustDo(t, db.Close())
			copied := openDir(t, dir+"2", &engine.Options{InMemory: files})
			expectRows(t, "of the copy", copied, map[string]string{"a": "1", "b": "2"})
			mustDo(t, copied.Close())
			if got := files.Databases(); !slices.Equal(got, []string{dir, dir + "2"}) {
				t.Error(got)
			}
			mustDo(t, files.Destroy(dir))
			if after := listing(t, dir); after != before {
				t.Errorf("the folder changed from\n%s\nto\n%s", before, after)
			}
			if _, err := os.Lstat(dir + "2"); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
	}
}

// useInMemory calls what works.
func useInMemory(t *testing.T, db *engine.DB, dir string) {
	t.Helper()
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	for i, key := range []string{"a", "b"} {
		mustDo(t, db.Put([]byte(key), []byte{'1' + byte(i)}, engine.Sync))
		mustDo(t, f.Merge([]byte(key), engine.EncodeInt64(int64(i)), nil))
		mustDo(t, db.Flush())
	}
	mustDo(t, db.Compact(t.Context(), nil, nil))
	mustDo(t, db.SyncWAL())
	if live, err := db.LiveFiles(); err != nil || len(live) == 0 {
		t.Error(live, err)
	}
	mustDo(t, db.Checkpoint(t.Context(), dir+"2"))
	expectError(t, "a checkpoint where one is", db.Checkpoint(t.Context(), dir+"2"), engine.ErrInvalidArgument)
	mustDo(t, f.SetOptions(map[string]string{"paranoid_file_checks": "true"}))
	if err := db.WaitForCompact(t.Context()); err != nil && !errors.Is(err, engine.ErrUnsupported) {
		t.Error(err)
	}
	var stream bytes.Buffer
	_, err = engine.Export(t.Context(), db, nil, &stream, nil)
	mustDo(t, err)
	g, err := db.CreateColumnFamily("g", nil)
	mustDo(t, err)
	_, err = g.Import(t.Context(), &stream, nil)
	mustDo(t, err)
	expectRows(t, "imported", g, map[string]string{"a": "1", "b": "2"})
	mustDo(t, db.DropColumnFamily(g))
}

// refusedInMemory calls what does not.
func refusedInMemory(t *testing.T, db *engine.DB, dir string) {
	t.Helper()
	backups, err := engine.OpenBackups(filepath.Join(t.TempDir(), "backups"), nil)
	mustDo(t, err)
	defer backups.Close()
	files := db.InMemory()
	for what, call := range map[string]func() error{
		"backup":  func() error { _, err := backups.Create(t.Context(), db, nil); return err },
		"ingest":  func() error { return db.Ingest(t.Context(), []string{filepath.Join(dir, "x.sst")}, nil) },
		"loader":  func() error { _, err := db.NewLoader(t.Context(), nil); return err },
		"updates": func() error { _, err := db.UpdatesSince(t.Context(), 1, nil); return err },
		"verify":  func() error { return db.VerifyChecksums(t.Context()) },
		"options": func() error { _, err := db.Options(); return err },
		"family options": func() error {
			_, err := db.ColumnFamilies()[0].Options()
			return err
		},
		"SetOptions": func() error {
			return db.ColumnFamilies()[0].SetOptions(map[string]string{"level0_stop_writes_trigger": "40"})
		},
		"SST writer": func() error {
			_, err := engine.NewSSTWriter(filepath.Join(t.TempDir(), "x.sst"), &engine.SSTWriterOptions{Family: db.ColumnFamilies()[0]})
			return err
		},
		"secondary": func() error { _, err := engine.OpenSecondary(dir, &engine.Options{InMemory: files}); return err },
	} {
		expectError(t, what, call(), engine.ErrUnsupported)
	}
	_, err = engine.Repair(dir, &engine.Options{InMemory: files})
	expectError(t, "repair", err, engine.ErrInvalidArgument)
	expectError(t, "destroy", files.Destroy(dir), engine.ErrLocked)
	_, err = engine.Open(dir, &engine.Options{InMemory: files})
	expectError(t, "open twice", err, engine.ErrLocked)
	_, err = engine.Open(dir, &engine.Options{InMemory: files, ReadOnly: true})
	expectError(t, "open beside", err, engine.ErrLocked)
}

// TestADatabaseInMemoryKeepsWhatItsOptionsFileWould opens families that are not listed with the operators, comparators and filters that they
// had, and refuses others, as on disk.
func TestADatabaseInMemoryKeepsWhatItsOptionsFileWould(t *testing.T) {
	o := &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited(",")},
		Families: map[string]engine.FamilyOptions{
			"sum":      {MergeOperator: engine.Int64Add, CompactionFilter: engine.PrefixDrop([]byte("x"))},
			"backward": {Comparator: engine.ReverseBytewise},
		},
	}
	type opening struct {
		what string
		o    *engine.Options
		want error
	}
	openings := []opening{
		{"nothing named", &engine.Options{}, nil},
		{"the same", o, nil},
		{"another operator", &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Max}}, engine.ErrInvalidArgument},
		{"another comparator", &engine.Options{Families: map[string]engine.FamilyOptions{"sum": {Comparator: engine.ReverseBytewise}}}, engine.ErrInvalidArgument},
		{"it exists", &engine.Options{ErrorIfExists: true}, engine.ErrInvalidArgument},
		{"an unknown family", &engine.Options{ReadOnly: true, Families: map[string]engine.FamilyOptions{"no": {}}}, engine.ErrFamilyNotFound},
		{"for reading", &engine.Options{ReadOnly: true}, nil},
	}
	files := memoryFiles(t)
	_, err := engine.Open("db", &engine.Options{InMemory: files, ErrorIfMissing: true})
	expectError(t, "there is none", err, engine.ErrInvalidArgument, fs.ErrNotExist)
	for _, in := range []*engine.MemoryFiles{nil, files} {
		dir := "db"
		if in == nil {
			dir = filepath.Join(t.TempDir(), "db")
		}
		first := *o
		first.InMemory = in
		db := openDir(t, dir, &first)
		later, err := db.CreateColumnFamily("later", &engine.FamilyOptions{MergeOperator: engine.Int64Min})
		mustDo(t, err)
		mustDo(t, later.Merge([]byte("k"), engine.EncodeInt64(-7), nil))
		mustDo(t, db.Merge([]byte("k"), []byte("v"), nil))
		mustDo(t, db.Close())
		for i, want := range openings {
			o := *want.o
			o.InMemory = in
			db, err := engine.Open(dir, &o)
			if want.want != nil {
				expectError(t, want.what, err, want.want)
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", want.what, err)
			}
			later, err := db.ColumnFamily("later")
			mustDo(t, err)
			if v, err := later.Get([]byte("k"), nil); err != nil || !bytes.Equal(v, engine.EncodeInt64(-7)) {
				t.Errorf("%s: %x, %v", want.what, v, err)
			}
			if i == 0 {
				mustDo(t, db.Merge([]byte("k"), []byte("w"), nil))
			}
			expectRows(t, want.what, db, map[string]string{"k": "v,w"})
			mustDo(t, db.Close())
		}
	}
}

func TestFilesInMemoryLiveAsLongAsAnyOfTheirDatabases(t *testing.T) {
	files := memoryFiles(t)
	db := openDir(t, "db", &engine.Options{InMemory: files})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil))
	mustDo(t, files.Close())
	mustDo(t, files.Close())
	_, err := engine.Open("other", &engine.Options{InMemory: files})
	expectError(t, "open", err, engine.ErrClosed)
	expectError(t, "destroy", files.Destroy("other"), engine.ErrClosed)
	mustDo(t, db.Flush())
	expectRows(t, "after the files were given up", db, map[string]string{"k": "v"})
	mustDo(t, db.Close())
	for _, none := range []*engine.MemoryFiles{nil, new(engine.MemoryFiles)} {
		if none.Databases() != nil || none.Close() != nil {
			t.Error("no files do something")
		}
		expectError(t, "destroy in none", none.Destroy("db"), engine.ErrClosed)
	}
	_, err = engine.Open("db", &engine.Options{InMemory: new(engine.MemoryFiles)})
	expectError(t, "open in none", err, engine.ErrClosed)
}

func TestAFailedOpenInMemoryLeavesNothingBehind(t *testing.T) {
	files := memoryFiles(t)
	for _, extra := range []string{"no_such_option=1", "memtable=prefix_hash"} { // before RocksDB opens, and while it does
		_, err := engine.Open("db", &engine.Options{InMemory: files, Extra: extra})
		expectError(t, extra, err, engine.ErrInvalidArgument)
	}
	if got := files.Databases(); got != nil {
		t.Error(got)
	}
	db := openDir(t, "db", &engine.Options{InMemory: files, ErrorIfExists: true})
	mustDo(t, db.Close())
}

func TestReadersInMemoryKeepWritersOut(t *testing.T) {
	files := memoryFiles(t)
	mustDo(t, openDir(t, "db/./", &engine.Options{InMemory: files}).Close())
	read := &engine.Options{InMemory: files, ReadOnly: true, ErrorIfMissing: true}
	a, b := openDir(t, "db", read), openDir(t, "db", read)
	for _, db := range []*engine.DB{a, b} {
		_, err := engine.Open("db", &engine.Options{InMemory: files})
		expectError(t, "beside readers", err, engine.ErrLocked)
		mustDo(t, db.Close())
		mustDo(t, db.Close())
	}
	mustDo(t, openDir(t, "db", &engine.Options{InMemory: files}).Close())
}

// TestOneOfManyOpensADatabaseInMemory has goroutines fight for it.
func TestOneOfManyOpensADatabaseInMemory(t *testing.T) {
	files := memoryFiles(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				db, err := engine.Open("db", &engine.Options{InMemory: files})
				if errors.Is(err, engine.ErrLocked) {
					continue
				}
				if err == nil {
					err = db.Put([]byte("k"), nil, nil)
					err = errors.Join(err, db.Close())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestPreparedTransactionsStayInMemory closes a database with one that is prepared.
func TestPreparedTransactionsStayInMemory(t *testing.T) {
	files := memoryFiles(t)
	o := &engine.Options{InMemory: files, Transactions: engine.Pessimistic}
	db := openDir(t, "db", o)
	tx, err := db.Begin(t.Context(), nil)
	mustDo(t, err)
	mustDo(t, tx.Put([]byte("k"), []byte("v")))
	mustDo(t, tx.Prepare("one"))
	var leak *engine.LeakError
	if err := db.Close(); err != nil && !errors.As(err, &leak) {
		t.Fatal(err)
	}
	_, err = engine.Open("db", &engine.Options{InMemory: files})
	expectError(t, "without transactions", err, engine.ErrUnsupported)
	db = openDir(t, "db", o)
	left, err := db.PreparedTxs()
	if err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	mustDo(t, left[0].Commit())
	expectRows(t, "committed", db, map[string]string{"k": "v"})
	mustDo(t, db.Close())
	db = openDir(t, "db", &engine.Options{InMemory: files})
	expectRows(t, "without transactions", db, map[string]string{"k": "v"})
	mustDo(t, db.Close())
}

// TestRandomOperationsInMemory compares such a database with a model, over restarts.
func TestRandomOperationsInMemory(t *testing.T) {
	files := memoryFiles(t)
	r, _ := seededRand(t, "memoryfiles.seed", *memoryFilesSeed)
	model := enginetest.NewModel(nil)
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		db := openDir(t, "db", &engine.Options{InMemory: files, FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
		for range 300 {
			key, value := []byte(fmt.Sprint(r.IntN(500))), make([]byte, r.IntN(2000))
			if r.IntN(4) == 0 {
				mustDo(t, db.Delete(key, nil))
				mustDo(t, model.Delete(key))
			} else {
				mustDo(t, db.Put(key, value, nil))
				mustDo(t, model.Put(key, value))
			}
		}
		model.Check(t, db)
		mustDo(t, db.Close())
	}
}

// In memory nothing brings back what a failing comparator has made of the files: it is not opened again, and no folder is made.
func TestADatabaseInMemoryWhoseComparatorFailedIsNotOpenedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	files := memoryFiles(t)
	var sick atomic.Bool
	o := &engine.Options{InMemory: files, FamilyOptions: engine.FamilyOptions{GoComparator: fussy(&sick)}}
	db := openDir(t, dir, o)
	mustDo(t, db.Put([]byte("?"), nil, nil), db.Put([]byte("a"), nil, nil))
	sick.Store(true)
	err := db.Put([]byte(">"), nil, nil) // beside "?", which is there
	expectError(t, "Put", err, engine.ErrAborted)
	sick.Store(false)
	mustDo(t, db.Close())
	_, err = engine.Open(dir, o)
	expectError(t, "Open", err, engine.ErrAborted)
	if got := listing(t, dir); len(got) != 0 {
		t.Errorf("on disk: %v", got)
	}
	mustDo(t, files.Destroy(dir))
	mustDo(t, openDir(t, dir, o).Close())
}

func TestWhatIsNotOnDiskOrHasTimesGoesWithNoBudgetAndNoTimestamps(t *testing.T) {
	disk, err := engine.NewDiskBudget(engine.DiskLimits{})
	if err == nil {
		defer disk.Close()
		_, err = engine.Open("db", &engine.Options{InMemory: memoryFiles(t), Disk: disk})
		expectError(t, "InMemory with Disk", err, engine.ErrInvalidArgument)
	}
	dir := filepath.Join(t.TempDir(), "db")
	_, err = engine.Open(dir, &engine.Options{TimedRows: true, FamilyOptions: engine.FamilyOptions{Timestamps: true}})
	expectError(t, "TimedRows with Timestamps", err, engine.ErrInvalidArgument)
	db := openDir(t, dir, &engine.Options{TimedRows: true})
	defer db.Close()
	_, err = db.CreateColumnFamily("versions", &engine.FamilyOptions{Timestamps: true})
	expectError(t, "a family with timestamps", err, engine.ErrInvalidArgument)
}
