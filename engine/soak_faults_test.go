package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// soakFaults are what happens to the mixed load. When one is over, the database takes writes again.
var soakFaults = []struct {
	name   string
	happen func(s *soak, r *rand.Rand)
}{
	{"closed under its users", func(s *soak, _ *rand.Rand) { s.reopen() }},
	{"no space", (*soak).noSpace},
	{"a failed sync", (*soak).failedSync},
	{"a slow disk", (*soak).slowDisk},
	{"a stall", (*soak).stall},
	{"callers who leave", (*soak).leave},
}

// reopen closes the database under everybody who uses it, and opens it again.
func (s *soak) reopen() {
	db := s.db.Load()
	err := db.Close()
	for begin := time.Now(); errors.Is(err, engine.ErrBusy) && time.Since(begin) < time.Minute; err = db.Close() {
	}
	var leak *engine.LeakError // of readers who had their iterators open
	if err != nil && !errors.As(err, &leak) {
		s.t.Errorf("Close under its users: %v", err)
	}
	db, err = engine.Open(s.dir, soakOptions())
	if err != nil {
		s.t.Errorf("open again: %v", err)
		s.done.Store(true)
		return
	}
	s.db.Store(db)
}

// fine waits until the database takes a write again.
func (s *soak) fine() {
	db := s.db.Load()
	for begin := time.Now(); !s.done.Load(); time.Sleep(20 * time.Millisecond) {
		err := errors.Join(db.Put([]byte("trouble"), []byte("trouble=over"), nil), db.Health())
		if err == nil {
			return
		}
		if time.Since(begin) > time.Minute {
			s.t.Errorf("a minute after the trouble: %v", err)
			s.done.Store(true)
		}
	}
}

// noSpace fills the disk for a while.
func (s *soak) noSpace(r *rand.Rand) {
	s.troubled.Store(s.db.Load(), true)
	s.disk.set(diskWriteErrno, uint64(syscall.ENOSPC))
	time.Sleep(time.Duration(r.Int64N(int64(*soakFault))))
	s.disk.set(diskWriteErrno, 0)
	s.reopenUnlessFine(r)
}

// reopenUnlessFine ends a lack of space by waiting, which takes RocksDB seconds, or by a reopening.
func (s *soak) reopenUnlessFine(r *rand.Rand) {
	if *soakTime > time.Minute && r.IntN(2) == 0 {
		s.fine()
		time.Sleep(100 * time.Millisecond) // for those who were refused before
	}
	s.reopen()
}

// failedSync fails one sync of the log: no commit is acknowledged from then on until the database is opened again.
// Before 9.4 a RocksDB with assertions may end the process instead, when it syncs the same log elsewhere at that moment
// (docs/guarantees.md).
func (s *soak) failedSync(r *rand.Rand) {
	if !atLeast(s.t, engine.Version(), "9.4") {
		s.slowDisk(r)
		return
	}
	s.troubled.Store(s.db.Load(), true)
	s.disk.set(diskSyncFailErrno, uint64(syscall.EIO))
	s.disk.set(diskSyncFailCount, 1)
	s.disk.set(diskSyncFailFrom, s.disk.get(diskLogSyncs)+1)
	db := s.db.Load()
	for range 100 {
		if err := db.Put([]byte("trouble"), []byte("trouble=synced"), engine.Sync); err != nil {
			break
		}
	}
	s.disk.set(diskSyncFailFrom, 0)
	if err := db.Health(); !errors.Is(err, engine.ErrSyncFailed) {
		s.t.Errorf("after a failed sync of the log: %v", err)
	}
	if err := db.Put([]byte("trouble"), []byte("trouble=late"), nil); !errors.Is(err, engine.ErrSyncFailed) {
		s.t.Errorf("a write after a failed sync: %v", err)
	}
	s.reopen()
}

// slowDisk has reads and syncs take longer for a while.
func (s *soak) slowDisk(r *rand.Rand) {
	for _, word := range []int{diskReadDelay, diskLogSyncDelay, diskSyncDelay} {
		s.disk.set(word, r.Uint64N(20_000))
	}
	time.Sleep(time.Duration(r.Int64N(int64(*soakFault))))
	for _, word := range []int{diskReadDelay, diskLogSyncDelay, diskSyncDelay} {
		s.disk.set(word, 0)
	}
}

// stall has RocksDB stop all writes for a while: a family gets more files than it may have. The triggers are set before
// there are: a SetOptions that stops writes at once would wait with them.
func (s *soak) stall(r *rand.Rand) {
	db := s.db.Load()
	c, err := db.ColumnFamily("stall")
	if err == nil {
		err = c.SetOptions(stallAt("2"))
	}
	for n := 0; n < 1000 && err == nil; n++ {
		err = c.Put([]byte("filler"), make([]byte, 1000), &engine.WriteOptions{NoSlowdown: true})
	}
	if errors.Is(err, engine.ErrWouldBlock) {
		s.faults["and writes were stopped"]++
		err = nil
	}
	time.Sleep(time.Duration(r.Int64N(int64(*soakFault))))
	if c != nil {
		err = errors.Join(err, c.SetOptions(stallAt("1000")), c.Compact(nil, nil, nil))
	}
	if err != nil {
		s.explained(db, "a stall", err)
	}
}

func stallAt(files string) map[string]string {
	return map[string]string{"level0_slowdown_writes_trigger": files, "level0_stop_writes_trigger": files}
}

// leave has many callers go before they have their answer.
func (s *soak) leave(r *rand.Rand) {
	db := s.db.Load()
	var wg sync.WaitGroup
	for range 64 {
		after := time.Duration(r.IntN(3000)) * time.Microsecond
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), after)
			defer cancel()
			for ctx.Err() == nil {
				_, _, _, err := engine.Count(ctx, db, nil)
				if err == nil {
					err = db.Put([]byte("trouble"), []byte("trouble=left"), &engine.WriteOptions{Context: ctx, Sync: true})
				}
				if err != nil {
					s.explained(db, "a caller who leaves", err)
				}
			}
		})
	}
	wg.Wait()
}
