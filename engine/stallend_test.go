package engine_test

import (
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB 7.8.3 never came back from a SetOptions that ended a stall where nothing went on in the background.
func TestSetOptionsEndsAStall(t *testing.T) {
	for name, compacting := range map[string]bool{"alone": false, "beside a compaction that waits": true} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"stall": soakStall}})
			c, err := db.ColumnFamily("stall")
			mustDo(t, err, c.SetOptions(stallAt("2")))
			for err == nil || !stoppedForGood(t, db) {
				err = c.Put([]byte("filler"), make([]byte, 1000), &engine.WriteOptions{NoSlowdown: true})
			}
			expectError(t, "put", err, engine.ErrWouldBlock)
			waiting := make(chan error, 2)
			go func() { waiting <- db.Put([]byte("k"), []byte("v"), nil) }()
			if compacting {
				go func() { waiting <- c.Compact(nil, nil, nil) }()
			} else {
				waiting <- nil
			}
			time.Sleep(200 * time.Millisecond) // until they wait in C
			ends := stallAt("1000")
			ends["level0_file_num_compaction_trigger"] = "500" // nothing is to be compacted
			mustDo(t, c.SetOptions(ends), <-waiting, <-waiting)
			expectRows(t, "afterwards", db, map[string]string{"k": "v"})
		})
	}
}
