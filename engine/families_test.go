package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var familiesSeed = flag.Uint64("families.seed", 0, "seed of the test that drops families under their writers; 0: a new one")

// create makes a family or ends the test.
func create(t *testing.T, db *engine.DB, name string, o *engine.FamilyOptions) *engine.ColumnFamily {
	t.Helper()
	c, err := db.CreateColumnFamily(name, o)
	if err != nil {
		t.Fatalf("create %q: %v", name, err)
	}
	return c
}

func TestAFamilyMadeAgainIsANewOne(t *testing.T) {
	db := openTemp(t, nil)
	old := create(t, db, "f", nil)
	if err := errors.Join(old.Put([]byte("k"), []byte("old"), nil), old.Flush()); err != nil {
		t.Fatal(err)
	}
	stale := db.NewBatch()
	if err := errors.Join(stale.In(old).Put([]byte("k"), []byte("stale")), db.DropColumnFamily(old)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ColumnFamily("f"); !errors.Is(err, engine.ErrFamilyNotFound) {
		t.Errorf("a dropped family is found: %v", err)
	}
	fresh := create(t, db, "f", nil)
	if fresh.ID() == old.ID() {
		t.Errorf("both have number %d", fresh.ID())
	}
	for range 2 {
		if err := db.Write(stale, nil); !errors.Is(err, engine.ErrFamilyDropped) {
			t.Errorf("a batch for the old family: %v", err)
		}
		if _, err := old.Get([]byte("k"), nil); !errors.Is(err, engine.ErrFamilyDropped) {
			t.Errorf("a read of the old family: %v", err)
		}
		if v, err := fresh.Get([]byte("k"), nil); err != engine.ErrNotFound {
			t.Errorf("the new family has %q, %v", v, err)
		}
	}
	if found, err := db.ColumnFamily("f"); err != nil || found != fresh {
		t.Errorf("by its name: %v, %v", found, err)
	}
	if err := fresh.Put([]byte("k"), []byte("new"), nil); err != nil {
		t.Error(err)
	}
}

func TestIteratorsOnADroppedFamilyLiveOn(t *testing.T) {
	db := openTemp(t, nil)
	f := create(t, db, "f", &engine.FamilyOptions{WriteBufferSize: 64 << 10})
	const rows = 3000
	for i := range rows {
		if err := f.Put(fmt.Appendf(nil, "%06d", i), bytes.Repeat([]byte{byte(i)}, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]engine.Reader{"family": f, "snapshot": snap.In(f)} {
		it, err := r.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		defer func() { // after the drop below
			forward, backward := 0, 0
			for range it.All() {
				forward++
			}
			for range it.Backward() {
				backward++
			}
			if forward != rows || backward != rows || it.Error() != nil {
				t.Errorf("%s: %d rows forward and %d backward of %d, %v", name, forward, backward, rows, it.Error())
			}
		}()
	}
	if err := snap.Close(); err != nil {
		t.Fatal(err)
	}
	// What would free the rows if nothing held them: the drop, a flush, a compaction.
	if err := errors.Join(db.DropColumnFamily(f), db.Flush(), db.Compact(context.Background(), nil, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.NewIter(nil); !errors.Is(err, engine.ErrFamilyDropped) {
		t.Errorf("a new iterator: %v", err)
	}
}

func TestNothingOfAnotherDatabaseIsAccepted(t *testing.T) {
	mine, other := openTemp(t, nil), openTemp(t, nil)
	f, g := create(t, mine, "f", nil), create(t, other, "g", nil)
	if f.ID() != g.ID() {
		t.Fatalf("the test wants families of one number, not %d and %d", f.ID(), g.ID())
	}
	b, own := mine.NewBatch(), mine.NewBatch()
	if err := errors.Join(b.In(g).Put([]byte("k"), nil), own.In(f).Put([]byte("k"), nil)); err != nil {
		t.Fatal(err)
	}
	snap, err := mine.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	_, read := snap.In(g).Get([]byte("k"), nil)
	_, iterate := snap.In(g).NewIter(nil)
	for name, err := range map[string]error{
		"Write": mine.Write(b, nil), "Append": own.Append(b), "Put": own.In(g).Put([]byte("k"), nil),
		"DropColumnFamily": mine.DropColumnFamily(g), "snapshot's Get": read, "snapshot's NewIter": iterate,
	} {
		if !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := mine.Write(own, nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("Write of a batch that refused a record: %v", err)
	}
	for _, c := range []*engine.ColumnFamily{f, g} {
		if there, err := c.Has([]byte("k"), nil); there || err != nil {
			t.Errorf("family %s: the row is there: %v, %v", c.Name(), there, err)
		}
	}
	if err := other.Write(b, nil); err != nil {
		t.Errorf("its own database: %v", err)
	}
}

// familyNames are hard to write into the OPTIONS file and to read from it.
var familyNames = []string{
	"plain", "with space", `quote"`, `bracket"]`, "[CFOptions", "a=b", "#hash", "back\\slash", "ünïcödé", "tab\t",
	"new\nline", "trailing ", "0", strings.Repeat("long", 200), "\xff\xfe",
}

func TestUnlistedFamiliesKeepTheirOptions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	one := binary.LittleEndian.AppendUint64(nil, 1)
	for i, name := range familyNames {
		c := create(t, db, name, &engine.FamilyOptions{
			MergeOperator: engine.Uint64Add, WriteBufferSize: int64(64+i) << 10, Compression: engine.NoCompression,
			Extra: fmt.Sprintf("level0_file_num_compaction_trigger=%d", i+5),
		})
		if err := c.Merge([]byte(name), one, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		before := familySections(t, dir)
		db := openDir(t, dir, nil)
		if n := len(db.ColumnFamilies()); n != len(familyNames)+1 {
			t.Errorf("%d families", n)
		}
		for _, name := range familyNames {
			c, err := db.ColumnFamily(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Merge([]byte(name), one, nil); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if after := familySections(t, dir); !slices.Equal(before, after) {
			t.Errorf("options before\n%v\nand after\n%v", before, after)
		}
	}
	db = openTempAt(t, dir)
	for _, name := range familyNames {
		c, err := db.ColumnFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := c.Get([]byte(name), nil); err != nil || binary.LittleEndian.Uint64(v) != 4 {
			t.Errorf("%q: 1 was added 4 times: %v, %v", name, v, err)
		}
	}
}

// openTempAt opens an existing database and closes it at the end of the test.
func openTempAt(t *testing.T, dir string) *engine.DB {
	t.Helper()
	db := openDir(t, dir, nil)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// familySections gives the lines of the newest OPTIONS file that this test has set.
func familySections(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no OPTIONS file: %v", err)
	}
	slices.Sort(names) // their numbers have six digits
	text, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(text), "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "write_buffer_size", "compression", "level0_file_num_compaction_trigger", "merge_operator":
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) < 4*len(familyNames) {
		t.Fatalf("%d lines of options", len(lines))
	}
	return lines
}

// RocksDB records a new family in its manifest before it writes the OPTIONS file. A crash between the
// two must not leave a database that cannot be opened.
func TestAFamilyThatNoOptionsFileNamesIsOpened(t *testing.T) {
	for _, keep := range []int{1, 0} { // OPTIONS files, of those from before the family was made
		dir := filepath.Join(t.TempDir(), "db")
		db := openDir(t, dir, nil)
		f := create(t, db, "f", nil)
		if err := errors.Join(f.Put([]byte("k"), []byte("v"), nil), db.Close()); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
		if err != nil || len(names) != 2 {
			t.Fatalf("the test wants 2 OPTIONS files: %v, %v", names, err)
		}
		slices.Sort(names)
		for _, name := range names[keep:] {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range []*engine.Options{{ReadOnly: true}, nil} {
			db, err := engine.Open(dir, o)
			if err != nil {
				t.Fatalf("%d OPTIONS files: %v", keep, err)
			}
			if v, err := family(t, db, "f").Get([]byte("k"), nil); err != nil || string(v) != "v" {
				t.Errorf("%d OPTIONS files: %q, %v", keep, v, err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func family(t *testing.T, db *engine.DB, name string) *engine.ColumnFamily {
	t.Helper()
	c, err := db.ColumnFamily(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFamiliesThatCannotBeDropped(t *testing.T) {
	db := openTemp(t, nil)
	def, err := db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	f := create(t, db, "f", nil)
	if err := db.DropColumnFamily(f); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want error }{
		"default":       {db.DropColumnFamily(def), engine.ErrInvalidArgument},
		"nil":           {db.DropColumnFamily(nil), engine.ErrClosed},
		"dropped":       {db.DropColumnFamily(f), engine.ErrFamilyDropped},
		"exists":        {second(db.CreateColumnFamily("default", nil)), engine.ErrInvalidArgument},
		"without name":  {second(db.CreateColumnFamily("", nil)), engine.ErrInvalidArgument},
		"zero byte":     {second(db.CreateColumnFamily("a\x00b", nil)), engine.ErrInvalidArgument},
		"no such name":  {second(db.ColumnFamily("g")), engine.ErrFamilyNotFound},
		"dropped by id": {writeTo(t, db, f.ID()), engine.ErrFamilyNotFound},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if err := usable(func() error { return db.Put([]byte("k"), nil, nil) }); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// writeTo writes a batch from outside that names a family by its number.
func writeTo(t *testing.T, db *engine.DB, id uint32) error {
	t.Helper()
	repr := binary.LittleEndian.AppendUint32(make([]byte, 8), 1)
	repr = append(repr, 0x5, byte(id), 1, 'k', 1, 'v') // a put in a family
	b, err := engine.ParseBatch(repr)
	if err != nil {
		t.Fatal(err)
	}
	return db.Write(b, nil)
}

// hookedContext does something when it is asked whether it has ended.
type hookedContext struct {
	context.Context
	hook func()
}

func (c hookedContext) Err() error {
	c.hook()
	return c.Context.Err()
}

// A drop in the middle of a call on the whole database is no business of that call.
func TestCompactPassesOverAFamilyThatIsDroppedMeanwhile(t *testing.T) {
	db := openTemp(t, nil)
	f := create(t, db, "f", nil)
	create(t, db, "g", nil)
	asked := 0
	ctx := hookedContext{context.Background(), func() {
		if asked++; asked == 2 { // before the second family, which is f
			if err := db.DropColumnFamily(f); err != nil {
				t.Error(err)
			}
		}
	}}
	if err := db.Compact(ctx, nil, nil); err != nil {
		t.Errorf("Compact: %v", err)
	}
	if asked != 3 {
		t.Errorf("the context was asked %d times for 3 families", asked)
	}
}
