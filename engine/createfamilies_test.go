package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func numberedNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("family %02d", i)
	}
	return names
}

// Families of every kind that are made together are in the order of their names, keep their rows apart, and are there with
// their options when the database is opened again.
func TestFamiliesMadeTogetherAreAsIfMadeOneByOne(t *testing.T) {
	reversed := func(a, b []byte) int { return bytes.Compare(b, a) }
	concat := &engine.GoMergeOperator{Name: "test.concat", Merge: func(dst, _, base []byte, operands [][]byte) ([]byte, error) {
		return append(append(dst, base...), bytes.Join(operands, nil)...), nil
	}}
	memory, err := engine.NewMemoryBudget(16 << 20)
	mustDo(t, err)
	t.Cleanup(func() { mustDo(t, memory.Close()) })
	for name, c := range map[string]struct {
		db     engine.Options
		family engine.FamilyOptions
	}{
		"plain":           {},
		"merging":         {family: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("")}},
		"merging in Go":   {family: engine.FamilyOptions{GoMerge: concat}},
		"reversed":        {family: engine.FamilyOptions{Comparator: engine.ReverseBytewise}},
		"ordered in Go":   {family: engine.FamilyOptions{GoComparator: &engine.GoComparator{Name: "test.down", Compare: reversed}}},
		"pessimistic":     {db: engine.Options{Transactions: engine.Pessimistic}},
		"optimistic":      {db: engine.Options{Transactions: engine.Optimistic}},
		"timed":           {db: engine.Options{TimedRows: true}},
		"within a budget": {db: engine.Options{Memory: memory}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names, dir := numberedNames(7), filepath.Join(t.TempDir(), "db")
			c.family.WriteBufferSize = 1 << 20
			db := openDir(t, dir, &c.db)
			families, err := db.CreateColumnFamilies(names, &c.family)
			mustDo(t, err)
			for i, f := range families {
				if f.Name() != names[i] || f.ID() != uint32(i+1) {
					t.Errorf("%d is %q with number %d", i, f.Name(), f.ID())
				}
				mustDo(t, f.Put([]byte("a"), []byte(names[i]), nil), f.Put([]byte("b"), nil, nil))
				if c.family.MergeOperator != "" || c.family.GoMerge != nil {
					mustDo(t, f.Merge([]byte("a"), []byte("+"), nil))
				}
			}
			if c.db.Transactions == engine.Pessimistic {
				mustDo(t, db.Update(t.Context(), func(tx *engine.Tx) error {
					_, err := tx.In(families[6]).GetForUpdate([]byte("a"), nil)
					return err
				}))
			}
			mustDo(t, db.Close())
			c.db.Families = map[string]engine.FamilyOptions{}
			for _, name := range names {
				c.db.Families[name] = c.family
			}
			db = openDir(t, dir, &c.db)
			defer db.Close()
			for i, f := range db.ColumnFamilies()[1:] {
				want := names[i]
				if c.family.MergeOperator != "" || c.family.GoMerge != nil {
					want += "+"
				}
				if v, err := f.Get([]byte("a"), nil); string(v) != want || err != nil || f.Name() != names[i] {
					t.Errorf("%s: %q, %v", f.Name(), v, err)
				}
				o, err := f.Options()
				if o["write_buffer_size"] != "1048576" || err != nil {
					t.Errorf("%s: %q, %v", f.Name(), o["write_buffer_size"], err)
				}
			}
		})
	}
}

// What is refused makes no family, and names the one that it is about.
func TestFamiliesOfWhichOneIsRefusedAreNotMade(t *testing.T) {
	db := openTemp(t, nil)
	_, err := db.CreateColumnFamily("there", nil)
	mustDo(t, err)
	for about, c := range map[string]struct {
		names []string
		o     *engine.FamilyOptions
		told  string
	}{
		"there":   {[]string{"a", "there", "b"}, nil, "exists"},
		"default": {[]string{"a", "default"}, nil, "exists"},
		"a":       {[]string{"a", "b", "a"}, nil, "twice"},
		"":        {[]string{"a", ""}, nil, "empty"},
		"a\x00":   {[]string{"b", "a\x00"}, nil, "zero byte"},
		"b":       {[]string{"b", "a"}, &engine.FamilyOptions{Extra: "no_such=1"}, "no_such"},
		"c":       {[]string{"c", "a"}, &engine.FamilyOptions{BlockSize: -1}, "BlockSize"},
		"d":       {[]string{"d", "a"}, &engine.FamilyOptions{MergeOperator: "none"}, "MergeOperator"},
	} {
		families, err := db.CreateColumnFamilies(c.names, c.o)
		expectError(t, about, err, engine.ErrInvalidArgument)
		var e *engine.Error
		if !errors.As(err, &e) {
			continue
		}
		if families != nil || e.Family != about || e.Op != "create column families" || e.Path == "" || !strings.Contains(e.Error(), c.told) {
			t.Errorf("%q: %v, %+v", about, families, e)
		}
	}
	if all := db.ColumnFamilies(); len(all) != 2 {
		t.Errorf("%d families", len(all))
	}
	_, err = db.CreateColumnFamilies(nil, &engine.FamilyOptions{BlockSize: -1})
	expectError(t, "none", err, engine.ErrInvalidArgument)
	for _, none := range [][]string{nil, {}} {
		if families, err := db.CreateColumnFamilies(none, nil); len(families) != 0 || err != nil {
			t.Errorf("%v, %v", families, err)
		}
	}
}

// The OPTIONS file, whose number grows with each writing, is written once for all from 8.5 on, and the call into C is one.
func TestTheOptionsOfFamiliesMadeTogetherAreWrittenOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	defer db.Close()
	number := func() (n int) {
		files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
		mustDo(t, err)
		slices.Sort(files)
		if _, err := fmt.Sscanf(filepath.Base(files[len(files)-1]), "OPTIONS-%d", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mustDo(t, db.Flush())
	written := 20 // times, each of which takes a number or two
	if atLeast(t, engine.Version(), "8.5") {
		written = 1
	}
	before, calls := number(), runtime.NumCgoCall()
	_, err := db.CreateColumnFamilies(numberedNames(20), nil)
	mustDo(t, err)
	calls = runtime.NumCgoCall() - calls
	if got := number() - before; got < written || got > 2*written {
		t.Errorf("%d numbers of files for %d of options", got, written)
	}
	if calls > 20 { // of which 9 copy names and options
		t.Errorf("%d calls into C", calls)
	}
}

// Many at once, of names at random, are those that are listed, and a second time none is made.
func TestManyFamiliesMadeTogether(t *testing.T) {
	r, _ := seededRand(t, "soak.seed", 0)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprint(i, strings.Repeat("\xff", r.IntN(300))))
	}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	_, err := db.CreateColumnFamilies(names, &engine.FamilyOptions{WriteBufferSize: 64 << 10})
	mustDo(t, err)
	_, err = db.CreateColumnFamilies(append([]string{"new"}, names...), nil)
	expectError(t, "again", err, engine.ErrInvalidArgument)
	mustDo(t, db.Close())
	listed, err := engine.ListColumnFamilies(dir)
	mustDo(t, err)
	if want := append([]string{"default"}, names...); !slices.Equal(listed, want) {
		t.Errorf("%d are listed of %d", len(listed), len(want))
	}
}
