package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var compactFilesSeed = flag.Uint64("compactfiles.seed", 0, "seed of the files that are compacted; 0: a new one")

const byHandOnly = "disable_auto_compactions=true"

// tablesOf lists the table files of a family, by level.
func tablesOf(t *testing.T, db *engine.DB, family string) (all []engine.LiveFile) {
	t.Helper()
	files, err := db.LiveFiles()
	mustDo(t, err)
	return slices.DeleteFunc(files, func(f engine.LiveFile) bool { return f.Family != family })
}

func tableNames(files []engine.LiveFile) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// Whatever files are chosen, the rows stay, the files go, and what they held lies in the level that was asked for.
func TestCompactFilesKeepsTheRows(t *testing.T) {
	needs(t, engine.CompactFiles)
	r, _ := seededRand(t, "compactfiles.seed", *compactFilesSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	rows := map[string]string{}
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		for range 1 + r.IntN(3) {
			for range 1 + r.IntN(15) {
				key, value := fmt.Sprintf("%02d", r.IntN(60)), fmt.Sprint(round, r.Uint64())
				if r.IntN(3) == 0 {
					delete(rows, key)
					mustDo(t, db.Delete([]byte(key), nil))
				} else {
					rows[key] = value
					mustDo(t, db.Put([]byte(key), []byte(value), nil))
				}
			}
			mustDo(t, db.Flush())
		}
		compactSome(t, r, db)
		expectRows(t, fmt.Sprint("round ", round), db, rows)
	}
}

// compactSome compacts files chosen at random.
func compactSome(t *testing.T, r *rand.Rand, db *engine.DB) {
	t.Helper()
	files := tablesOf(t, db, "default")
	r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	chosen := files[:1+r.IntN(len(files))]
	level := 0
	for _, f := range chosen {
		level = max(level, f.Level)
	}
	level = min(6, max(1, level+r.IntN(3)))
	o := &engine.CompactFilesOptions{MaxFileSize: []int64{0, 1 << 10}[r.IntN(2)]}
	if err := db.CompactFiles(t.Context(), tableNames(chosen), level, o); err != nil {
		t.Fatalf("%v to level %d: %v", tableNames(chosen), level, err)
	}
	for _, f := range tablesOf(t, db, "default") {
		if slices.Contains(tableNames(chosen), f.Name) {
			t.Errorf("%s is still there, in level %d", f.Name, f.Level)
		}
		if !slices.Contains(tableNames(files), f.Name) && f.Level != level {
			t.Errorf("%s came into level %d instead of %d", f.Name, f.Level, level)
		}
	}
}

func TestCompactFilesRefusesWhatMakesNoSense(t *testing.T) {
	needs(t, engine.CompactFiles)
	db := openTemp(t, &engine.Options{
		FamilyOptions: engine.FamilyOptions{Extra: byHandOnly},
		Families:      map[string]engine.FamilyOptions{"other": {Extra: byHandOnly}},
	})
	other, err := db.ColumnFamily("other")
	mustDo(t, err, other.Put([]byte("k"), nil, nil), db.Put([]byte("k"), nil, nil), db.Flush())
	mine, others := tableNames(tablesOf(t, db, "default"))[0], tableNames(tablesOf(t, db, "other"))[0]
	for what, x := range map[string]struct {
		names []string
		level int
		o     *engine.CompactFilesOptions
		want  error
	}{
		"no files":              {nil, 1, nil, engine.ErrInvalidArgument},
		"an empty name":         {[]string{""}, 1, nil, engine.ErrInvalidArgument},
		"letters before digits": {[]string{"x" + mine}, 1, nil, engine.ErrInvalidArgument},
		"a folder before it":    {[]string{"/" + mine}, 1, nil, engine.ErrInvalidArgument},
		"a log":                 {[]string{"000004.log"}, 1, nil, engine.ErrInvalidArgument},
		"fewer digits":          {[]string{strings.TrimLeft(mine, "0")}, 1, nil, engine.ErrInvalidArgument},
		"a zero byte":           {[]string{mine + "\x00"}, 1, nil, engine.ErrInvalidArgument},
		"a number beyond 64":    {[]string{"99999999999999999999.sst"}, 1, nil, engine.ErrInvalidArgument},
		"a file never made":     {[]string{"999999.sst"}, 1, nil, engine.ErrNotFound},
		"one of two":            {[]string{mine, "999999.sst"}, 1, nil, engine.ErrNotFound},
		"another family's":      {[]string{others}, 1, nil, engine.ErrNotFound},
		"a negative level":      {[]string{mine}, -1, nil, engine.ErrInvalidArgument},
		"level seven":           {[]string{mine}, 7, nil, engine.ErrInvalidArgument},
		"a level beyond 32":     {[]string{mine}, 1 << 33, nil, engine.ErrInvalidArgument},
		"a negative size":       {[]string{mine}, 1, &engine.CompactFilesOptions{MaxFileSize: -1}, engine.ErrInvalidArgument},
	} {
		expectError(t, what, db.CompactFiles(t.Context(), x.names, x.level, x.o), x.want)
	}
	mustDo(t, db.CompactFiles(nil, []string{mine}, 2, nil))
	mine = tableNames(tablesOf(t, db, "default"))[0]
	expectError(t, "a level above", db.CompactFiles(t.Context(), []string{mine}, 1, nil), engine.ErrInvalidArgument)
	expectRows(t, "afterwards", db, map[string]string{"k": ""})
	mustDo(t, other.Compact(t.Context(), nil, nil), db.Health())

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	expectError(t, "a context that has ended", db.CompactFiles(ended, []string{mine}, 2, nil), context.Canceled)
	mustDo(t, db.DropColumnFamily(other))
	expectError(t, "a dropped family", other.CompactFiles(t.Context(), []string{others}, 1, nil), engine.ErrFamilyDropped)
}

// The caller leaves when its context ends; Close waits for what it has left behind, or ends it.
func TestCompactFilesEndsWithItsContextAndItsDatabase(t *testing.T) {
	needs(t, engine.CompactFiles)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
		for i := range 2 {
			fillFile(t, db, 50*i, 100)
		}
		rows := rowsOf(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		names := tableNames(tablesOf(t, db, "default"))
		go func() { done <- db.CompactFiles(ctx, names, 1, nil) }()
		if round%2 == 0 {
			cancel()
		}
		if round%3 == 0 {
			mustDo(t, db.Close())
		}
		err := <-done
		if err != nil && !errors.Is(err, context.Canceled) && err != engine.ErrClosed {
			t.Error(err)
		}
		cancel()
		if round%3 != 0 {
			expectRows(t, "afterwards", db, rows)
		}
	}
}

func TestCompactFilesSaysWhatItNeeds(t *testing.T) {
	if engine.Supports(engine.CompactFiles) {
		t.Skip("it is there")
	}
	err := openTemp(t, nil).CompactFiles(t.Context(), []string{"000012.sst"}, 1, nil)
	expectError(t, "without it", err, engine.ErrUnsupported, errors.ErrUnsupported)
	if !strings.Contains(err.Error(), "11.6") || !strings.Contains(err.Error(), "rb_cxx") {
		t.Error(err)
	}
}
