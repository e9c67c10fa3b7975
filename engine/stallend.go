package engine

import (
	"sync"
	"time"
)

// A SetOptions that ends a stall may never return before RocksDB writes OPTIONS files beside writes (7.8.3 does not,
// 9.11.2 does): it waits for the write that was stalled, and that one sleeps until something in the background ends, though
// nothing stops it any more. To stop compactions by hand for a moment wakes it, as it does everybody who waits.

// After so long, without a compaction by hand and with one, which then has to begin again.
const (
	stallEndSoon = 20 * time.Millisecond
	stallEndLate = 5 * time.Second
)

// endingStalls makes a call that may end a stall, and wakes those whom it has freed.
func (d *DB) endingStalls(call func() error) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { d.wakeFreed(done) })
	defer wg.Wait()
	defer close(done)
	return call()
}

func (d *DB) wakeFreed(done <-chan struct{}) {
	begin := time.Now()
	ticks := time.NewTicker(stallEndSoon)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticks.C:
		}
		if stopped, _ := d.def.c.Property("rocksdb.is-write-stopped"); stopped != "0" {
			continue
		}
		switch l := d.guard.lanes; {
		case l != nil && l.compact.try():
			d.wakeAll()
			l.compact.release()
		case time.Since(begin) > stallEndLate:
			begin = time.Now()
			d.wakes.Add(1)
			d.wakeAll()
		}
	}
}

func (d *DB) wakeAll() {
	d.pauseCompaction()
	d.resumeCompaction()
}
