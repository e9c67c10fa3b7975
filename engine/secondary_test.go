package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var secondarySeed = flag.Uint64("secondary.seed", 0, "of the secondary's random test; 0: a new one each time")

// openSecondary opens a secondary of dir, which is closed at the test's end.
func openSecondary(t testing.TB, dir string, o *engine.Options) *engine.Secondary {
	t.Helper()
	s, err := engine.OpenSecondary(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close of the secondary: %v", err)
		}
	})
	return s
}

// contents are all rows of all families: "family/key" to value.
func contents(t testing.TB, db *engine.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, c := range db.ColumnFamilies() {
		all[c.Name()+"/"] = "" // an empty family too
		rows, done := engine.Scan(c, nil)
		for k, v := range rows {
			all[c.Name()+"/"+string(k)] = string(v)
			if got, err := c.Get(k, nil); err != nil || !bytes.Equal(got, v) {
				t.Errorf("Get of %s/%s: %q, %v; the scan had %q", c.Name(), k, got, err, v)
			}
		}
		if err := done(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func secondaryContents(t testing.TB, s *engine.Secondary) (all map[string]string) {
	t.Helper()
	err := s.View(nil, func(db *engine.DB) error { all = contents(t, db); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The sequence on which RocksDB's own secondary shows the old value, a deleted row, and a sum that is
// too high.
func TestASecondaryShowsNoStaleRows(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}})
	s := openSecondary(t, db.Path(), nil)
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	noWAL := &engine.WriteOptions{DisableWAL: true}
	put := func(k, v string, o *engine.WriteOptions) func() error {
		return func() error { return db.Put([]byte(k), []byte(v), o) }
	}
	for i, step := range [][]func() error{
		{put("k", "1", nil), put("gone", "x", nil)},
		{db.Flush, put("k", "2", nil), func() error { return db.Delete([]byte("gone"), nil) }, db.Flush},
		{func() error { return db.Merge([]byte("sum"), one, nil) }},
		{db.Flush, func() error { return db.Merge([]byte("sum"), one, nil) }},
		{db.Flush},
		{put("k", "3", nil)},
		{put("k", "4", noWAL), db.Flush},
		{func() error { return db.DeleteRange([]byte("a"), []byte("l"), noWAL) }, db.Flush},
		{func() error { return db.Compact(nil, nil, nil) }},
	} {
		for _, do := range step {
			mustDo(t, do())
		}
		mustDo(t, s.CatchUp(nil))
		if got, want := secondaryContents(t, s), contents(t, db); !maps.Equal(got, want) {
			t.Errorf("after step %d: %q, the primary has %q", i, got, want)
		}
	}
}

func TestASecondaryChangesOnlyByCatchUp(t *testing.T) {
	db := openTemp(t, nil)
	mustDo(t, db.Put([]byte("a"), []byte("1"), nil))
	s := openSecondary(t, db.Path(), nil)
	old := secondaryContents(t, s)
	mustDo(t, db.Put([]byte("a"), []byte("2"), nil), db.Put([]byte("b"), nil, nil))
	if got := secondaryContents(t, s); !maps.Equal(got, old) || old["default/a"] != "1" {
		t.Errorf("before CatchUp: %q, was %q", got, old)
	}
	err := s.View(nil, func(before *engine.DB) error {
		it, err := before.NewIter(nil)
		mustDo(t, err, s.CatchUp(nil), db.Flush(), db.Compact(nil, nil, nil), s.CatchUp(nil))
		for range 2 { // the view keeps its state while the newest one moves on
			if v, err := before.Get([]byte("a"), nil); err != nil || string(v) != "1" {
				t.Errorf("in the view: %q, %v", v, err)
			}
		}
		if !it.First() || string(it.Value()) != "1" || it.Next() {
			t.Errorf("the iterator went along: %q, %v", it.Value(), it.Error())
		}
		if got := secondaryContents(t, s); got["default/a"] != "2" {
			t.Errorf("another view: %q", got)
		}
		expectError(t, "Close of what a view lends", before.Close(), engine.ErrInvalidArgument)
		snap, err := before.NewSnapshot()
		mustDo(t, err)
		if v, err := snap.Get([]byte("a"), nil); err != nil || string(v) != "1" {
			t.Errorf("a snapshot: %q, %v", v, err)
		}
		return errors.Join(it.Close(), snap.Close())
	})
	mustDo(t, err)
	if got, want := secondaryContents(t, s), contents(t, db); !maps.Equal(got, want) {
		t.Errorf("%q, the primary has %q", got, want)
	}
}

func TestASecondaryRefusesChangesAndLeavesTheFilesAlone(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	mustDo(t, db.Put([]byte("a"), []byte("1"), nil), db.Flush(), db.Put([]byte("b"), []byte("2"), nil))
	before := files(t, db.Path())
	logs, err := filepath.Glob(filepath.Join(db.Path(), "LOG*"))
	mustDo(t, err)
	s := openSecondary(t, db.Path(), nil)
	mustDo(t, s.View(nil, func(d *engine.DB) error { refusesChanges(t, d); return nil }), s.CatchUp(nil))
	if now, err := filepath.Glob(filepath.Join(db.Path(), "LOG*")); err != nil || !slices.Equal(now, logs) {
		t.Errorf("the primary's logs are %v, were %v, %v", now, logs, err)
	}
	if after := files(t, db.Path()); !maps.Equal(before, after) {
		t.Errorf("the primary's files changed: %v, were %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
}

func TestOpenSecondaryRefusesWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, nil)
	for name, c := range map[string]struct {
		dir string
		o   *engine.Options
	}{
		"no name":                {"", nil},
		"no database":            {t.TempDir(), nil},
		"a negative interval":    {db.Path(), &engine.Options{CatchUpEvery: -1}},
		"few files":              {db.Path(), &engine.Options{Extra: "max_open_files=10"}},
		"an unknown option":      {db.Path(), &engine.Options{Extra: "nonsense=1"}},
		"it must not exist":      {db.Path(), &engine.Options{ErrorIfExists: true}},
		"a family it has not":    {db.Path(), &engine.Options{Families: map[string]engine.FamilyOptions{"": {}}}},
		"a merge without a name": {db.Path(), &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: "x"}}},
	} {
		s, err := engine.OpenSecondary(c.dir, c.o)
		expectError(t, name, err, engine.ErrInvalidArgument)
		if s != nil {
			t.Errorf("%s: a secondary came with the error", name)
		}
	}
	_, err := engine.Open(db.Path(), &engine.Options{CatchUpEvery: time.Second})
	expectError(t, "CatchUpEvery of Open", err, engine.ErrInvalidArgument)
	_, err = engine.OpenSecondary(db.Path(), &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	expectError(t, "a family that is not there", err, engine.ErrFamilyNotFound)
}

func TestASecondaryFollowsTheFamilies(t *testing.T) {
	db := openTemp(t, nil)
	s := openSecondary(t, db.Path(), nil)
	for i := range 3 { // the same name each time, another family
		f, err := db.CreateColumnFamily("f", nil)
		mustDo(t, err, f.Put(fmt.Appendf(nil, "%d", i), nil, nil), s.CatchUp(nil))
		if got, want := secondaryContents(t, s), contents(t, db); !maps.Equal(got, want) {
			t.Errorf("%q, the primary has %q", got, want)
		}
		mustDo(t, db.DropColumnFamily(f), s.CatchUp(nil))
		err = s.View(nil, func(d *engine.DB) error { _, err := d.ColumnFamily("f"); return err })
		expectError(t, "a dropped family", err, engine.ErrFamilyNotFound)
	}
}

func TestASecondaryEqualsItsPrimaryAfterRandomWork(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 120
	}
	r, _ := seededRand(t, "secondary.seed", *secondarySeed)
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add, WriteBufferSize: 64 << 10}}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	defer func() { mustDo(t, db.Close()) }()
	s := openSecondary(t, dir, nil)
	shown := secondaryContents(t, s)
	for range rounds {
		if r.IntN(40) == 0 {
			mustDo(t, db.Close()) // the primary starts again under the secondary
			db = openDir(t, dir, o)
		}
		primaryWorks(t, r, db)
		if r.IntN(3) > 0 {
			continue
		}
		if got := secondaryContents(t, s); !maps.Equal(got, shown) {
			t.Fatalf("it changed by itself: %q, was %q", got, shown)
		}
		mustDo(t, s.CatchUp(nil))
		shown = secondaryContents(t, s)
		if want := contents(t, db); !maps.Equal(shown, want) {
			t.Fatalf("%q, the primary has %q", shown, want)
		}
	}
}

// primaryWorks does one random thing.
func primaryWorks(t *testing.T, r *rand.Rand, db *engine.DB) {
	t.Helper()
	all := db.ColumnFamilies()
	c := all[r.IntN(len(all))]
	key := func() []byte { return []byte{byte('a' + r.IntN(8))} }
	switch r.IntN(12) {
	case 0:
		mustDo(t, c.Flush())
	case 1:
		mustDo(t, c.Compact(nil, nil, nil))
	case 2:
		if c.Name() != "default" {
			mustDo(t, db.DropColumnFamily(c))
			return
		}
		f, err := db.CreateColumnFamily(fmt.Sprintf("f%d", r.IntN(3)), &engine.FamilyOptions{MergeOperator: engine.Uint64Add})
		if err == nil {
			mustDo(t, f.Put(key(), []byte("8 bytes."), nil))
		}
	case 3:
		mustDo(t, c.Delete(key(), nil))
	case 4:
		mustDo(t, c.DeleteRange([]byte("c"), []byte("f"), nil))
	case 5, 6:
		mustDo(t, c.Merge(key(), []byte{byte(r.IntN(200)), 0, 0, 0, 0, 0, 0, 0}, nil))
	default:
		b := db.NewBatch()
		for _, c := range all {
			mustDo(t, b.In(c).Put(key(), fmt.Appendf(nil, "%08d", r.IntN(1e8))))
		}
		mustDo(t, db.Write(b, nil))
	}
}

func TestASecondaryCatchesUpByItself(t *testing.T) {
	db := openTemp(t, nil)
	s := openSecondary(t, db.Path(), &engine.Options{CatchUpEvery: time.Millisecond})
	for i := range 3 {
		key := fmt.Appendf(nil, "%d", i)
		mustDo(t, db.Put(key, nil, nil))
		eventually(t, func() bool {
			there := false
			mustDo(t, s.View(nil, func(d *engine.DB) (err error) { there, err = d.Has(key, nil); return err }))
			return there
		})
	}
	mustDo(t, s.CatchUpError())
	away := db.Path() + ".away"
	mustDo(t, os.Rename(db.Path(), away))
	eventually(t, func() bool { return s.CatchUpError() != nil })
	expectError(t, "CatchUpError", s.CatchUpError(), engine.ErrIO)
	mustDo(t, os.Rename(away, db.Path()))
	eventually(t, func() bool { return s.CatchUpError() == nil })
	mustDo(t, s.Close(), s.Close())
	expectError(t, "CatchUp after Close", s.CatchUp(nil), engine.ErrClosed)
}

func eventually(t testing.TB, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come")
		}
	}
}

func TestCatchUpAndViewEndWithTheirContextAndClose(t *testing.T) {
	db := openTemp(t, nil)
	s := openSecondary(t, db.Path(), nil)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	expectError(t, "CatchUp", s.CatchUp(over), context.Canceled)
	expectError(t, "View", s.View(over, func(*engine.DB) error { return nil }), context.Canceled)
	mine := errors.New("mine")
	if err := s.View(context.Background(), func(*engine.DB) error { return mine }); err != mine {
		t.Errorf("View gave %v", err)
	}
	engine.SetSecondaryTimeout(s, time.Millisecond)
	err := s.View(nil, func(*engine.DB) error { return s.Close() })
	expectError(t, "Close within View", err, engine.ErrBusy)
	for _, none := range []*engine.Secondary{nil, {}, s} {
		expectError(t, "CatchUp", none.CatchUp(nil), engine.ErrClosed)
		expectError(t, "View", none.View(nil, func(*engine.DB) error { return nil }), engine.ErrClosed)
		mustDo(t, none.CatchUpError(), none.Close())
		if (none.Path() == db.Path()) != (none == s) {
			t.Errorf("Path is %q", none.Path())
		}
	}
}

func TestCloseOfASecondaryCountsWhatViewsLeftOpen(t *testing.T) {
	db := openTemp(t, nil)
	s, err := engine.OpenSecondary(db.Path(), nil)
	mustDo(t, err)
	leave := func(d *engine.DB) error {
		_, err := d.NewIter(nil)
		_, err2 := d.NewSnapshot()
		return errors.Join(err, err2)
	}
	mustDo(t, s.View(nil, leave), db.Put([]byte("a"), nil, nil), s.CatchUp(nil), s.View(nil, leave))
	var leak *engine.LeakError
	if err := s.Close(); !errors.As(err, &leak) || leak.Iterators != 2 || leak.Snapshots != 2 {
		t.Errorf("%v", err)
	}
	mustDo(t, s.Close())
}

func TestCatchUpViewAndCloseAtTheSameTime(t *testing.T) {
	db := openTemp(t, nil)
	for round := range 5 {
		s := openSecondary(t, db.Path(), &engine.Options{CatchUpEvery: time.Microsecond})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for i := 0; ; i++ {
					err := s.View(nil, func(d *engine.DB) error {
						_, _, _, err := engine.Count(nil, d, nil)
						return err
					})
					if err == nil {
						err = db.Put(fmt.Appendf(nil, "%d/%d", round, i%50), nil, nil)
					}
					if err == nil && i%4 == 0 {
						err = s.CatchUp(nil)
					}
					if err == engine.ErrClosed {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}
