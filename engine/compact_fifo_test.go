package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Ingest puts a file below level 0, where RocksDB's FIFO compaction expects none: asked to compact it, 7.8.3 ended the process.
func TestCompactOfAFIFOFamilyLeavesIngestedFilesAlone(t *testing.T) {
	table := filepath.Join(t.TempDir(), "table.sst")
	w, err := engine.NewSSTWriter(table, nil)
	mustDo(t, err)
	mustDo(t, w.Put([]byte("a"), []byte("ingested")))
	_, err = w.Finish()
	mustDo(t, err)
	fifo := engine.FamilyOptions{Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: 1 << 30}}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: fifo})
	made, err := db.CreateColumnFamily("made", &fifo)
	mustDo(t, err)
	def, err := db.ColumnFamily("default")
	mustDo(t, err)
	for _, c := range []*engine.ColumnFamily{def, made} {
		mustDo(t, c.Ingest(nil, []string{table}, nil), c.Put([]byte("b"), []byte("put"), nil), c.Compact(nil, nil, nil))
		expectRows(t, c.Name(), c, map[string]string{"a": "ingested", "b": "put"})
		levels := map[int]bool{}
		files, err := db.LiveFiles()
		mustDo(t, err)
		for _, f := range files {
			levels[f.Level] = true
		}
		if len(levels) < 2 && !atLeast(t, engine.Version(), "9.0") { // later versions leave it in level 0
			t.Errorf("%s: the file was not put where this is about: %v", c.Name(), levels)
		}
	}
	mustDo(t, db.Close())
}
