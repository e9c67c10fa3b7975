package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	repairRounds = flag.Int("repair.rounds", 12, "databases that the random test of Repair damages; a quarter with -short")
	repairSeed   = flag.Uint64("repair.seed", 0, "its seed; 0: a new one each time")
)

// broken is a closed database whose rows are known: those of each table, those of the log, and every value
// that a row ever had.
type broken struct {
	dir    string
	o      *engine.Options
	tables map[string]map[string]string // path of a table to rows that are in it only
	log    map[string]string            // rows that are in the log only
	ever   map[string][]string
}

// breakable makes such a database. Rows of family sums are merged; their keys begin with "sums/".
func breakable(t *testing.T) *broken {
	t.Helper()
	d := &broken{
		dir: filepath.Join(t.TempDir(), "db"), tables: map[string]map[string]string{}, log: map[string]string{}, ever: map[string][]string{},
		o: &engine.Options{Families: map[string]engine.FamilyOptions{"sums": {MergeOperator: engine.Int64Max}}},
	}
	db := openDir(t, d.dir, d.o)
	sums, err := db.ColumnFamily("sums")
	mustDo(t, err)
	for part := range 4 {
		before := d.files(t, "*.sst")
		rows := map[string]string{}
		for i := range 40 {
			key, value := fmt.Sprintf("%d/%02d", part, i), fmt.Sprint("value ", part, i, strings.Repeat("x", 50))
			rows[key] = value
			mustDo(t, db.Put([]byte(key), []byte(value), nil))
		}
		d.note(rows)
		if part == 3 {
			d.log = rows
			break
		}
		mustDo(t, db.Put([]byte("old"), fmt.Append(nil, part), nil), db.Flush())
		d.ever["old"] = append(d.ever["old"], fmt.Sprint(part))
		for _, file := range d.files(t, "*.sst") {
			if !slices.Contains(before, file) {
				d.tables[file] = rows
			}
		}
	}
	for i := range 10 {
		key := fmt.Sprintf("sums/%d", i)
		mustDo(t, sums.Merge([]byte(key), engine.EncodeInt64(1), nil))
		if d.note(map[string]string{key: string(engine.EncodeInt64(1))}); i == 4 {
			mustDo(t, sums.Flush())
		}
		mustDo(t, sums.Merge([]byte(key), engine.EncodeInt64(int64(i)), nil))
		d.note(map[string]string{key: string(engine.EncodeInt64(int64(i)))}, map[string]string{key: string(engine.EncodeInt64(max(int64(i), 1)))})
	}
	mustDo(t, db.Close())
	return d
}

func (d *broken) note(all ...map[string]string) {
	for _, rows := range all {
		for k, v := range rows {
			d.ever[k] = append(d.ever[k], v)
		}
	}
}

func (d *broken) files(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, pattern))
	mustDo(t, err)
	return files
}

// rows opens the database and reads all of it.
func (d *broken) rows() (map[string]string, error) {
	db, err := engine.Open(d.dir, d.o)
	if err != nil {
		return nil, err
	}
	rows := map[string]string{}
	for _, c := range db.ColumnFamilies() {
		all, done := engine.Scan(c, nil)
		for k, v := range all {
			rows[string(k)] = string(v)
		}
		err = errors.Join(err, done())
	}
	return rows, errors.Join(err, db.Health(), db.Close())
}

// newest are the rows that an undamaged database has.
func (d *broken) newest() map[string]string {
	rows := map[string]string{}
	for k, values := range d.ever {
		rows[k] = values[len(values)-1]
	}
	return rows
}

// expectSubset checks that nothing is there that never was, and that some rows are there as they were last.
func (d *broken) expectSubset(got map[string]string, whole ...map[string]string) error {
	for k, v := range got {
		if !slices.Contains(d.ever[k], v) {
			return fmt.Errorf("%s is %q, which it never was", k, v)
		}
	}
	for _, rows := range whole {
		for k, v := range rows {
			if got[k] != v {
				return fmt.Errorf("%s is %q, want %q", k, got[k], v)
			}
		}
	}
	return nil
}

// Whatever tells RocksDB what there is may be gone: all rows come back.
func TestRepairBringsEverythingBackWithoutAManifest(t *testing.T) {
	for what, damage := range map[string]func(*broken){
		"manifest gone": func(d *broken) { removeAll(t, d.files(t, "MANIFEST-*")) },
		"current gone":  func(d *broken) { removeAll(t, d.files(t, "CURRENT")) },
		"both gone":     func(d *broken) { removeAll(t, append(d.files(t, "MANIFEST-*"), d.files(t, "CURRENT")...)) },
		"manifest cut": func(d *broken) {
			for _, f := range d.files(t, "MANIFEST-*") {
				mustDo(t, os.Truncate(f, 20))
			}
		},
		"options gone": func(d *broken) { removeAll(t, d.files(t, "OPTIONS-*")) },
		"nothing":      func(*broken) {},
	} {
		d := breakable(t)
		damage(d)
		r, err := engine.Repair(d.dir, d.o)
		if err != nil || len(r.Lost) != 0 || len(r.Tables) < len(d.tables) {
			t.Fatalf("%s: %+v, %v", what, r, err)
		}
		got, err := d.rows()
		if err != nil || !maps.Equal(got, d.newest()) {
			t.Errorf("%s: %d rows of %d, %v, %v", what, len(got), len(d.newest()), err, d.expectSubset(got, d.newest()))
		}
	}
}

func removeAll(t *testing.T, files []string) {
	t.Helper()
	if len(files) == 0 {
		t.Fatal("there is nothing to remove")
	}
	for _, f := range files {
		mustDo(t, os.Remove(f))
	}
}

// A table that is damaged is lost, and named; the others come back whole.
func TestRepairLeavesADamagedTableOut(t *testing.T) {
	d := breakable(t)
	for damaged := range d.tables {
		flip(t, damaged, 100)
		removeAll(t, d.files(t, "MANIFEST-*"))
		r, err := engine.Repair(d.dir, d.o)
		name := filepath.Base(damaged)
		if err != nil || len(r.Lost) != 1 || filepath.Base(r.Lost[0]) != name || slices.Contains(r.Tables, name) {
			t.Fatalf("%+v, %v; %s is damaged", r, err, name)
		}
		if _, err := os.Stat(r.Lost[0]); err != nil {
			t.Error(err)
		}
		whole := []map[string]string{d.log}
		for file, rows := range d.tables {
			if file != damaged {
				whole = append(whole, rows)
			}
		}
		got, err := d.rows()
		if err := errors.Join(err, d.expectSubset(got, whole...)); err != nil {
			t.Error(err)
		}
		for k := range d.tables[damaged] {
			if v, found := got[k]; found {
				t.Errorf("%s is %q", k, v)
			}
		}
		return
	}
}

// flip changes a byte of a file.
func flip(t *testing.T, file string, at int) {
	t.Helper()
	data, err := os.ReadFile(file)
	mustDo(t, err)
	data[at] ^= 0x55
	mustDo(t, os.WriteFile(file, data, 0o644))
}

// Whatever is damaged, what comes back was there once, and tables that are not damaged come back.
func TestRepairGivesNothingThatNeverWas(t *testing.T) {
	r, seed := seededRand(t, "repair.seed", *repairSeed)
	rounds := *repairRounds
	if testing.Short() {
		rounds /= 4
	}
	for n := range rounds {
		d := breakable(t)
		whole, what := d.damage(t, r)
		_, err := engine.Repair(d.dir, d.o)
		if err == nil {
			var got map[string]string
			if got, err = d.rows(); err == nil {
				err = d.expectSubset(got, whole...)
			}
		}
		if err != nil {
			t.Errorf("seed %d, round %d, %s: %v", seed, n, what, err)
		}
	}
}

// damage changes, cuts or removes some files. whole are the rows of tables that it left alone.
func (d *broken) damage(t *testing.T, r *rand.Rand) (whole []map[string]string, what string) {
	files := slices.Concat(d.files(t, "*.sst"), d.files(t, "*.log"), d.files(t, "MANIFEST-*"), d.files(t, "CURRENT"))
	left := maps.Clone(d.tables)
	for range 1 + r.IntN(3) {
		file := files[r.IntN(len(files))]
		info, err := os.Stat(file)
		if err != nil || info.Size() == 0 {
			continue
		}
		delete(left, file)
		at := r.IntN(int(info.Size()))
		switch r.IntN(3) {
		case 0:
			what += fmt.Sprintf("byte %d of %s changed ", at, filepath.Base(file))
			flip(t, file, at)
		case 1:
			what += fmt.Sprintf("%s cut to %d bytes ", filepath.Base(file), at)
			mustDo(t, os.Truncate(file, int64(at)))
		default:
			what += filepath.Base(file) + " removed "
			mustDo(t, os.Remove(file))
		}
	}
	return slices.Collect(maps.Values(left)), what
}

// What a repair would do damage to is refused, and so is what is no database; nothing changes.
func TestRepairRefusesWhatItWouldRuin(t *testing.T) {
	repairFails := func(what, dir string, o *engine.Options, target error) {
		t.Helper()
		before := listing(t, dir)
		_, err := engine.Repair(dir, o)
		expectError(t, what, err, target)
		if after := listing(t, dir); after != before {
			t.Errorf("%s: the directory changed from\n%s\nto\n%s", what, before, after)
		}
	}
	base := t.TempDir()
	made := func(name string, o *engine.Options) string {
		dir := filepath.Join(base, name)
		db := openDir(t, dir, o)
		mustDo(t, db.Put([]byte("k"), make([]byte, 100), nil), db.Flush(), db.Close())
		return dir
	}
	families := func(f engine.FamilyOptions) *engine.Options {
		return &engine.Options{Families: map[string]engine.FamilyOptions{"f": f}, FamilyOptions: engine.FamilyOptions{MergeOperator: engine.SetUnion}}
	}
	repairFails("blobs", made("blobs", &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "enable_blob_files=true"}}), nil, engine.ErrUnsupported)
	repairFails("merges", made("merges", families(engine.FamilyOptions{MergeOperator: engine.Int64Add})), nil, engine.ErrUnsupported)
	repairFails("reversed", made("reversed", families(engine.FamilyOptions{Comparator: engine.ReverseBytewise})), nil, engine.ErrUnsupported)
	inGo := families(engine.FamilyOptions{GoComparator: shortFirst()})
	repairFails("comparator", made("comparator", inGo), nil, engine.ErrUnsupported)
	repairFails("comparator given", filepath.Join(base, "comparator"), inGo, engine.ErrUnsupported)
	adds := made("adds", &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add}})
	repaired, err := engine.Repair(adds, nil) // its log is empty
	if err != nil || len(repaired.Lost) > 0 {
		t.Errorf("%+v, %v", repaired, err)
	}
	db := openDir(t, adds, nil)
	mustDo(t, db.Merge([]byte("n"), engine.EncodeInt64(1), nil), db.Close())
	repairFails("merges in a log", adds, nil, engine.ErrUnsupported)
	if _, err := engine.Repair(adds, &engine.Options{AcceptDataLoss: true}); err != nil {
		t.Error(err)
	}
	plain := made("plain", nil)
	repairFails("operator", plain, &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: "none such"}}, engine.ErrInvalidArgument)
	repairFails("option", plain, &engine.Options{Extra: "no_such_option=1"}, engine.ErrInvalidArgument)
	repairFails("read only", plain, &engine.Options{ReadOnly: true}, engine.ErrInvalidArgument)
	repairFails("nothing there", filepath.Join(base, "none"), nil, engine.ErrInvalidArgument)
	repairFails("no name", "", nil, engine.ErrInvalidArgument)
	mustDo(t, os.WriteFile(filepath.Join(base, "notes.txt"), nil, 0o644))
	repairFails("no database", base, nil, engine.ErrInvalidArgument)
	db = openDir(t, plain, nil)
	_, err = engine.Repair(plain, nil)
	expectError(t, "open", err, engine.ErrLocked)
	if v, err := db.Get([]byte("k"), nil); err != nil || len(v) != 100 {
		t.Errorf("%q, %v", v, err)
	}
	mustDo(t, db.Close())
}
