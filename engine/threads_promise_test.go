package engine_test

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// crowdSize is how many goroutines call at the same time.
func crowdSize() int {
	if testing.Short() || raceDetector {
		return 2000
	}
	return 20_000
}

// mostThreads is the promise: for each P one, for each place in a lane one, RocksDB's own, and eight for the runtime.
func mostThreads(o engine.Options, pool int) int {
	fast, gate := o.FastLane, o.Gate
	if fast == 0 {
		fast = 4 * runtime.GOMAXPROCS(0)
	}
	if gate == 0 {
		gate = 64
	}
	return runtime.GOMAXPROCS(0) + fast + gate + pool + 8
}

// playWithin has the crowd call and counts the threads that it takes.
func playWithin(t *testing.T, disk slowDisk, load crowdLoad, o engine.Options, n int) {
	t.Helper()
	c := fillCrowd(t, disk, load, o)
	most := mostThreads(o, poolThreads())
	w := watchThreads(t, 10*most, func(n int) { panic("too many threads for this machine") })
	cached := c.play(load, n)
	peak := w.end()
	c.expectWritten()
	most = mostThreads(o, peak.pool)
	t.Logf("%d goroutines: %d threads at most, %d of them RocksDB's, promised are %d; %d cached reads, %d while all waited: median %v, p99 %v, longest %v",
		n, peak.total, peak.pool, most, c.reads.Load(), c.readsHeld.Load(), quantile(cached, 0.5), quantile(cached, 0.99), quantile(cached, 1))
	if peak.total > most {
		t.Errorf("%d threads, promised are at most %d", peak.total, most)
	}
	if c.readsHeld.Load() < 20 {
		t.Errorf("%d cached reads while all others waited", c.readsHeld.Load())
	}
}

// However many goroutines call, and whatever they wait for, threads stay as few as promised, everything
// finishes, and cached reads go on meanwhile. The runtime would end the process that went beyond its limit.
func TestThreadsStayAsFewAsPromised(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(crowdLoads)) {
		t.Run(name, func(t *testing.T) {
			onSlowDisk(t, func(t *testing.T, disk slowDisk) {
				debug.SetMaxThreads(threadLimit)
				playWithin(t, disk, crowdLoads[name], crowdLoads[name].options, crowdSize())
			})
		})
	}
}

func TestNarrowLanesTakeFewerThreads(t *testing.T) {
	for _, name := range crowdLoadsToPlay() {
		t.Run(name, func(t *testing.T) {
			onSlowDisk(t, func(t *testing.T, disk slowDisk) {
				o := crowdLoads[name].options
				o.FastLane, o.Gate = 2, 8
				playWithin(t, disk, crowdLoads[name], o, 1000)
			})
		})
	}
}
