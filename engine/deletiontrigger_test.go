package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// deletionsAbove makes a database of n rows in its last level, and a table above them that deletes those of which delete tells.
func deletionsAbove(t *testing.T, o *engine.Options, n int, deletes func(i int) bool) *engine.DB {
	t.Helper()
	db := openTemp(t, o)
	for i := range n {
		mustDo(t, db.Put(fmt.Appendf(nil, "%05d", i), nil, nil))
	}
	mustDo(t, db.Flush(), db.Compact(nil, nil, nil))
	for i := range n {
		k := fmt.Appendf(nil, "%05d", i)
		if deletes(i) {
			mustDo(t, db.Delete(k, nil))
		} else {
			mustDo(t, db.Put(k, []byte("new"), nil))
		}
	}
	mustDo(t, db.Flush())
	return db
}

// compactsAtOnce tells whether a compaction of level 0 is due or has been.
func compactsAtOnce(t *testing.T, db *engine.DB, c *engine.ColumnFamily) bool {
	t.Helper()
	files := func() int {
		n := 0
		all, err := db.LiveFiles()
		mustDo(t, err)
		for _, f := range all {
			if f.Level == 0 {
				n++
			}
		}
		return n
	}
	for range 2000 {
		pending, err := c.PropertyInt(engine.PropCompactionPending)
		mustDo(t, err)
		running, err := db.PropertyInt(engine.PropNumRunningCompactions) // one that finds nothing to do counts while it looks
		mustDo(t, err)
		if n := files(); n == 0 || pending == 0 && running == 0 {
			return n == 0
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("the compaction does not end")
	return true
}

func TestATableFullOfDeletionsIsCompacted(t *testing.T) {
	half := func(i int) bool { return i%2 == 0 }
	row := func(i int) bool { return i >= 100 && i < 220 }
	for what, c := range map[string]struct {
		d       engine.DeletionTrigger
		deletes func(i int) bool
		want    bool
	}{
		"none":                   {engine.DeletionTrigger{}, half, false},
		"many in a window":       {engine.DeletionTrigger{Window: 128, Deletions: 60}, half, true},
		"few in each window":     {engine.DeletionTrigger{Window: 128, Deletions: 100}, half, false},
		"many in one window":     {engine.DeletionTrigger{Window: 128, Deletions: 100}, row, true},
		"a part of all":          {engine.DeletionTrigger{Ratio: 0.5}, half, true},
		"a small part of all":    {engine.DeletionTrigger{Ratio: 0.5}, row, false},
		"either":                 {engine.DeletionTrigger{Window: 128, Deletions: 100, Ratio: 0.5}, half, true},
		"many in a small table":  {engine.DeletionTrigger{Ratio: 0.5, MinFileSize: 1 << 30}, half, false},
		"many in a larger table": {engine.DeletionTrigger{Window: 128, Deletions: 60, MinFileSize: 100}, half, true},
	} {
		files, err := engine.NewMemoryFiles()
		mustDo(t, err)
		o := &engine.Options{InMemory: files, FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression, BlockSize: 256, Tuning: engine.Tuning{CompactDeletions: c.d}}}
		if c.d.MinFileSize > 0 && !engine.Supports(engine.DeletionsMinSize) {
			_, err := engine.Open("db", o)
			expectErrors(t, map[string]error{what: err}, engine.ErrUnsupported, "10.6")
			mustDo(t, files.Close())
			continue
		}
		db := deletionsAbove(t, o, 400, c.deletes)
		if got := compactsAtOnce(t, db, db.ColumnFamilies()[0]); got != c.want {
			t.Errorf("%s: compacted: %v", what, got)
		}
		want := 0
		for i := range 400 {
			if !c.deletes(i) {
				want++
			}
		}
		if n, _, _, err := engine.Count(nil, db, nil); n != int64(want) || err != nil {
			t.Errorf("%s: %d rows of %d, %v", what, n, want, err)
		}
		mustDo(t, files.Close())
	}
}

// The trigger is in the OPTIONS file, so a family that nobody lists goes on with it; files that are ingested are not marked.
func TestTheTriggerOfDeletionsStaysAndLeavesIngestedTablesAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	f := engine.FamilyOptions{Tuning: engine.Tuning{CompactDeletions: engine.DeletionTrigger{Window: 256, Deletions: 200, Ratio: 0.75}}}
	mustDo(t, openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"f": f}}).Close())
	db := openDir(t, dir, nil)
	defer db.Close()
	c, err := db.ColumnFamily("f")
	mustDo(t, err)
	for i := range 10 {
		mustDo(t, c.Put(fmt.Appendf(nil, "%03d", i), nil, nil))
	}
	mustDo(t, db.Flush(), c.Compact(nil, nil, nil))
	path := filepath.Join(t.TempDir(), "file")
	w, err := engine.NewSSTWriter(path, &engine.SSTWriterOptions{Family: c})
	mustDo(t, err)
	for i := range 10 {
		mustDo(t, w.Delete(fmt.Appendf(nil, "%03d", i)))
	}
	_, err = w.Finish()
	mustDo(t, err)
	mustDo(t, c.Ingest(nil, []string{path}, nil))
	if pending, err := c.PropertyInt(engine.PropCompactionPending); pending != 0 || err != nil {
		t.Errorf("after an ingestion: %d, %v", pending, err)
	}
	for i := range 10 {
		mustDo(t, c.Put(fmt.Appendf(nil, "%03d", i), nil, nil))
	}
	mustDo(t, db.Flush())
	for i := range 10 {
		mustDo(t, c.Delete(fmt.Appendf(nil, "%03d", i), nil))
	}
	mustDo(t, db.Flush())
	if !compactsAtOnce(t, db, c) {
		t.Error("the trigger is gone")
	}
}
