package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func property(t *testing.T, c interface {
	Property(name string) (string, error)
}, name string,
) string {
	t.Helper()
	v, err := c.Property(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const (
	levelZero = "rocksdb.num-files-at-level0"
	inMemory  = "rocksdb.num-entries-active-mem-table"
)

func TestFlushWritesTheFamiliesItIsAskedFor(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	put := func() {
		for _, c := range db.ColumnFamilies() {
			if err := c.Put([]byte("k"), []byte("v"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	put()
	if err := families[1].Flush(); err != nil {
		t.Fatal(err)
	}
	for _, c := range db.ColumnFamilies() {
		files, rows := "0", "1"
		if c == families[1] {
			files, rows = "1", "0"
		}
		if f, m := property(t, c, levelZero), property(t, c, inMemory); f != files || m != rows {
			t.Errorf("%s: %s files, %s rows in memory", c.Name(), f, m)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, c := range db.ColumnFamilies() {
		if f, m := property(t, c, levelZero), property(t, c, inMemory); f != "1" || m != "0" {
			t.Errorf("%s: %s files, %s rows in memory", c.Name(), f, m)
		}
	}
	if err := db.DropColumnFamily(families[1]); err != nil {
		t.Fatal(err)
	}
	expectError(t, "a dropped family", families[1].Flush(), engine.ErrFamilyDropped)
	if err := db.Flush(); err != nil {
		t.Errorf("beside a dropped family: %v", err)
	}
}

func TestFlushMakesUnloggedWritesLast(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	if err := errors.Join(db.Put([]byte("k"), []byte("v"), &engine.WriteOptions{DisableWAL: true}), db.Flush()); err != nil {
		t.Fatal(err)
	}
	// The copy is what a crash would leave: the log holds nothing of the row.
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	again := openDir(t, copied, nil)
	defer again.Close()
	expectRows(t, "the copy", again, map[string]string{"k": "v"})
}

func TestCompactTakesAnyRange(t *testing.T) {
	long := make([]byte, engine.MaxKeySize+1)
	for _, c := range []struct {
		start, end string // "-": nil
		emptied    bool   // the deleted rows lie inside
	}{
		{"-", "-", true},
		{"", "-", true},
		{"-", "\xff", true},
		{"a", "z", true},
		{"k", "k~", true},
		{"-", "", false},
		{"", "", false},
		{"z", "-", false},
		{"z", "a", false},
		{"x", "y", false},
		{"a", "b", false},
	} {
		db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
		for i := range 20 {
			for _, f := range db.ColumnFamilies() {
				key := fmt.Appendf(nil, "k%03d", i)
				if err := errors.Join(f.Put(key, valueOf(100), nil), f.Delete(key, nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Two files with what was deleted in them, so that compacting is not a mere move.
		if err := errors.Join(db.Flush(), db.Put([]byte("k5"), nil, nil), families[1].Put([]byte("k5"), nil, nil),
			db.Delete([]byte("k5"), nil), families[1].Delete([]byte("k5"), nil), db.Flush()); err != nil {
			t.Fatal(err)
		}
		bound := func(s string) []byte {
			if s == "-" {
				return nil
			}
			return []byte(s)
		}
		if err := families[1].Compact(context.Background(), bound(c.start), bound(c.end)); err != nil {
			t.Errorf("%q to %q: %v", c.start, c.end, err)
		}
		if files := property(t, families[1], levelZero); (files == "0") != c.emptied {
			t.Errorf("%q to %q: %s files are left", c.start, c.end, files)
		}
		if files := property(t, db, levelZero); files == "0" {
			t.Errorf("%q to %q: the other family was compacted too", c.start, c.end)
		}
		if err := db.Compact(nil, bound(c.start), bound(c.end)); err != nil {
			t.Errorf("%q to %q: %v", c.start, c.end, err)
		}
		if files := property(t, db, levelZero); (files == "0") != c.emptied {
			t.Errorf("%q to %q: %s files are left", c.start, c.end, files)
		}
		expectError(t, "long start", db.Compact(nil, long, nil), engine.ErrTooLarge)
		expectError(t, "long end", families[1].Compact(nil, nil, long), engine.ErrTooLarge)
		expectRows(t, "afterwards", db, map[string]string{})
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUpkeepEndsWithItsContext(t *testing.T) {
	db := openTemp(t, nil)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	dir := filepath.Join(t.TempDir(), "copy")
	if n := cgoCalls(func() {
		expectError(t, "compact", db.Compact(cancelled, nil, nil), context.Canceled)
		expectError(t, "compact of a family", db.ColumnFamilies()[0].Compact(cancelled, nil, nil), context.Canceled)
		expectError(t, "checkpoint", db.Checkpoint(cancelled, dir), context.Canceled)
	}); n != 0 {
		t.Errorf("%d calls into C", n)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a checkpoint was made: %v", err)
	}
}

func TestSyncWALIsADurableFlushOfTheLog(t *testing.T) {
	expectLogFlushed(t, engine.NoTx, (*engine.DB).SyncWAL, true)
}

func TestFlushWALBringsTheLogIntoItsFileWithoutASync(t *testing.T) {
	for _, mode := range []engine.TxMode{engine.NoTx, engine.Optimistic, engine.Pessimistic} { // databases of different kinds in C
		expectLogFlushed(t, mode, (*engine.DB).FlushWAL, false)
	}
}

// expectLogFlushed holds that a call has what was committed survive the end of the process, and whether it syncs.
func expectLogFlushed(t *testing.T, mode engine.TxMode, call func(*engine.DB) error, syncs bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	// With manual_wal_flush the log stays in memory until it is asked for.
	db := openDir(t, dir, &engine.Options{Transactions: mode, Extra: "manual_wal_flush=true", Statistics: engine.UsualStatistics})
	defer db.Close()
	held := func() map[string]string {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again := openDir(t, copied, nil)
		defer again.Close()
		return rowsOf(t, again)
	}
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if rows := held(); len(rows) != 0 {
		t.Errorf("before: %v", rows)
	}
	if err := call(db); err != nil {
		t.Fatal(err)
	}
	if rows := held(); rows["k"] != "v" {
		t.Errorf("after: %v", rows)
	}
	if s, err := db.Statistics(); err != nil || (s.Tickers["rocksdb.wal.synced"] > 0) != syncs {
		t.Errorf("%d syncs, %v", s.Tickers["rocksdb.wal.synced"], err)
	}
}

func TestPropertyReadsWhatRocksDBKnows(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	for range 3 {
		if err := families[1].Put([]byte("k"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if v := property(t, families[1], inMemory); v != "3" {
		t.Errorf("family one has %s rows in memory", v)
	}
	if v := property(t, db, inMemory); v != "0" {
		t.Errorf("the default family has %s rows in memory", v)
	}
	if v := property(t, db, "rocksdb.stats"); !strings.Contains(v, "Compaction Stats") {
		t.Errorf("%.100q", v)
	}
	for _, name := range []string{"", "rocksdb", "rocksdb.no-such", "rocksdb.stats\x00", "x"} {
		v, err := db.Property(name)
		expectError(t, fmt.Sprintf("%q", name), err, engine.ErrInvalidArgument)
		if v != "" {
			t.Errorf("%q: %q", name, v)
		}
	}
	if err := db.DropColumnFamily(families[1]); err != nil {
		t.Fatal(err)
	}
	_, err := families[1].Property(inMemory)
	expectError(t, "a dropped family", err, engine.ErrFamilyDropped)
}

func TestLatestSequenceCountsRecords(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: adding})
	if n := db.LatestSequence(); n != 0 {
		t.Errorf("a new database: %d", n)
	}
	want := uint64(0)
	for op, err := range everyWrite(db, nil) {
		if want++; err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if n := db.LatestSequence(); n != want {
		t.Errorf("%d after %d writes", n, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := db.LatestSequence(); n != 0 {
		t.Errorf("closed: %d", n)
	}
}

func TestWaitForCompactWaitsOrSaysWhatItNeeds(t *testing.T) {
	db := openTemp(t, nil)
	err := db.WaitForCompact(context.Background())
	if engine.Supports(engine.WaitForCompact) {
		if err != nil {
			t.Error(err)
		}
	} else {
		expectError(t, "WaitForCompact", err, engine.ErrUnsupported, errors.ErrUnsupported)
		if !strings.Contains(fmt.Sprint(err), "8.7") || !strings.Contains(fmt.Sprint(err), engine.Version()) {
			t.Error(err)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	expectError(t, "cancelled", db.WaitForCompact(cancelled), context.Canceled)
}
