package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var partitionSeed = flag.Uint64("partitions.seed", 0, "seed of tables cut by prefixes; 0: a new one")

// expectCut looks whether each table below level 0 has keys of one prefix of n bytes only; there must be some.
func expectCut(t *testing.T, db *engine.DB, n int) {
	t.Helper()
	files, err := db.LiveFiles()
	mustDo(t, err)
	below := 0
	for _, f := range files {
		if f.Level == 0 {
			continue
		}
		below++
		if !bytes.Equal(f.Smallest[:min(n, len(f.Smallest))], f.Largest[:min(n, len(f.Largest))]) {
			t.Errorf("level %d, %s: from %q to %q", f.Level, f.Name, f.Smallest, f.Largest)
		}
	}
	if below == 0 {
		t.Error("there are no tables below level 0")
	}
}

// Tables that compactions write have rows of one prefix each, whatever the rows and the order, and a map has the same rows.
func TestTablesAreCutByThePrefixesOfTheirKeys(t *testing.T) {
	r, _ := seededRand(t, "partitions.seed", *partitionSeed)
	for what, f := range map[string]engine.FamilyOptions{
		"levels":    {WriteBufferSize: 64 << 10, Extra: metaSmallLevels},
		"reverse":   {Comparator: engine.ReverseBytewise},
		"universal": {Tuning: engine.Tuning{Compaction: engine.UniversalCompaction}, BlockSize: 300},
	} {
		files, err := engine.NewMemoryFiles()
		mustDo(t, err)
		f.PartitionPrefix = 1 + r.IntN(2)
		db := openTemp(t, &engine.Options{InMemory: files, FamilyOptions: f, Extra: f.Extra})
		rows := map[string]string{}
		for round := range 3 {
			for range 100 {
				k := fmt.Appendf(nil, "%x", r.IntN(1<<16))
				k = k[:1+r.IntN(len(k))]
				if r.IntN(4) == 0 {
					mustDo(t, db.Delete(k, nil))
					delete(rows, string(k))
				} else {
					rows[string(k)] = fmt.Sprint(round)
					mustDo(t, db.Put(k, []byte(rows[string(k)]), nil))
				}
			}
			mustDo(t, db.Flush())
		}
		mustDo(t, db.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
		expectCut(t, db, f.PartitionPrefix)
		expectRows(t, what, db, rows)
		mustDo(t, files.Close())
	}
}

// A prefix goes with its tables, and the family is cut by the same bytes when nobody says so again. What is ingested comes
// whole, and is cut when it is compacted.
func TestAPrefixIsDroppedWithItsTables(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	f := engine.FamilyOptions{Tuning: engine.Tuning{PartitionPrefix: 2}}
	mustDo(t, openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"f": f}}).Close())
	db := openDir(t, dir, nil)
	defer db.Close()
	c, err := db.ColumnFamily("f")
	mustDo(t, err)
	path := filepath.Join(t.TempDir(), "file")
	w, err := engine.NewSSTWriter(path, &engine.SSTWriterOptions{Family: c})
	mustDo(t, err)
	for _, k := range []string{"aa1", "aa2", "ab1", "b", "ba1"} {
		mustDo(t, w.Put([]byte(k), []byte("v")))
	}
	_, err = w.Finish()
	mustDo(t, err)
	mustDo(t, c.Ingest(nil, []string{path}, nil))
	if files, err := db.LiveFiles(); len(files) != 1 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
	mustDo(t, c.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	if files, err := db.LiveFiles(); len(files) != 4 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
	expectCut(t, db, 2)
	mustDo(t, c.DeleteFilesInRange([]byte("aa"), []byte("ab")))
	var keys []string
	rows, done := engine.Scan(c, nil)
	for k := range rows {
		keys = append(keys, string(k))
	}
	if want := []string{"ab1", "b", "ba1"}; done() != nil || !slices.Equal(keys, want) {
		t.Errorf("%q, want %q", keys, want)
	}
}

// A family that has timestamps already is not cut either.
func TestAFamilyWithTimestampsIsNotCut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	mustDo(t, openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}}).Close())
	_, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Tuning: engine.Tuning{PartitionPrefix: 1}}})
	expectErrors(t, map[string]error{"open": err}, engine.ErrInvalidArgument, "PartitionPrefix")
}

// A worker cuts tables as its own options say, and marks those that are full of deletions.
func TestAWorkerCutsTablesByPrefixes(t *testing.T) {
	needs(t, engine.RemoteCompaction)
	f := engine.FamilyOptions{Tuning: engine.Tuning{PartitionPrefix: 1, CompactDeletions: engine.DeletionTrigger{Ratio: 0.5}}}
	out, worked := t.TempDir(), 0
	db := openTemp(t, &engine.Options{FamilyOptions: f, Compactor: func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		answer, err := engine.OpenAndCompact(ctx, job.Dir, filepath.Join(out, job.ID), job.Input, &engine.Options{FamilyOptions: f})
		if err == nil {
			worked++
		}
		return answer, err
	}})
	for i := range 100 {
		mustDo(t, db.Put(fmt.Appendf(nil, "%02d", i), []byte("v"), nil))
	}
	mustDo(t, db.Flush(), db.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	if worked == 0 {
		t.Error("no worker was asked")
	}
	expectCut(t, db, 1)
}
