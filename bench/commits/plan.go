// Package commits measures how fast rockbridge and its peers commit single rows from many goroutines, and how often they
// call fsync for it. Each run is a process of its own on a fresh database; rounds are interleaved.
package commits

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/workload"
)

// Contender is one way of one peer to commit.
type Contender struct {
	Peer string // its program
	Mode string // of the program; may be empty
	What string // for the report
	Only Kind   // takes part only where commits are of this kind; empty: in both
}

// Name is how the report calls the contender.
func (c Contender) Name() string {
	if c.Mode == "" {
		return c.Peer
	}
	return c.Peer + "/" + c.Mode
}

// Kind tells how durable commits are.
type Kind string

// The kinds of commits: on disk before the call returns, or not.
const (
	Synced   Kind = "synced"
	Unsynced Kind = "unsynced"
)

// Contenders are all there are. A new mode of rockbridge is a row here and one in its program's table; the first row is
// what Options has by default, and what the report's targets are about.
var Contenders = []Contender{
	{"rockbridge", "grouped", "CommitGrouped, the default: groups formed in Go, each synced with its write", ""},
	{"rockbridge", "pipelined", "CommitPipelined: groups formed in Go, written unsynced, and one sync for all who wait; unsynced it is the same as grouped", Synced},
	{"rockbridge", "alone", "CommitAlone: one call into C for each commit, RocksDB forms groups; 16 at once by default", ""},
	{"rockbridge", "alone-wide", "CommitAlone with up to 1,024 at once", ""},
	{"rockbridge", "alone-pipelined", "the same as alone-wide, with PipelinedWrite", ""},
	{"rockbridge", "alone-unordered", "the same as alone-wide, with UnorderedWrite", ""},
	{"rockbridge", "buffered", "grouped with RocksDB's manual_wal_flush: like Pebble's, what is not synced waits in the process and ends with it", Unsynced},
	{"grocksdb", "", "one call into C for each commit, RocksDB forms groups", ""},
	{"pebble", "", "Set with pebble.Sync, or pebble.NoSync", ""},
	{"bbolt", "update", "DB.Update: each commit a transaction", Synced},
	{"bbolt", "batch", "DB.Batch with its default delay of 10 ms", Synced},
}

// alone is the contender that makes one call for each commit, as soon as its goroutine comes: the measure of the others.
const alone = "rockbridge/alone-wide"

// Programs gives the peers whose programs contenders need.
func Programs(contenders []Contender) []string {
	var out []string
	for _, c := range contenders {
		if !slices.Contains(out, c.Peer) {
			out = append(out, c.Peer)
		}
	}
	return out
}

// Choose leaves those whose peer is among peers, and of rockbridge those whose mode is among modes, both separated by
// commas and empty for all. A name that nobody has is an error.
func Choose(peers, modes string) ([]Contender, error) {
	var out []Contender
	used := map[string]bool{}
	wanted := func(list, name string) bool {
		if list == "" {
			return true
		}
		used[name] = true
		return slices.Contains(strings.Split(list, ","), name)
	}
	for _, c := range Contenders {
		if wanted(peers, c.Peer) && (c.Peer != "rockbridge" || wanted(modes, c.Mode)) {
			out = append(out, c)
		}
	}
	for _, name := range strings.Split(strings.Trim(peers+","+modes, ","), ",") {
		if name != "" && !used[name] {
			return nil, fmt.Errorf("no peer or mode is called %q", name)
		}
	}
	return out, nil
}

// Plan is what one report is made of.
type Plan struct {
	Contenders []Contender
	Widths     map[Kind][]int // numbers of goroutines
	Rounds     int
	Base       workload.Spec // all but mode, folder, durability and number of goroutines
	Seed       uint64        // of the order
}

// Job is one run of one contender.
type Job struct {
	Contender  Contender
	Kind       Kind
	Goroutines int
	Round      int
}

// Kinds gives those of the plan, synced first.
func (p Plan) Kinds() []Kind {
	return slices.DeleteFunc([]Kind{Synced, Unsynced}, func(k Kind) bool { return len(p.Widths[k]) == 0 })
}

// Of gives the contenders that take part in a kind.
func (p Plan) Of(k Kind) []Contender {
	return slices.DeleteFunc(slices.Clone(p.Contenders), func(c Contender) bool { return c.Only != "" && c.Only != k })
}

// Jobs gives all timed runs in their order: in each round every width once, and for each width all contenders one after
// the other, shuffled, so that what is compared is measured close together.
func (p Plan) Jobs() []Job {
	random := rand.New(rand.NewPCG(p.Seed, 1))
	var jobs []Job
	for round := range p.Rounds {
		for _, k := range p.Kinds() {
			for _, width := range p.Widths[k] {
				first := len(jobs)
				for _, c := range p.Of(k) {
					jobs = append(jobs, Job{c, k, width, round})
				}
				turn := jobs[first:]
				random.Shuffle(len(turn), func(i, j int) { turn[i], turn[j] = turn[j], turn[i] })
			}
		}
	}
	return jobs
}

// Counting gives the runs whose fsyncs are counted, after the timed ones: each synced contender and width once, after
// all rounds.
func (p Plan) Counting() []Job {
	var jobs []Job
	for _, width := range p.Widths[Synced] {
		for _, c := range p.Of(Synced) {
			jobs = append(jobs, Job{c, Synced, width, p.Rounds})
		}
	}
	return jobs
}

// Spec gives a run's description, on a database in dir.
func (p Plan) Spec(j Job, dir string) workload.Spec {
	s := p.Base
	s.Mode, s.Dir, s.Sync, s.Goroutines = j.Contender.Mode, dir, j.Kind == Synced, j.Goroutines
	s.Seed += uint64(j.Round)
	s.Describe = j.Round == 0
	return s
}

// startup is about what a run needs beside its commits.
const startup = 250 * time.Millisecond

// Estimate tells about how long the timed runs take, or with count all.
func (p Plan) Estimate(count bool) time.Duration {
	n := len(p.Jobs())
	if count {
		n += len(p.Counting()) // each half as long, and a second run that only starts
	}
	return time.Duration(n) * (p.Base.Duration + startup)
}
