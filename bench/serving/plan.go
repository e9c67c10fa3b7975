// Package serving measures "rockbridge serve" beside redis-server, by redis-benchmark: both as durable, each in a process of
// its own; rounds are interleaved. It also tells how much memory both take with many keys.
package serving

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Name is one of the two servers.
type Name string

// The servers.
const (
	Rockbridge Name = "rockbridge"
	Redis      Name = "redis"
)

var both = []Name{Rockbridge, Redis}

// Durability is a value of appendfsync.
type Durability string

// The durabilities that are compared.
const (
	EverySecond Durability = "everysec"
	Always      Durability = "always"
)

// Works are the tests of redis-benchmark that are done, by the names of its -t. Only those that write depend on durability.
var Works = []string{"get", "set", "mset", "incr"}

// msetKeys is how many keys redis-benchmark has in a MSET.
const msetKeys = 10

// Plan is what one report is made of.
type Plan struct {
	Works        []string
	Durabilities []Durability
	Pipelines    []int
	Clients      []int
	Rounds       int
	Duration     time.Duration // of each run, about
	Keys         int           // that works are spread over, all there before but those of INCR
	Value        int           // bytes
	Cache        int64         // rockbridge's, for blocks
	Memtable     int64         // rockbridge's, each of two

	MemoryKeys int // of the comparison of memory; 0: none
}

// Check tells what is wrong with a plan.
func (p Plan) Check() error {
	for _, w := range p.Works {
		if !slices.Contains(Works, w) {
			return fmt.Errorf("no work is called %q", w)
		}
	}
	for _, d := range p.Durabilities {
		if d != EverySecond && d != Always {
			return fmt.Errorf("%q is no durability: everysec, always", d)
		}
	}
	if p.Rounds < 1 || p.Duration <= 0 || p.Keys < 1 || p.Value < 1 || p.Cache < 1<<20 || p.Memtable < 1<<16 || p.MemoryKeys < 0 {
		return errors.New("at least 1 round, key and byte, a cache of 1 MiB, memtables of 64 KiB, and positive numbers")
	}
	if max(p.Keys, p.MemoryKeys) >= 1e12 {
		return errors.New("redis-benchmark has 12 digits for a key")
	}
	return nil
}

// Setting is what one number of the report is about.
type Setting struct {
	Durability Durability
	Work       string
	Pipeline   int
	Clients    int
}

// Job is one run of one server.
type Job struct {
	Setting
	Server Name
	Round  int
}

// Of gives the settings of a durability. What only reads is done with the first one alone.
func (p Plan) Of(d Durability) (list []Setting) {
	for _, clients := range p.Clients {
		for _, work := range p.Works {
			if work == "get" && d != p.Durabilities[0] {
				continue
			}
			for _, pipeline := range p.Pipelines {
				list = append(list, Setting{d, work, pipeline, clients})
			}
		}
	}
	return list
}

// Jobs gives the runs of a round under one durability in their order: of each setting both servers, one right after the other.
// Who comes first changes from setting to setting, and from round to round.
func (p Plan) Jobs(d Durability, round int) (list []Job) {
	for i, s := range p.Of(d) {
		for turn := range both {
			list = append(list, Job{s, both[(i+round+turn)%len(both)], round})
		}
	}
	return list
}

// Estimate tells about how long the rounds take, without what is done for memory.
func (p Plan) Estimate() time.Duration {
	n := 0
	for _, d := range p.Durabilities {
		n += len(p.Jobs(d, 0))
	}
	const between = 300 * time.Millisecond // to start a run, and for both servers to become idle
	return time.Duration(n) * (time.Duration(p.Rounds)*(p.Duration+between) + 2*between)
}
