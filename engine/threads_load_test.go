package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// crowd is a database and the goroutines that all call it at the same time, while what they wait for is held up.
type crowd struct {
	t                *testing.T
	disk             slowDisk
	db               *engine.DB
	def, cold, hot   *engine.ColumnFamily
	begun, ended     atomic.Int64
	rows             atomic.Int64 // that were written to def
	failed           atomic.Pointer[error]
	letGo            atomic.Bool
	readsHeld, reads atomic.Int64 // of the hot rows: while the others waited, and in all
}

// crowdLoad says what all of them do. Rows written are those of fresh keys in the default family.
type crowdLoad struct {
	options       engine.Options
	hold, release func(c *crowd)
	call          func(c *crowd, i int) (rows int, err error)
}

const (
	crowdColdRows  = 4000
	crowdColdValue = 1000
	crowdHotRows   = 100
)

var noFill = &engine.ReadOptions{NoFillCache: true}

var crowdLoads = map[string]crowdLoad{
	"stalled writes": {
		options: *stalled,
		hold:    (*crowd).stall,
		release: (*crowd).endStall,
		call: func(c *crowd, i int) (int, error) {
			return 1, c.def.Put(crowdKey(i, 0), valueOf(100), nil)
		},
	},
	"cold reads": {
		hold:    func(c *crowd) { c.disk.set(diskReadDelay, held) },
		release: func(c *crowd) { c.disk.set(diskReadDelay, 200) },
		call:    func(c *crowd, i int) (int, error) { return 0, c.readCold(i) },
	},
	"synced commits": {
		hold:    func(c *crowd) { c.disk.set(diskLogSyncDelay, held) },
		release: func(c *crowd) { c.disk.set(diskLogSyncDelay, 2000) },
		call: func(c *crowd, i int) (int, error) {
			return 1, c.def.Put(crowdKey(i, 0), valueOf(100), engine.Sync)
		},
	},
	"mixed": {
		hold: func(c *crowd) {
			c.disk.set(diskLogSyncDelay, held)
			c.disk.set(diskReadDelay, held)
		},
		release: func(c *crowd) {
			c.disk.set(diskReadDelay, 200)
			c.disk.set(diskLogSyncDelay, 2000)
		},
		call: (*crowd).mixed,
	},
}

func crowdKey(i, n int) []byte { return fmt.Appendf(nil, "row %06d %d", i, n) }

func coldKey(i int) []byte { return fmt.Appendf(nil, "%06d", i%crowdColdRows) }

// fillCrowd opens a database with rows that are read from files, and others that are in the cache.
func fillCrowd(t *testing.T, disk slowDisk, load crowdLoad, o engine.Options) *crowd {
	t.Helper()
	o.Families = map[string]engine.FamilyOptions{"cold": {Compression: engine.NoCompression}, "hot": {}}
	c := &crowd{t: t, disk: disk, db: openTemp(t, &o)}
	c.def = c.db.ColumnFamilies()[0]
	var err error
	for name, f := range map[string]**engine.ColumnFamily{"cold": &c.cold, "hot": &c.hot} {
		if *f, err = c.db.ColumnFamily(name); err != nil {
			t.Fatal(err)
		}
	}
	b := c.db.NewBatch()
	for i := range crowdColdRows {
		b.In(c.cold).Put(coldKey(i), valueOf(crowdColdValue))
	}
	for i := range crowdHotRows {
		b.In(c.hot).Put(coldKey(i), valueOf(100))
	}
	mustDo(t, c.db.Write(b, nil), c.cold.Flush(), c.hot.Flush())
	for i := range crowdHotRows {
		_, err := c.hot.Get(coldKey(i), nil)
		mustDo(t, err)
	}
	return c
}

// stall writes until writes are stopped for good.
func (c *crowd) stall() {
	c.t.Helper()
	o := &engine.WriteOptions{NoSlowdown: true}
	for i := 0; ; i++ {
		if err := c.def.Put([]byte("filler"), valueOf(1000), o); err != nil {
			expectError(c.t, "put", err, engine.ErrWouldBlock)
			if stoppedForGood(c.t, c.db) {
				break
			}
		}
	}
	mustDo(c.t, c.def.SetOptions(map[string]string{"write_buffer_size": "67108864"}))
}

func (c *crowd) endStall() {
	c.t.Helper()
	mustDo(c.t, c.def.SetOptions(map[string]string{
		"level0_slowdown_writes_trigger": "1000", "level0_stop_writes_trigger": "1000",
	}))
}

func (c *crowd) readCold(i int) error {
	v, err := c.cold.Get(coldKey(i), noFill)
	if err == nil && len(v) != crowdColdValue {
		err = fmt.Errorf("a cold value of %d bytes", len(v))
	}
	return err
}

// mixed is a call of one kind or another.
func (c *crowd) mixed(i int) (rows int, err error) {
	switch i % 9 {
	case 0, 1:
		return 0, c.readCold(i * 7)
	case 2:
		values, err := c.cold.MultiGet([][]byte{coldKey(i), coldKey(i + 1000), coldKey(i + 2000)}, noFill)
		for _, v := range values {
			err = errors.Join(err, v.Err)
		}
		return 0, err
	case 3:
		n := 0
		all, done := engine.Scan(c.cold, &engine.IterOptions{LowerBound: coldKey(i % 3900), Limit: 20, NoFillCache: true})
		for range all {
			n++
		}
		if err := done(); err != nil || n != 20 {
			return 0, fmt.Errorf("%d rows scanned: %w", n, err)
		}
		return 0, nil
	case 4:
		n, _, _, err := engine.Count(nil, c.cold, &engine.IterOptions{Prefix: coldKey(i)[:5], NoFillCache: true})
		if err == nil && n != 10 {
			err = fmt.Errorf("%d rows counted", n)
		}
		return 0, err
	case 5:
		return 1, c.def.Put(crowdKey(i, 0), valueOf(100), nil)
	case 6:
		return 1, c.def.Put(crowdKey(i, 0), valueOf(100), engine.Sync)
	case 7:
		b := c.db.NewBatch()
		for n := range 5 {
			b.Put(crowdKey(i, n), valueOf(50))
		}
		return 5, c.db.Write(b, &engine.WriteOptions{Sync: i%2 == 0})
	default:
		ok, err := c.cold.Has(coldKey(i*13), noFill)
		if err == nil && !ok {
			err = errors.New("a cold row is not there")
		}
		return 0, err
	}
}

// start lets n goroutines loose and gives what waits for the end of all.
func (c *crowd) start(load crowdLoad, n int) (wait func()) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c.begun.Add(1)
			rows, err := load.call(c, i)
			if err != nil {
				err = fmt.Errorf("call %d: %w", i, err)
				c.failed.CompareAndSwap(nil, &err)
			}
			c.rows.Add(int64(rows))
			c.ended.Add(1)
		})
	}
	return wg.Wait
}

// readHot reads rows that are in the cache, again and again, and gives the time that each read took.
func (c *crowd) readHot(seed int, quit <-chan struct{}) (times []time.Duration) {
	for i := seed; ; i++ {
		select {
		case <-quit:
			return times
		case <-time.After(200 * time.Microsecond):
		}
		waiting := !c.letGo.Load() && c.begun.Load() > 0
		begin := time.Now()
		_, err := c.hot.Get(coldKey(i%crowdHotRows), nil)
		times = append(times, time.Since(begin))
		if err != nil {
			err = fmt.Errorf("a cached read: %w", err)
			c.failed.CompareAndSwap(nil, &err)
		}
		if waiting && !c.letGo.Load() {
			c.readsHeld.Add(1)
		}
		c.reads.Add(1)
	}
}

// play holds the disk or the writes up, has n goroutines call, lets go when all of them wait, and waits for
// the end. While they wait, cached reads go on.
func (c *crowd) play(load crowdLoad, n int) (cached []time.Duration) {
	c.t.Helper()
	load.hold(c)
	quit := make(chan struct{})
	var readers sync.WaitGroup
	each := make([][]time.Duration, 4)
	for i := range each {
		readers.Go(func() { each[i] = c.readHot(i*crowdHotRows/4, quit) })
	}
	wait := c.start(load, n)
	for begin := time.Now(); c.begun.Load() < int64(n); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			c.t.Fatalf("%d of %d goroutines have begun", c.begun.Load(), n)
		}
	}
	time.Sleep(300 * time.Millisecond) // for all to come as far as they come
	if c.ended.Load() == int64(n) {
		c.t.Error("nothing waited: the test shows nothing")
	}
	c.letGo.Store(true)
	load.release(c)
	wait()
	close(quit)
	readers.Wait()
	if err := c.failed.Load(); err != nil {
		c.t.Error(*err)
	}
	return slices.Sorted(slices.Values(slices.Concat(each...)))
}

// expectWritten counts the rows that the crowd has written.
func (c *crowd) expectWritten() {
	c.t.Helper()
	n, _, _, err := engine.Count(nil, c.def, &engine.IterOptions{Prefix: []byte("row ")})
	if err != nil || n != c.rows.Load() {
		c.t.Errorf("%d rows, %d were acknowledged; %v", n, c.rows.Load(), err)
	}
}

// quantile is that of sorted times.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[min(len(times)-1, int(q*float64(len(times))))]
}
