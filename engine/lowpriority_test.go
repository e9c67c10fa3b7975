package engine_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// lowPriorityChild writes large records and batches of low priority to a database whose compactions
// are behind, when RocksDB slows such writes down. A build with assertions aborts over one that the
// rate limiter cannot take in one go.
func lowPriorityChild(dir string) {
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{FamilyOptions: engine.FamilyOptions{
		Extra: "disable_auto_compactions=true;level0_file_num_compaction_trigger=2;level0_slowdown_writes_trigger=100",
	}})
	must(err)
	for range 30 {
		must(errors.Join(db.Put([]byte("k"), nil, nil), db.Flush()))
	}
	low := &engine.WriteOptions{LowPriority: true}
	for _, size := range []int{90_000, 99_990, 100_000, 100_001, 104_800, 104_857, 104_858, 200_000} {
		value := make([]byte, size)
		must(db.Put([]byte("k"), value, low))
		b := db.NewBatch()
		must(errors.Join(b.Put([]byte("a"), value[:size/2]), b.Put([]byte("b"), value[size/2:])))
		must(db.Write(b, low))
	}
	must(db.Close())
}

func TestLargeWritesOfLowPriority(t *testing.T) {
	if out, err := runChild(t, "low priority", t.TempDir()); err != nil {
		t.Errorf("%v\n%s", err, out.head())
	}
}
