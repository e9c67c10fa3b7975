package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The versions of one key may lie in several files of a level. Where one of these cannot be read, no older version may
// be shown in the place of the newest, and no row behind it be left out.

const straddledKeys = 12

// "make flips" changes more places than there are blocks.
var seamsStep = flag.Int("seams.step", 384, "bytes between the places that are changed in files that share keys; twice that with -short")

// straddledShapes are in how many versions of each key, with values of how many bytes: RocksDB steps over few versions,
// and seeks over many. The first two show what becomes of a scan that enters only one of the files.
var straddledShapes = []struct{ rounds, value int }{{16, 100}, {20, 30}, {5, 400}, {3, 700}}

func straddlingOptions(f engine.FamilyOptions) *engine.Options {
	f.Compression, f.BlockSize = engine.NoCompression, 256
	f.Extra = "disable_auto_compactions=true;target_file_size_base=1500"
	return &engine.Options{FamilyOptions: f}
}

// straddled makes a database in which write has written every key in each round, and tells the names of its files, and
// the rows after each round.
func straddled(t *testing.T, rounds, size int, o *engine.Options, write func(db *engine.DB, round int, key, value []byte) error) (dir string, files []string, rows []map[string]string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	last := map[string]string{}
	var snapshots []*engine.Snapshot
	for round := range rounds {
		for i := range straddledKeys {
			key := fmt.Appendf(nil, "k%02d", i)
			if (round+i)%3 == 0 {
				delete(last, string(key))
				mustDo(t, write(db, round, key, nil))
				continue
			}
			value := fmt.Sprintf("%02d %0*d", round, size, i)
			if o.FamilyOptions.MergeOperator != "" {
				last[string(key)] += value
			} else {
				last[string(key)] = value
			}
			mustDo(t, write(db, round, key, []byte(value)))
		}
		rows = append(rows, maps.Clone(last))
		s, err := db.NewSnapshot() // keeps the versions
		mustDo(t, err)
		snapshots = append(snapshots, s)
		if round == rounds/2 {
			mustDo(t, db.Flush())
		}
	}
	mustDo(t, db.Flush(), db.Compact(nil, nil, nil))
	live, err := db.LiveFiles()
	mustDo(t, err)
	shared := 0
	for _, f := range live {
		files = append(files, f.Name)
		if slices.ContainsFunc(live, func(g engine.LiveFile) bool {
			return g.Name != f.Name && bytes.Equal(f.Smallest[:3], g.Largest[:3])
		}) {
			shared++
		}
	}
	if shared < 3 {
		t.Fatalf("only %d of %d files begin with the key that another ends with", shared, len(files))
	}
	for _, s := range snapshots {
		mustDo(t, s.Close())
	}
	mustDo(t, db.Close())
	return dir, files, rows
}

// expectRightOrTold scans, and wants the first rows of all, in its order, and all of them or an error.
func expectRightOrTold(t *testing.T, name string, it interface {
	Next() bool
	Prev() bool
	Key() []byte
	Value() []byte
	Error() error
	Close() error
}, back, down bool, all map[string]string,
) (failed bool) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(all))
	move := it.Next
	if back {
		move = it.Prev
	}
	if down {
		slices.Reverse(keys)
	}
	n := 0
	for ; move(); n++ {
		if key := string(it.Key()); n == len(keys) || key != keys[n] || string(it.Value()) != all[key] {
			t.Errorf("%s: row %d is %q: %.8q", name, n, key, it.Value())
			break
		}
	}
	failed = it.Error() != nil
	if n < len(keys) && !failed {
		t.Errorf("%s: %d rows of %d, and no error", name, n, len(keys))
	}
	if err := it.Close(); (err != nil) != failed {
		t.Errorf("%s: Close answers %v", name, err)
	}
	return failed
}

// seeksRightOrTold seeks each key, there or not, and looks it up, and wants the right row, or an error.
func seeksRightOrTold(t *testing.T, name string, db *engine.DB, down bool, all map[string]string) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(all))
	it, err := db.NewIter(nil)
	mustDo(t, err)
	for i := range straddledKeys {
		key := fmt.Sprintf("k%02d", i)
		at, there := slices.BinarySearch(keys, key)
		above, below := at, at-1
		if there {
			below = at
		}
		if down {
			above, below = below, above
		}
		for _, back := range []bool{false, true} {
			seek, want := it.SeekGE, above
			if back {
				seek, want = it.SeekLE, below
			}
			ok, there := seek([]byte(key)), want >= 0 && want < len(keys)
			if it.Error() == nil && (ok != there || ok && (string(it.Key()) != keys[want] || string(it.Value()) != all[keys[want]])) {
				t.Errorf("%s: a seek to %s, backward %v: %q, %.8q", name, key, back, it.Key(), it.Value())
			}
		}
	}
	_ = it.Close()
	var asked [][]byte
	for i := range straddledKeys {
		asked = append(asked, fmt.Appendf(nil, "k%02d", i))
	}
	for _, together := range []bool{false, true} {
		found, err := lookedUp(defaultOf(t, db), asked, together, nil)
		for _, key := range asked {
			got, ok := found[string(key)]
			if want, there := all[string(key)]; ok && got != want || ok && !there || !ok && there && err == nil {
				t.Errorf("%s: a look for %s, together %v: %.8q", name, key, together, got)
			}
		}
	}
}

// damageEach has look look at the database with each block of each file damaged.
func damageEach(t *testing.T, dir string, files []string, o *engine.Options, look func(name string, db *engine.DB) (failed int)) {
	t.Helper()
	told := 0
	for _, file := range files {
		path := filepath.Join(dir, file)
		whole, err := os.ReadFile(path)
		mustDo(t, err)
		step := *seamsStep
		if testing.Short() {
			step *= 2
		}
		for at := 100; at < 2500; at += step {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1
			mustDo(t, os.WriteFile(path, damaged, 0o600))
			db, err := engine.Open(dir, o)
			if errors.Is(err, engine.ErrCorruption) { // no more rows, but the index
				break
			}
			mustDo(t, err)
			told += look(fmt.Sprintf("%s at %d", file, at), db)
			mustDo(t, db.Close())
		}
		mustDo(t, os.WriteFile(path, whole, 0o600))
	}
	if told < len(files) {
		t.Errorf("only %d scans met the damage", told)
	}
}

func TestVersionsInSeveralFilesAreNotTakenForTheNewest(t *testing.T) {
	for name, f := range map[string]engine.FamilyOptions{
		"plain":    {},
		"merged":   {MergeOperator: engine.AppendDelimited("")},
		"reversed": {Comparator: engine.ReverseBytewise},
	} {
		t.Run(name, func(t *testing.T) {
			for _, shape := range straddledShapes {
				if testing.Short() && shape.rounds < 8 {
					continue
				}
				if shape.rounds > 8 && f.MergeOperator != "" {
					continue // guarantees.md tells of it
				}
				versionsInSeveralFiles(t, shape.rounds, shape.value, straddlingOptions(f))
			}
		})
	}
}

func versionsInSeveralFiles(t *testing.T, rounds, size int, o *engine.Options) {
	t.Helper()
	merged := o.FamilyOptions.MergeOperator != ""
	dir, files, rows := straddled(t, rounds, size, o, func(db *engine.DB, round int, key, value []byte) error {
		switch {
		case value == nil:
			return db.Delete(key, nil)
		case merged:
			return db.Merge(key, value, nil)
		}
		return db.Put(key, value, nil)
	})
	reversed := o.FamilyOptions.Comparator != ""
	damageEach(t, dir, files, o, func(name string, db *engine.DB) (failed int) {
		for _, back := range []bool{false, true} {
			it, err := db.NewIter(nil)
			mustDo(t, err)
			name := fmt.Sprint(rounds, " versions, ", name, ", backward ", back)
			if expectRightOrTold(t, name, it, back, back != reversed, rows[rounds-1]) {
				failed++
			}
		}
		seeksRightOrTold(t, fmt.Sprint(rounds, " versions, ", name), db, reversed, rows[rounds-1])
		return failed
	})
}

func TestTimestampsInSeveralFilesAreNotTakenForTheNewest(t *testing.T) {
	o := straddlingOptions(engine.FamilyOptions{Timestamps: true})
	for _, shape := range straddledShapes {
		if testing.Short() && shape.rounds < 8 {
			continue
		}
		dir, files, rows := straddled(t, shape.rounds, shape.value, o, func(db *engine.DB, round int, key, value []byte) error {
			if value == nil {
				return db.DeleteAt(key, uint64(round+1), nil)
			}
			return db.PutAt(key, uint64(round+1), value, nil)
		})
		damageEach(t, dir, files, o, func(name string, db *engine.DB) (failed int) {
			for round := shape.rounds - 1; round >= 0; round -= 1 + shape.rounds/6 {
				for _, back := range []bool{false, true} {
					it, err := db.At(uint64(round + 1)).NewIter(nil)
					mustDo(t, err)
					name := fmt.Sprint(shape.rounds, " versions, ", name, ", round ", round, ", backward ", back)
					if expectRightOrTold(t, name, it, back, back, rows[round]) {
						failed++
					}
				}
			}
			return failed
		})
	}
}
