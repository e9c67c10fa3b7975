package engine

import (
	"math/bits"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/iterator"
)

// What Metrics counts in Go. Hot paths pay nothing for it that they did not pay before: calls are
// counted where the guard counted them anyway, rows once a fill, on counters of the iterator's own.

// callCount counts the calls of one kind, on a cache line of its own.
type callCount struct {
	begun, ended atomic.Int64
	_            [48]byte
}

func (c *callCount) begin() { c.begun.Add(1) }
func (c *callCount) end()   { c.ended.Add(1) }

// refuse takes back a begin of a call that was not let in.
func (c *callCount) refuse() { c.begun.Add(-1) }

// running is how many calls are in flight; 0 only if at some moment there was none. The end is read
// first: a call that begins and ends in between then cannot hide another.
func (c *callCount) running() int64 {
	ended := c.ended.Load()
	return c.begun.Load() - ended
}

// counters are those of a database that no handle keeps for itself.
type counters struct {
	commits      commitCounters
	multiGetKeys atomic.Uint64
	slow         atomic.Uint64
}

// GroupSizes is how many sizes of commit groups CommitMetrics tells apart.
const GroupSizes = 16

// commitCounters is what the committer tells. nil counts nothing.
type commitCounters struct {
	groups, commits  atomic.Uint64
	sizes            [GroupSizes]atomic.Uint64
	syncs, syncedFor atomic.Uint64
}

// group counts a group of so many commits, at least 1, that was written in one call.
func (c *commitCounters) group(commits int) {
	if c == nil {
		return
	}
	c.groups.Add(1)
	c.commits.Add(uint64(commits))
	c.sizes[min(bits.Len(uint(commits-1)), GroupSizes-1)].Add(1)
}

// synced counts a sync of the write-ahead log that so many commits waited for.
func (c *commitCounters) synced(commits int) {
	if c == nil {
		return
	}
	c.syncs.Add(1)
	c.syncedFor.Add(uint64(commits))
}

// iterTotals sums up what iterators brought.
type iterTotals struct{ fills, refills, rows, counted uint64 }

func (t *iterTotals) add(s *iterator.Stats) {
	t.fills += s.Fills.Load()
	t.refills += s.Refills.Load()
	t.rows += s.Rows.Load()
	t.counted += s.Counted.Load()
}
