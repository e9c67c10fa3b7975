package engine_test

import (
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB 7.8.3 never came back from a SetOptions that ended a stall where nothing went on in the background.
func TestSetOptionsEndsAStall(t *testing.T) {
	for name, beside := range map[string]func(c *engine.ColumnFamily) error{
		"alone":                            nil,
		"beside a compaction that waits":   func(c *engine.ColumnFamily) error { return c.Compact(nil, nil, nil) },
		"beside more flushes than may run": (*engine.ColumnFamily).Flush,
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t, &engine.Options{Gate: 4, Families: map[string]engine.FamilyOptions{"stall": soakStall}})
			c, err := db.ColumnFamily("stall")
			mustDo(t, err, c.SetOptions(stallAt("2")))
			for err == nil || !stoppedForGood(t, db) {
				err = c.Put([]byte("filler"), make([]byte, 1000), &engine.WriteOptions{NoSlowdown: true})
			}
			expectError(t, "put", err, engine.ErrWouldBlock)
			const many = 16
			waiting := make(chan error, many)
			go func() { waiting <- db.Put([]byte("k"), []byte("v"), nil) }()
			for range many - 1 {
				go func() {
					if beside == nil {
						waiting <- nil
					} else {
						waiting <- beside(c)
					}
				}()
			}
			time.Sleep(200 * time.Millisecond) // until they wait
			ends := stallAt("1000")
			ends["level0_file_num_compaction_trigger"] = "500" // nothing is to be compacted
			mustDo(t, c.SetOptions(ends))
			for range many {
				mustDo(t, <-waiting)
			}
			expectRows(t, "afterwards", db, map[string]string{"k": "v"})
		})
	}
}
