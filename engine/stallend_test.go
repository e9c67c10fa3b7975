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

// A flush that began before SetOptions puts nothing back into force that SetOptions has changed: RocksDB before 9.11 does
// so, and writes then stop for good though no option says so.
func TestAFlushBringsNoOptionsBack(t *testing.T) {
	t.Parallel()
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"stall": soakStall}})
		c, err := db.ColumnFamily("stall")
		mustDo(t, err, c.Put([]byte("k"), nil, nil), c.Flush(), c.Put([]byte("l"), nil, nil), c.SetOptions(stallAt("2")))
		d.set(diskSyncDelay, held)
		answers := make(chan error, 2)
		go func() { answers <- c.Flush() }()
		waitFor(t, "the flush to begin", func() bool {
			n, err := db.PropertyInt("rocksdb.num-running-flushes")
			return err == nil && n > 0 && d.get(diskSyncsWaiting) > 0
		})
		go func() { answers <- c.SetOptions(stallAt("1000")) }() // which waits for a sync itself
		time.Sleep(50 * time.Millisecond)
		d.set(diskSyncDelay, 0)
		mustDo(t, <-answers, <-answers)
		waitFor(t, "writes", func() bool {
			return c.Put([]byte("m"), nil, &engine.WriteOptions{NoSlowdown: true}) == nil
		})
		o, err := c.Options()
		if mustDo(t, err); o["level0_stop_writes_trigger"] != "1000" {
			t.Errorf("in force is %s", o["level0_stop_writes_trigger"])
		}
	})
}
