package compare

import "github.com/rockbridge-db/rockbridge/bench/works"

// Stage is a database that works are done on, and which.
type Stage struct {
	Name string
	// Lasting stages have one database for all rounds, on which every way of every work has its turn by itself. Others
	// get a new one for each peer in each round, on which its ways are done one after the other.
	Lasting bool
	Fill    works.Keys // rows that are there before; empty: none
	Works   []Def
}

// Def is one work: a row of the report. How much of it is done follows from the setting; Ops is that of the core setting.
type Def struct {
	Name   string
	Title  string
	Work   string // the first half of the names in the peers' programs; "put" is done by every peer's Put
	Unit   string
	Rows   bool // units are the rows seen, not the operations
	Keys   works.Keys
	Ops    int
	N      int
	Writer bool
	Trace  string // letter of a workload of YCSB
	Ways   []Way
}

// Way is how a peer does a work: the second half of the name in its program. A peer's first way of a work is the one that
// it is compared by; further ones are there for rows of the targets, and to be looked at.
type Way struct {
	Peer, Way string
	What      string // for the report; may be empty
}

// The peers, by the names of their programs.
const (
	rockbridge = "rockbridge"
	cloop      = "cloop"
	grocksdb   = "grocksdb"
	pebble     = "pebble"
	badger     = "badger"
	bbolt      = "bbolt"
)

// Peers are all there are.
var Peers = []string{rockbridge, cloop, grocksdb, pebble, badger, bbolt}

var puts = []Way{{rockbridge, "", ""}, {cloop, "", ""}, {grocksdb, "", ""}, {pebble, "", ""}, {badger, "", ""}, {bbolt, "", ""}}

var gets = []Way{
	{rockbridge, "Get", "a copy of its own for each value"},
	{rockbridge, "GetAppend", "into a buffer that is used again"},
	{cloop, "pinned", "rocksdb_get_pinned"},
	{cloop, "malloc", "rocksdb_get and rocksdb_free"},
	{grocksdb, "Get", "a Slice, freed"},
	{grocksdb, "GetBytes", "a copy of its own for each value"},
	{grocksdb, "GetPinned", "a PinnableSliceHandle, destroyed"},
	{pebble, "Get", "a value lent until its Closer is closed"},
	{badger, "View", "a View transaction for each, the value lent"},
	{bbolt, "View", "a View transaction for each, the value lent"},
}

var multiGets = []Way{
	{rockbridge, "MultiGet", ""},
	{rockbridge, "Get", "as many calls of Get"},
	{cloop, "batched", "rocksdb_batched_multi_get_cf"},
	{cloop, "older", "rocksdb_multi_get"},
	{grocksdb, "MultiGet", ""},
	{pebble, "Get", "has none: as many calls of Get"},
	{pebble, "seeks", "has none: keys sorted, one iterator"},
	{badger, "View", "has none: one View transaction for all"},
	{bbolt, "View", "has none: one View transaction for all"},
}

var seeks = []Way{
	{rockbridge, "SeekGE+Next", "AppendKey and AppendValue into buffers that are used again"},
	{rockbridge, "with Limit", "the same by an iterator that is told how many rows are wanted"},
	{cloop, "loop", ""},
	{grocksdb, "Seek+Next", "Key and Value, freed"},
	{pebble, "SeekGE+Next", ""},
	{badger, "iterator", ""},
	{bbolt, "cursor", ""},
}

var replays = []Way{
	{rockbridge, "calls", "GetAppend, Put, and an iterator with Limit for each scan"},
	{cloop, "loop", ""},
	{grocksdb, "calls", ""},
	{pebble, "calls", ""},
	{badger, "calls", "a transaction for each"},
	{bbolt, "calls", "a transaction for each"},
}

// reads are done on the database that was loaded in order, compacted, and gone over once to warm its cache.
var reads = []Def{
	{Name: "scan", Title: "full scan", Work: "scan", Unit: "row", Rows: true, Ways: []Way{
		{rockbridge, "NextChunk", "rows in a chunk, not copied again"},
		{rockbridge, "Next+HasPrefix", "looks at the prefix of each key only"},
		{rockbridge, "Next+Key+Value", "copies of both"},
		{rockbridge, "call a step", "one call into C for each row, which brings where it lies; looks at lengths only"},
		{cloop, "loop", "valid, key, value, next"},
		{grocksdb, "Key+Value", "the usual loop: Valid, Key, Value, Free, Free, Next"},
		{pebble, "iterator", ""},
		{badger, "iterator", "without prefetching values"},
		{bbolt, "cursor", ""},
	}},
	{Name: "reverse", Title: "reverse scan", Work: "reverse", Unit: "row", Rows: true, Ways: []Way{
		{rockbridge, "PrevChunk", ""}, {cloop, "loop", ""}, {grocksdb, "Key+Value", ""}, {pebble, "iterator", ""}, {badger, "iterator", ""}, {bbolt, "cursor", ""},
	}},
	{Name: "count", Title: "count of all rows and bytes", Work: "count", Unit: "row", Rows: true, Ways: []Way{
		{rockbridge, "Count", "pushed down: one call into C"},
		{rockbridge, "Next", "KeyLen and ValueLen of each row"},
		{cloop, "loop", ""},
		{grocksdb, "Key+Value", ""},
		{pebble, "iterator", ""},
		{badger, "iterator", ""},
		{bbolt, "cursor", ""},
	}},
	{Name: "get-hit", Title: "get, any row", Work: "get", Unit: "get", Keys: works.AnyRow, Ops: 100_000, Ways: gets},
	{Name: "get-missing", Title: "get, keys that are not there", Work: "get", Unit: "get", Keys: works.Missing, Ops: 150_000, Ways: gets},
	{Name: "get-zipfian", Title: "get, zipfian", Work: "get", Unit: "get", Keys: works.Zipfian, Ops: 100_000, Ways: gets},
	{Name: "get-hot", Title: "get, hot set of 10,000 neighbours", Work: "get", Unit: "get", Keys: works.HotSet, Ops: 200_000, Ways: gets},
	{Name: "get-spread", Title: "get, 10,000 rows that lie anywhere", Work: "get", Unit: "get", Keys: works.Spread, Ops: 150_000, Ways: firstWays(gets)},
	{Name: "multiget-10", Title: "10 keys at once, any row", Work: "multiget", Unit: "key", Keys: works.AnyRow, Ops: 100_000, N: 10, Ways: multiGets},
	{Name: "multiget-100", Title: "100 keys at once, any row", Work: "multiget", Unit: "key", Keys: works.AnyRow, Ops: 100_000, N: 100, Ways: multiGets},
	{Name: "multiget-1000", Title: "1,000 keys at once, any row", Work: "multiget", Unit: "key", Keys: works.AnyRow, Ops: 100_000, N: 1000, Ways: multiGets},
	{Name: "multiget-100-hot", Title: "100 keys at once, hot set of 10,000 neighbours", Work: "multiget", Unit: "key", Keys: works.HotSet, Ops: 200_000, N: 100, Ways: multiGets},
	{Name: "seek-1", Title: "seek and 1 row", Work: "seek", Unit: "seek", Keys: works.AnyRow, Ops: 60_000, N: 1, Ways: seeks},
	{Name: "seek-10", Title: "seek and 10 rows", Work: "seek", Unit: "seek", Keys: works.AnyRow, Ops: 40_000, N: 10, Ways: seeks},
	{Name: "seek-100", Title: "seek and 100 rows", Work: "seek", Unit: "seek", Keys: works.AnyRow, Ops: 8_000, N: 100, Ways: seeks},
	{Name: "prefix", Title: "count of the rows with a prefix, up to 1,000", Work: "prefix", Unit: "row", Rows: true, Keys: works.AnyRow, Ops: 400, Ways: []Way{
		{rockbridge, "Count", "pushed down"},
		{rockbridge, "Next", "an iterator with Prefix for each"},
		{cloop, "loop", "an iterator with an upper bound for each"},
		{grocksdb, "ValidPrefix", "an iterator for each, ValidForPrefix"},
		{pebble, "iterator", "an iterator with bounds for each"},
		{badger, "iterator", "an iterator with Prefix for each"},
		{bbolt, "cursor", "a View transaction for each"},
	}},
	{Name: "build", Title: "building batches of the same 1,000 rows, none written", Work: "build", Unit: "row", Keys: works.InOrder, Ops: 1_000_000, N: 1000, Ways: []Way{
		{rockbridge, "Batch.Put", "in Go"},
		{rockbridge, "call a Put", "one call into C for each Put"},
		{cloop, "loop", "rocksdb_writebatch_put"},
		{grocksdb, "Put", "one call into C for each Put"},
		{pebble, "Batch.Set", ""},
	}},
}

// Stages are all works in their order. To add one that only rockbridge has, add a Def with ways of rockbridge only, and a
// function to its program's table.
var Stages = []Stage{
	{Name: "reads", Lasting: true, Fill: works.InOrder, Works: reads},
	{Name: "load in order", Works: []Def{
		{Name: "load-sorted", Title: "bulk load, in order of keys", Work: "put", Unit: "row", Keys: works.InOrder, Ops: 400_000, N: 10_000, Ways: puts},
	}},
	{Name: "load in no order", Works: []Def{
		{Name: "load-random", Title: "bulk load, in no order", Work: "put", Unit: "row", Keys: works.Shuffle, Ops: 150_000, N: 10_000, Ways: puts},
		{Name: "batches", Title: "batches of 1,000 rows committed, in no order", Work: "put", Unit: "row", Keys: works.AnyRow, Ops: 100_000, N: 1000, Ways: puts},
	}},
	{Name: "written while read", Fill: works.InOrder, Works: []Def{
		{Name: "read-while-writing", Title: "get, any row, while 20,000 rows a second are written", Work: "get", Unit: "get", Keys: works.AnyRow, Ops: 60_000, Writer: true, Ways: firstWays(gets)},
		{Name: "overwrite", Title: "overwrites of any row, one put each", Work: "put", Unit: "row", Keys: works.AnyRow, Ops: 30_000, N: 1, Ways: puts},
	}},
	{Name: "YCSB", Fill: works.Traced, Works: []Def{
		{Name: "ycsb-a", Title: "YCSB A: 50 % reads, 50 % updates", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 50_000, Trace: "a", Ways: replays},
		{Name: "ycsb-b", Title: "YCSB B: 95 % reads, 5 % updates", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 50_000, Trace: "b", Ways: replays},
		{Name: "ycsb-c", Title: "YCSB C: reads only", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 50_000, Trace: "c", Ways: replays},
		{Name: "ycsb-f", Title: "YCSB F: 50 % reads, 50 % read-modify-writes", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 50_000, Trace: "f", Ways: replays},
		{Name: "ycsb-d", Title: "YCSB D: 95 % reads of the latest, 5 % inserts", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 50_000, Trace: "d", Ways: replays},
	}},
	{Name: "YCSB scans", Fill: works.Traced, Works: []Def{
		{Name: "ycsb-e", Title: "YCSB E: 95 % scans of up to 100 rows, 5 % inserts", Work: "ycsb", Unit: "op", Keys: works.Traced, Ops: 8_000, Trace: "e", Ways: replays},
	}},
}

// firstWays leaves each peer its first way.
func firstWays(ways []Way) []Way {
	var out []Way
	seen := map[string]bool{}
	for _, w := range ways {
		if !seen[w.Peer] {
			out = append(out, w)
		}
		seen[w.Peer] = true
	}
	return out
}
