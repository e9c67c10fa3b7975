package compare

import (
	"fmt"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// side is a way of a work.
type side struct{ work, peer, way string }

// judge tells whether ratios, taken round by round, meet an aim.
type judge func(s stats.Summary) bool

func atMost(x float64) judge  { return func(s stats.Summary) bool { return s.Median <= x } }
func atLeast(x float64) judge { return func(s stats.Summary) bool { return s.Median >= x } }

// level wants the rounds not to tell a difference: or the first to be quicker.
func level(s stats.Summary) bool { return s.High >= 1 }

// equal wants the rounds not to tell a difference.
func equal(s stats.Summary) bool { return s.Low <= 1 && s.High >= 1 }

// Target is an aim of the project's at the core setting: the ratio of what own took to what base took, or with faster the
// other way round: how many times as fast own is.
type Target struct {
	aim       string
	own, base side
	faster    bool
	met       judge
}

// targets are compared by ratios. Those of which rockbridge has no function yet are shown as not built.
var targets = []Target{
	{"full scan by `NextChunk`: time over the C loop at most 1.05", side{"scan", rockbridge, "NextChunk"}, side{"scan", cloop, "loop"}, false, atMost(1.05)},
	{"full scan by `Next` and `HasPrefix`: time over the C loop at most 1.12", side{"scan", rockbridge, "Next+HasPrefix"}, side{"scan", cloop, "loop"}, false, atMost(1.12)},
	{"full scan against grocksdb's usual loop: at least 3 times as fast", side{"scan", rockbridge, "NextChunk"}, side{"scan", grocksdb, "Key+Value"}, true, atLeast(3)},
	{"full scan against Pebble, one goroutine each: faster", side{"scan", rockbridge, "NextChunk"}, side{"scan", pebble, "iterator"}, true, atLeast(1)},
	{"seek and 1 row against grocksdb: at least 1.5 times as fast", side{"seek-1", rockbridge, "SeekGE+Next"}, side{"seek-1", grocksdb, "Seek+Next"}, true, atLeast(1.5)},
	{"seek and 10 rows against grocksdb: at least 1.5 times as fast", side{"seek-10", rockbridge, "SeekGE+Next"}, side{"seek-10", grocksdb, "Seek+Next"}, true, atLeast(1.5)},
	{"seek and 100 rows against grocksdb: at least 1.5 times as fast", side{"seek-100", rockbridge, "SeekGE+Next"}, side{"seek-100", grocksdb, "Seek+Next"}, true, atLeast(1.5)},
	{"seek and 1 row against Pebble: level, the fastest round at least 1", side{"seek-1", rockbridge, "SeekGE+Next"}, side{"seek-1", pebble, "SeekGE+Next"}, true, level},
	{"seek and 10 rows against Pebble: level", side{"seek-10", rockbridge, "SeekGE+Next"}, side{"seek-10", pebble, "SeekGE+Next"}, true, level},
	{"seek and 100 rows against Pebble: level", side{"seek-100", rockbridge, "SeekGE+Next"}, side{"seek-100", pebble, "SeekGE+Next"}, true, level},
	{"`Get` of any row against grocksdb's `Get`: not slower", side{"get-hit", rockbridge, "Get"}, side{"get-hit", grocksdb, "Get"}, true, atLeast(1)},
	{"`Get` of a hot set against grocksdb's `Get`: at least 1.3 times as fast", side{"get-hot", rockbridge, "Get"}, side{"get-hot", grocksdb, "Get"}, true, atLeast(1.3)},
	{"`GetAppend` of any row against grocksdb's `Get`: not slower", side{"get-hit", rockbridge, "GetAppend"}, side{"get-hit", grocksdb, "Get"}, true, atLeast(1)},
	{"`GetAppend` of a hot set against grocksdb's `Get`: at least 1.3 times as fast", side{"get-hot", rockbridge, "GetAppend"}, side{"get-hot", grocksdb, "Get"}, true, atLeast(1.3)},
	{"`MultiGet` of 100 against 100 `Get`, any row: at least 1.3 times as fast", side{"multiget-100", rockbridge, "MultiGet"}, side{"multiget-100", rockbridge, "Get"}, true, atLeast(1.3)},
	{"`MultiGet` of 100 against 100 `Get`, hot set: at least 2 times as fast", side{"multiget-100-hot", rockbridge, "MultiGet"}, side{"multiget-100-hot", rockbridge, "Get"}, true, atLeast(2)},
	{"building a batch against one cgo call for each Put: at least 7 times as fast", side{"build", rockbridge, "Batch.Put"}, side{"build", rockbridge, "call a Put"}, true, atLeast(7)},
	{"building a batch against grocksdb's: at least 7 times as fast", side{"build", rockbridge, "Batch.Put"}, side{"build", grocksdb, "Put"}, true, atLeast(7)},
	{"batches of 1,000 rows committed against grocksdb: at least 1.2 times as fast", side{"batches", rockbridge, ""}, side{"batches", grocksdb, ""}, true, atLeast(1.2)},
	{"pushed-down count: time over the C loop 1.00 within the spread", side{"count", rockbridge, "Count"}, side{"count", cloop, "loop"}, false, equal},
	{"pushed-down count against Go's `Next`: at least 1.15 times as fast", side{"count", rockbridge, "Count"}, side{"count", rockbridge, "Next"}, true, atLeast(1.15)},
}

// allocTargets are aims of allocations for each unit.
var allocTargets = []struct {
	aim  string
	own  side
	base side
	most float64
}{
	{"allocations of a `Get`: 1", side{"get-hit", rockbridge, "Get"}, side{"get-hit", grocksdb, "Get"}, 1},
	{"allocations of a `GetAppend`: 0", side{"get-hit", rockbridge, "GetAppend"}, side{"get-hit", grocksdb, "Get"}, 0},
}

// slack is what the runtime allocates by itself during a turn, spread over its units.
const allocSlack = 0.005

// leastOfBest is what rockbridge must at least reach of the best peer's speed, at any work.
const leastOfBest = 0.9

func (r *Run) side(s side, f metric) []float64 {
	return r.values(Core.Name, s.work, s.peer, s.way, f)
}

// missing tells why there are no values of a way of rockbridge's.
func (r *Run) missing(s side) string {
	if d, ok := find(s.work); ok {
		for _, w := range d.Ways {
			if w.Peer == s.peer && w.Way == s.way {
				return "not measured"
			}
		}
	}
	return "not built"
}

// targetRows says of each aim what was measured.
func (r *Run) targetRows() [][]string {
	var rows [][]string
	for _, t := range targets {
		own, base := r.side(t.own, nanos), r.side(t.base, nanos)
		if t.faster {
			own, base = base, own
		}
		s := stats.Of(stats.Ratios(own, base))
		if s.Rounds == 0 {
			rows = append(rows, []string{t.aim, "", r.missing(t.own)})
			continue
		}
		rows = append(rows, []string{t.aim, report.Show(s, report.Ratio), report.Verdict(t.met(s))})
	}
	for _, t := range allocTargets {
		s := stats.Of(r.side(t.own, allocs))
		if s.Rounds == 0 {
			rows = append(rows, []string{t.aim, "", r.missing(t.own)})
			continue
		}
		measured := fmt.Sprintf("%.2f, grocksdb's `Get` %.2f", s.Median, stats.Of(r.side(t.base, allocs)).Median)
		rows = append(rows, []string{t.aim, measured, report.Verdict(s.Median <= t.most+allocSlack)})
	}
	return append(rows, r.bestRow())
}

// bestRow is the aim that no work be much slower than at the best peer.
func (r *Run) bestRow() []string {
	aim := fmt.Sprintf("every work of the core table: at least %.1f of the best peer's speed", leastOfBest)
	var slower []string
	works := 0
	for _, stage := range Stages {
		for _, d := range stage.Works {
			_, best := r.best(Core.Name, d)
			s := stats.Of(stats.Ratios(best, r.times(Core.Name, d, rockbridge)))
			if s.Rounds == 0 {
				continue
			}
			works++
			if s.Median < leastOfBest {
				slower = append(slower, fmt.Sprintf("%s %.2f", d.Name, s.Median))
			}
		}
	}
	if works == 0 {
		return []string{aim, "", "not measured"}
	}
	measured := fmt.Sprintf("all %d", works)
	if len(slower) > 0 {
		measured = fmt.Sprintf("all but %d of %d: %s", len(slower), works, strings.Join(slower, ", "))
	}
	return []string{aim, measured, report.Verdict(len(slower) == 0)}
}
