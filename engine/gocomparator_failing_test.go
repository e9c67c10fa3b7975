package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/linked"
)

var (
	failingRounds = flag.Int("comparator.failures", 8, "rounds of the test of comparators that begin to fail; a quarter with -short")
	failingSeed   = flag.Uint64("comparator.failseed", 0, "their seed; 0: a new one each time")
)

// fickle is an order by length that fails from a call on: once or for good, by panic or by taking two keys for one.
type fickle struct {
	left    atomic.Int64 // calls until it fails; far off: it is sound
	forGood atomic.Bool
	alike   atomic.Bool
}

const farOff = 1 << 60

func (f *fickle) compare(a, b []byte) int {
	n := f.left.Add(-1)
	if n == 0 || n < 0 && f.forGood.Load() {
		if f.alike.Load() {
			return 0
		}
		panic("it fails")
	}
	return byLength(a, b)
}

// failingOptions has RocksDB compact often, and mostly by moving tables.
func failingOptions(f *fickle) *engine.Options {
	return &engine.Options{FamilyOptions: engine.FamilyOptions{
		GoComparator: &engine.GoComparator{Name: "test.short-first", Compare: f.compare},
		Extra:        "write_buffer_size=65536;level0_file_num_compaction_trigger=1;target_file_size_base=2048;max_bytes_for_level_base=4096;max_bytes_for_level_multiplier=2",
	}}
}

// Whenever a comparator begins to fail, the database opens again with a mended one, and has what was acknowledged, in
// its order. The rounds are processes of their own, which an order that makes no sense may end.
func TestADatabaseOpensWheneverItsComparatorBeganToFail(t *testing.T) {
	r, seed := seededRand(t, "comparator.failseed", *failingSeed)
	rounds := *failingRounds
	if testing.Short() {
		rounds /= 4
	}
	dir := filepath.Join(t.TempDir(), "db")
	rows := map[string]string{}
	failed, ended := 0, 0
	for n := range rounds {
		out, err := runChild(t, "fickle", dir, fmt.Sprint(r.Uint64()))
		if err != nil && !strings.Contains(out.stderr, "Assertion `") && !crashedWithoutAssertions(err) {
			t.Fatalf("seed %d, round %d: %v\n%s", seed, n, err, out.head())
		}
		if err != nil {
			ended++
		}
		if strings.Contains(out.stdout, "failed") {
			failed++
		}
		unknown := replayed(out.stdout, rows)
		db, err := engine.Open(dir, failingOptions(newFickle()))
		if err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, n, err)
		}
		checkFailed(t, db, rows, unknown)
		mustDo(t, db.Close())
		if t.Failed() {
			t.Fatalf("seed %d, round %d", seed, n)
		}
	}
	t.Logf("the comparator failed in %d of %d rounds; RocksDB ended %d", failed, rounds, ended)
}

// crashedWithoutAssertions tells of what an order that makes no sense may do to a RocksDB that would not notice it: see
// docs/operators.md. Where there are assertions, one of them comes first.
func crashedWithoutAssertions(err error) bool {
	return strings.HasSuffix(linked.Here().String(), "assertions off") && strings.Contains(err.Error(), "segmentation fault")
}

// replayed takes over what a round did, and gives the keys of which it does not know.
func replayed(lines string, rows map[string]string) (unknown map[string]bool) {
	unknown = map[string]bool{}
	key, value, deleted := "", "", false
	for line := range strings.Lines(lines) {
		switch words := strings.Fields(line); {
		case words[0] == "put" || words[0] == "delete":
			key, deleted = words[1], words[0] == "delete"
			if !deleted {
				value = words[2]
			}
			unknown[key] = true
		case words[0] != "ok":
		case deleted:
			delete(rows, key)
			delete(unknown, key)
		default:
			rows[key] = value
			delete(unknown, key)
		}
	}
	return unknown
}

func newFickle() *fickle {
	f := new(fickle)
	f.left.Store(farOff)
	return f
}

// fickleChild writes with a comparator that begins to fail somewhere, and says what it does.
func fickleChild(args []string) {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	must(err)
	r := rand.New(rand.NewPCG(seed, 0))
	f := newFickle()
	db, err := engine.Open(args[0], failingOptions(f))
	must(err)
	f.forGood.Store(r.IntN(2) == 0)
	f.alike.Store(r.IntN(2) == 0)
	f.left.Store(1 + r.Int64N(6000))
	for range 12 {
		at := r.IntN(4000)
		for i := range 20 {
			k, v := fmt.Sprintf("%0*d", 1+r.IntN(3), at+i*r.IntN(3)), fmt.Sprint(r.IntN(1000))
			if r.IntN(4) == 0 {
				fmt.Println("delete", k)
				err = db.Delete([]byte(k), nil)
			} else {
				fmt.Println("put", k, v)
				err = db.Put([]byte(k), []byte(v), nil)
			}
			if err == nil {
				fmt.Println("ok")
			}
		}
		_ = db.Flush()
	}
	if db.Health() != nil {
		fmt.Println("failed")
	}
	if r.IntN(2) == 0 {
		db.Close()
	}
}

// checkFailed compares the database with what was acknowledged. Of the keys whose outcome is unknown, it learns.
func checkFailed(t *testing.T, db *engine.DB, rows map[string]string, unknown map[string]bool) {
	got := map[string]string{}
	var last []byte
	all, done := engine.Scan(db, nil)
	for k, v := range all {
		if last != nil && byLength(last, k) >= 0 {
			t.Errorf("%q after %q", k, last)
		}
		last = append([]byte{}, k...)
		got[string(k)] = string(v)
	}
	if err := errors.Join(done(), db.Health()); err != nil {
		t.Error(err)
	}
	for k := range unknown {
		if v, ok := got[k]; ok {
			rows[k] = v
		} else {
			delete(rows, k)
		}
	}
	for k, v := range got {
		if rows[k] != v {
			t.Errorf("%q is %q, want %q", k, v, rows[k])
		}
	}
	for k, v := range rows {
		one, err := db.Get([]byte(k), nil)
		if err != nil || string(one) != v || got[k] != v {
			t.Errorf("%q: %q, %v, %q, want %q", k, one, err, got[k], v)
		}
	}
}

// failedDB is a database whose comparator has failed for good, with two rows in a table and one in the log, still open.
func failedDB(t *testing.T, dir, extra string) (db *engine.DB, o *engine.Options, f *fickle) {
	t.Helper()
	f = newFickle()
	o = &engine.Options{Extra: extra, FamilyOptions: failingOptions(f).FamilyOptions}
	o.FamilyOptions.Extra = "disable_auto_compactions=true" // one that is picked meanwhile may meet an assertion
	db = openDir(t, dir, o)
	mustDo(t, db.Put([]byte("a"), []byte("1"), nil), db.Put([]byte("bb"), []byte("2"), nil), db.Flush(), db.Put([]byte("c"), []byte("3"), nil))
	f.forGood.Store(true)
	f.left.Store(2) // the first asks for the key itself
	expectError(t, "put", db.Put([]byte("d"), []byte("4"), nil), engine.ErrAborted)
	f.left.Store(farOff)
	return db, o, f
}

// expectSound opens what a failed comparator has left.
func expectSound(t *testing.T, what, dir string, o *engine.Options) {
	t.Helper()
	db, err := engine.Open(dir, o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer db.Close()
	for k, v := range map[string]string{"a": "1", "bb": "2", "c": "3"} {
		if got, err := db.Get([]byte(k), nil); err != nil || string(got) != v {
			t.Errorf("%s: %s is %q, %v", what, k, got, err)
		}
	}
	mustDo(t, db.Put([]byte("e"), nil, nil), db.Delete([]byte("e"), nil), db.Flush(), db.Health())
	if _, err := os.Lstat(filepath.Join(dir, keptName)); !os.IsNotExist(err) {
		t.Errorf("%s: what was kept is still there: %v", what, err)
	}
}

const keptName = "rockbridge.kept"

// Once its comparator has failed a database is not changed any more, since that would not outlive Close, nor copied or
// read by others: its files are not what they are to be.
func TestADatabaseWhoseComparatorFailedIsLeftAlone(t *testing.T) {
	before := engine.LiveHandles()
	dir := filepath.Join(t.TempDir(), "db")
	db, o, _ := failedDB(t, dir, "")
	backups, err := engine.OpenBackups(filepath.Join(t.TempDir(), "backups"), nil)
	mustDo(t, err)
	_, create := db.CreateColumnFamily("f", nil)
	_, backup := backups.Create(t.Context(), db, nil)
	for what, err := range map[string]error{
		"put": db.Put([]byte("x"), nil, nil), "flush": db.Flush(), "family": create, "backup": backup,
		"checkpoint": db.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "copy")), "compact": db.Compact(t.Context(), nil, nil),
	} {
		expectError(t, what, err, engine.ErrAborted)
	}
	readOnly := *o
	readOnly.ReadOnly = true
	openFails(t, "another", dir, o, engine.ErrLocked)
	openFails(t, "a reader", dir, &readOnly, engine.ErrAborted)
	_, err = engine.OpenSecondary(dir, o)
	expectError(t, "a secondary", err, engine.ErrAborted)
	expectOperatorError(t, db.Health(), "it fails", true)
	mustDo(t, backups.Close(), db.Close())
	openFails(t, "a reader after Close", dir, &readOnly, engine.ErrAborted)
	expectSound(t, "after Close", dir, o)
	db, _, _ = failedDB(t, dir, "")
	mustDo(t, db.Close(), engine.Destroy(dir))
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("Destroy has left something: %v", err)
	}
	expectNoHandles(t, before)
}

// The files come back also where the process was killed, where the one that brought them back was killed at any step,
// and where the logs lie elsewhere.
func TestWhatWasKeptComesBackAfterACrashToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, o, _ := failedDB(t, dir, "")
	kept := filepath.Join(dir, keptName)
	copied := func(steps func(dir, kept string)) {
		t.Helper()
		to := filepath.Join(t.TempDir(), "db")
		mustDo(t, os.CopyFS(to, os.DirFS(dir)))
		steps(to, filepath.Join(to, keptName))
		expectSound(t, "a copy", to, o)
	}
	manifest, err := os.ReadFile(filepath.Join(kept, "CURRENT"))
	mustDo(t, err)
	name := strings.TrimSpace(string(manifest))
	tables := func(dir string) { // as if RocksDB had dropped them all
		for _, pattern := range []string{"*.sst", "*.log", "MANIFEST-*", "CURRENT"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			mustDo(t, err)
			for _, path := range found {
				mustDo(t, os.Remove(path))
			}
		}
	}
	copied(func(string, string) {})
	copied(func(dir, _ string) { tables(dir) })
	copied(func(dir, kept string) {
		tables(dir)
		mustDo(t, os.Link(filepath.Join(kept, name), filepath.Join(dir, name)), os.Link(filepath.Join(kept, "CURRENT"), filepath.Join(dir, "CURRENT.kept")))
	})
	copied(func(_, kept string) { mustDo(t, os.Remove(filepath.Join(kept, "CURRENT"))) })
	mustDo(t, db.Close())
	expectSound(t, "in place", dir, o)

	logs := filepath.Join(t.TempDir(), "logs")
	db, o, _ = failedDB(t, filepath.Join(t.TempDir(), "db"), "wal_dir="+logs)
	dir = db.Path()
	mustDo(t, db.Close())
	tables(dir)
	tables(logs)
	expectSound(t, "logs elsewhere", dir, o)
}
