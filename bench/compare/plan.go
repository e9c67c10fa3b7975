// Package compare measures rockbridge, plain C loops on the same library, and other engines at the same works, and writes
// the report of it. Each peer is a process of its own for all rounds, which waits while others have their turn.
package compare

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

// Setting is a size of rows and of caches that all works are done at.
type Setting struct {
	Name       string
	KeyBytes   int
	ValueBytes int
	Rows       int     // of the lasting database, and of the others at most
	Scale      float64 // how much of each work's operations are done
	Cache      int64   // bytes
	Memtable   int64   // bytes
	Lasting    bool    // only the works on the lasting database
}

// Core is the setting of the core table, everything in cache.
var Core = Setting{Name: "core", KeyBytes: 16, ValueBytes: 100, Rows: 2_000_000, Scale: 1, Cache: 1 << 30, Memtable: 16 << 20}

// Full are all settings.
var Full = []Setting{
	Core,
	{Name: "values of 1 KiB", KeyBytes: 16, ValueBytes: 1 << 10, Rows: 400_000, Scale: 0.25, Cache: 1 << 30, Memtable: 16 << 20},
	{Name: "values of 10 KiB", KeyBytes: 24, ValueBytes: 10 << 10, Rows: 40_000, Scale: 0.04, Cache: 1 << 30, Memtable: 16 << 20},
	{Name: "data of 4 times the cache", KeyBytes: 16, ValueBytes: 100, Rows: 2_000_000, Scale: 0.5, Cache: 2_000_000 * 116 / 4, Memtable: 16 << 20, Lasting: true},
}

const (
	block     = 4096
	bloomBits = 10
	// filledRows of those stages that get a new database in each round, at scale 1.
	filledRows = 200_000
	fewestOps  = 20
)

// Plan is what one report is made of.
type Plan struct {
	Peers    []string
	Works    []string // only these; empty: all
	Settings []Setting
	Rounds   int
	Seed     uint64
	Options  string // RocksDB options by name, for the three on RocksDB
}

// Check refuses names that nobody has.
func (p Plan) Check() error {
	for _, peer := range p.Peers {
		if !slices.Contains(Peers, peer) {
			return fmt.Errorf("no peer is called %q: %s", peer, strings.Join(Peers, ", "))
		}
	}
	for _, name := range p.Works {
		if _, ok := find(name); !ok {
			return fmt.Errorf("no work is called %q", name)
		}
	}
	return nil
}

// find gives a work by name.
func find(name string) (Def, bool) {
	for _, s := range Stages {
		for _, d := range s.Works {
			if d.Name == name {
				return d, true
			}
		}
	}
	return Def{}, false
}

// Stages gives what is to be done at a setting.
func (p Plan) Stages(s Setting) []Stage {
	var out []Stage
	for _, stage := range Stages {
		stage.Works = slices.DeleteFunc(slices.Clone(stage.Works), func(d Def) bool {
			return len(p.Works) > 0 && !slices.Contains(p.Works, d.Name) || s.Lasting && !stage.Lasting
		})
		if len(stage.Works) > 0 {
			out = append(out, stage)
		}
	}
	return out
}

// ways gives a peer's ways of a work, or with peer empty those of all peers of the plan.
func (p Plan) ways(d Def, peer string) []Way {
	return slices.DeleteFunc(slices.Clone(d.Ways), func(w Way) bool {
		return !slices.Contains(p.Peers, w.Peer) || peer != "" && w.Peer != peer
	})
}

// scaled gives how many operations of n are done, a multiple of what goes into one group.
func (s Setting) scaled(n, group int) int {
	n = max(int(float64(n)*s.Scale), fewestOps)
	group = max(group, 1)
	return max((n+group-1)/group, 1) * group
}

// filled is how many rows a stage's database has before.
func (s Setting) filled(stage Stage) int {
	if stage.Lasting {
		return s.Rows
	}
	return min(s.Rows, s.scaled(filledRows, 1))
}

// trace is where the operations of a workload of YCSB lie.
func trace(dir, letter string) string { return filepath.Join(dir, "ycsb-"+letter) }

// group is by how many operations a work goes.
func (d Def) group() int {
	if d.Work == "multiget" || d.Work == "build" {
		return d.N
	}
	return 1
}

// task makes a work's task of a round.
func (p Plan) task(s Setting, stage Stage, d Def, w Way, round int, dir string) works.Task {
	t := works.Task{
		Work: d.Work, Way: w.Way, Keys: d.Keys, Total: s.filled(stage), Ops: s.scaled(d.Ops, d.group()), N: d.N,
		KeyBytes: s.KeyBytes, ValueBytes: s.ValueBytes, Seed: p.Seed + uint64(round), Writer: d.Writer,
	}
	switch {
	case d.Ops == 0:
		t.Ops = 0
	case stage.Fill == "" && d.Work == "put":
		t.Total = t.Ops
	case d.Trace != "":
		t.Trace = trace(dir, d.Trace)
	}
	return t
}

// fill makes the task of filling a stage's database.
func (p Plan) fill(s Setting, stage Stage, dir string) works.Task {
	t := works.Task{Keys: stage.Fill, Total: s.filled(stage), Ops: s.filled(stage), KeyBytes: s.KeyBytes, ValueBytes: s.ValueBytes, Seed: p.Seed}
	if stage.Fill == works.Traced {
		t.Load, t.Trace = true, trace(dir, stage.Works[0].Trace)
	}
	return t
}

// config is how a peer's database is opened.
func (p Plan) config(s Setting, peer, dir string) works.Config {
	c := works.Config{
		Dir: dir, KeyBytes: s.KeyBytes, ValueBytes: s.ValueBytes, Cache: s.Cache, Memtable: s.Memtable, Block: block, Bloom: bloomBits,
	}
	if onRocksDB(peer) {
		c.Options = p.Options
	}
	return c
}

func onRocksDB(peer string) bool { return peer == rockbridge || peer == cloop || peer == grocksdb }
