package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var compactSeed = flag.Uint64("compact.seed", 0, "seed of the compactions with options; 0: a new one")

// Whatever the options and the style of compaction, no row is lost, and none comes back.
func TestCompactionsWithAnyOptionsKeepTheRows(t *testing.T) {
	for style, extra := range map[string]string{
		"leveled":   "",
		"static":    "level_compaction_dynamic_level_bytes=false",
		"universal": "compaction_style=kCompactionStyleUniversal",
		"by hand":   byHandOnly,
		"one level": "compaction_style=kCompactionStyleUniversal;num_levels=1",
		"blobs":     "enable_blob_files=true;min_blob_size=8;blob_file_size=2000",
	} {
		t.Run(style, func(t *testing.T) {
			r, _ := seededRand(t, "compact.seed", *compactSeed)
			db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: extra}})
			rows := map[string]string{}
			rounds := 40
			if testing.Short() {
				rounds = 10
			}
			for round := range rounds {
				for range 1 + r.IntN(30) {
					key, value := fmt.Sprintf("%02d", r.IntN(60)), fmt.Sprint(round, " ", r.Uint64())
					if r.IntN(3) == 0 {
						delete(rows, key)
						mustDo(t, db.Delete([]byte(key), nil))
					} else {
						rows[key] = value
						mustDo(t, db.Put([]byte(key), []byte(value), nil))
					}
				}
				if r.IntN(2) == 0 {
					mustDo(t, db.Flush())
				}
				compactSomehow(t, r, db)
				expectRows(t, fmt.Sprint("round ", round), db, rows)
			}
			mustDo(t, db.Health(), db.VerifyChecksums(t.Context()))
		})
	}
}

// compactSomehow compacts a random range with random options.
func compactSomehow(t *testing.T, r *rand.Rand, db *engine.DB) {
	t.Helper()
	o := &engine.CompactOptions{
		Bottommost: engine.Bottommost(r.IntN(4)), Exclusive: r.IntN(3) == 0, ChangeLevel: r.IntN(2) == 0,
	}
	if o.ChangeLevel {
		o.TargetLevel = r.IntN(8)
	}
	if engine.Supports(engine.CompactParts) {
		o.Subcompactions, o.AllowStall = r.IntN(4), r.IntN(2) == 0
	}
	if engine.Supports(engine.CompactBlobs) {
		o.Blobs = engine.BlobCollection(r.IntN(3))
		if o.Blobs != engine.BlobsLeave {
			o.BlobAge = float64(r.IntN(3)) / 2
		}
	}
	var start, end []byte
	if r.IntN(2) == 0 {
		start = fmt.Appendf(nil, "%02d", r.IntN(60))
	}
	if r.IntN(2) == 0 {
		end = fmt.Appendf(nil, "%02d", r.IntN(60))
	}
	switch err := db.CompactWith(t.Context(), start, end, o); {
	case err == nil:
	case errors.Is(err, engine.ErrInvalidArgument) && o.ChangeLevel: // there is no such level
	case o.ChangeLevel && (errors.Is(err, engine.ErrTryAgain) || errors.Is(err, engine.ErrUnsupported) || errors.Is(err, engine.ErrAborted)):
	default:
		t.Fatalf("%q to %q, %+v: %v", start, end, *o, err)
	}
}

// compactToALevel compacts, and moves the files to a level if nothing is in their way.
func compactToALevel(c *engine.ColumnFamily, start, end []byte, level int, last engine.Bottommost) error {
	err := c.CompactWith(context.Background(), start, end, &engine.CompactOptions{
		Bottommost: last, ChangeLevel: true, TargetLevel: level,
	})
	if errors.Is(err, engine.ErrTryAgain) || errors.Is(err, engine.ErrInvalidArgument) || // there is no such level
		errors.Is(err, engine.ErrUnsupported) || errors.Is(err, engine.ErrAborted) { // RocksDB's words for files in between
		return nil
	}
	return err
}

// levelsOf counts the family's files by level.
func levelsOf(t *testing.T, db *engine.DB) map[int]int {
	t.Helper()
	levels := map[int]int{}
	for _, f := range tablesOf(t, db, "default") {
		levels[f.Level]++
	}
	return levels
}

func TestACompactionMovesFilesToTheLevelThatIsAskedFor(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	ctx := t.Context()
	for i := range 2 {
		fillFile(t, db, 50*i, 100)
	}
	rows := rowsOf(t, db)
	for _, level := range []int{5, 2, 4, 6, 1} {
		mustDo(t, db.CompactWith(ctx, nil, nil, &engine.CompactOptions{
			Bottommost: engine.BottommostSkip, ChangeLevel: true, TargetLevel: level,
		}))
		if levels := levelsOf(t, db); levels[level] == 0 || len(levels) != 1 {
			t.Errorf("files by level after a move to %d: %v", level, levels)
		}
		expectRows(t, "after a move", db, rows)
	}
}

// A file in a level in between is in the way, and that is told.
func TestACompactionTellsThatItCouldNotMoveFiles(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly + ";level_compaction_dynamic_level_bytes=false"}})
	ctx := t.Context()
	for i, level := range []int{3, 2} {
		key := []byte{'a' + byte(i)}
		mustDo(t, db.Put(key, nil, nil), db.Flush())
		mustDo(t, db.CompactWith(ctx, key, append(key, 0), &engine.CompactOptions{ChangeLevel: true, TargetLevel: level}))
	}
	want := engine.ErrTryAgain
	if engine.Supports(engine.CompactStatus) {
		want = engine.ErrUnsupported // RocksDB's own word for it
	}
	err := db.CompactWith(ctx, []byte("a"), []byte("a\x00"), &engine.CompactOptions{ChangeLevel: true, TargetLevel: 1})
	if atLeast(t, engine.Version(), "8.4") { // from there on RocksDB compacts down to the last level, and takes that file with it
		mustDo(t, err)
		if levels := levelsOf(t, db); levels[1] != 2 || len(levels) != 1 {
			t.Errorf("files by level: %v", levels)
		}
		return
	}
	expectError(t, "over a file in level 2", err, want)
	if levels := levelsOf(t, db); levels[3] != 1 || levels[2] != 1 {
		t.Errorf("files by level: %v", levels)
	}
}

func TestTheLastLevelIsCompactedAsTheOptionsHaveIt(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	ctx := t.Context()
	fillFile(t, db, 0, 100)
	fillFile(t, db, 50, 100)
	mustDo(t, db.Compact(ctx, nil, nil))
	names := func() []string { return tableNames(tablesOf(t, db, "default")) }
	for _, x := range []struct {
		how  engine.Bottommost
		anew bool
	}{
		{engine.BottommostIfFiltered, false},
		{engine.BottommostSkip, false},
		{engine.BottommostForce, true},
		{engine.BottommostForceOnce, true},
	} {
		before := names()
		mustDo(t, db.CompactWith(ctx, nil, nil, &engine.CompactOptions{Bottommost: x.how}))
		if anew := !slices.Equal(before, names()); anew != x.anew {
			t.Errorf("%v: files written anew: %v", x.how, anew)
		}
	}
}

// With the collection of blobs the old files of them go, without it they stay.
func TestACompactionCollectsBlobsIfItIsTold(t *testing.T) {
	needs(t, engine.CompactBlobs)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: byHandOnly + ";enable_blob_files=true;min_blob_size=8"}})
	ctx := t.Context()
	value := []byte(strings.Repeat("v", 1000))
	for range 2 {
		for i := range 50 {
			mustDo(t, db.Put(fmt.Appendf(nil, "%02d", i), value, nil))
		}
		mustDo(t, db.Flush())
	}
	blobs := func() string {
		found, err := filepath.Glob(filepath.Join(db.Path(), "*.blob"))
		mustDo(t, err)
		return strings.Join(found, " ")
	}
	first := strings.Fields(blobs())[1]
	force := engine.BottommostForce
	mustDo(t, db.CompactWith(ctx, nil, nil, &engine.CompactOptions{Bottommost: force, Blobs: engine.BlobsLeave}))
	if !strings.Contains(blobs(), first) {
		t.Error("a file of blobs is gone that is referred to")
	}
	mustDo(t, db.CompactWith(ctx, nil, nil, &engine.CompactOptions{Bottommost: force, Blobs: engine.BlobsCollect, BlobAge: 1}))
	if strings.Contains(blobs(), first) {
		t.Error("nothing was collected")
	}
	got, err := db.Get([]byte("07"), nil)
	mustDo(t, err)
	if string(got) != string(value) {
		t.Error("a value is another one after the collection")
	}
}

// Files that come while others change their level lie above these, as newer ones must.
func TestWhatIsIngestedBesideAChangeOfLevelWins(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	db := openTemp(t, nil)
	ctx := t.Context()
	for round := range rounds {
		value := fmt.Sprint(round)
		path := filepath.Join(t.TempDir(), "x.sst")
		w, err := engine.NewSSTWriter(path, nil)
		mustDo(t, err)
		for i := range 20 {
			mustDo(t, w.Put(fmt.Appendf(nil, "%02d", i), []byte(value)))
		}
		_, err = w.Finish()
		mustDo(t, err)
		var beside sync.WaitGroup
		var errs [3]error
		beside.Go(func() {
			errs[0] = compactToALevel(defaultOf(t, db), nil, nil, 1+round%6, engine.BottommostForce)
		})
		beside.Go(func() { errs[1] = db.Ingest(ctx, []string{path}, nil) })
		if round%4 == 0 {
			beside.Go(func() { errs[2] = db.DeleteFilesInRange([]byte("30"), []byte("40")) })
		}
		beside.Wait()
		mustDo(t, errs[:]...)
		for i := range 20 {
			got, err := db.Get(fmt.Appendf(nil, "%02d", i), nil)
			mustDo(t, err)
			if string(got) != value {
				t.Fatalf("round %d: row %d is of round %s", round, i, got)
			}
		}
	}
	mustDo(t, db.Health())
}

func TestCompactWithRefusesWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, &engine.Options{
		Families: map[string]engine.FamilyOptions{"fifo": {Extra: "compaction_style=kCompactionStyleFIFO"}},
	})
	fifo, err := db.ColumnFamily("fifo")
	mustDo(t, err, db.Put([]byte("k"), []byte("v"), nil), db.Flush())
	for what, o := range map[string]engine.CompactOptions{
		"no such Bottommost":       {Bottommost: 4},
		"a negative Bottommost":    {Bottommost: -1},
		"no such Blobs":            {Blobs: 3},
		"a negative level":         {ChangeLevel: true, TargetLevel: -1},
		"level seven":              {ChangeLevel: true, TargetLevel: 7},
		"a level beyond 32 bits":   {ChangeLevel: true, TargetLevel: 1 << 33},
		"a level without a change": {TargetLevel: 3},
		"negative parts":           {Subcompactions: -1},
		"parts beyond 32 bits":     {Subcompactions: 1 << 33},
		"an age above 1":           {BlobAge: 1.5},
		"a negative age":           {BlobAge: -0.5},
		"no number of an age":      {BlobAge: math.NaN()},
		"an age of what is left":   {Blobs: engine.BlobsLeave, BlobAge: 0.5},
	} {
		expectError(t, what, db.CompactWith(nil, nil, nil, &o), engine.ErrInvalidArgument)
	}
	expectError(t, "a change of FIFO's level", fifo.CompactWith(nil, nil, nil, &engine.CompactOptions{ChangeLevel: true}), engine.ErrInvalidArgument)
	for what, x := range map[string]struct {
		f engine.Feature
		o engine.CompactOptions
	}{
		"parts": {engine.CompactParts, engine.CompactOptions{Subcompactions: 2}},
		"stall": {engine.CompactParts, engine.CompactOptions{AllowStall: true}},
		"blobs": {engine.CompactBlobs, engine.CompactOptions{Blobs: engine.BlobsCollect}},
		"age":   {engine.CompactBlobs, engine.CompactOptions{BlobAge: 0.5}},
	} {
		var want error
		if !engine.Supports(x.f) {
			want = engine.ErrUnsupported
		}
		if err := db.CompactWith(nil, nil, nil, &x.o); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	expectRows(t, "afterwards", db, map[string]string{"k": "v"})
}
