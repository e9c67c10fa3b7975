// Package workload is the benchmark of commits as every peer's program has it: the description of the work, which comes
// in as JSON, the loop that does it, and the result, which goes out as JSON.
package workload

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Spec describes one run: a fresh database, on which Goroutines goroutines each commit one row after the other for
// Duration. All sizes are bytes.
type Spec struct {
	Mode       string        `json:"mode"`       // which way of the peer's, by its own names; empty: the default
	Dir        string        `json:"dir"`        // must not exist; is removed after the run unless Keep
	Keep       bool          `json:"keep"`       // leave the database behind
	Sync       bool          `json:"sync"`       // each commit is on disk before it returns
	Goroutines int           `json:"goroutines"` // 0: none, so that what opening and closing costs can be taken away
	Duration   time.Duration `json:"duration"`   // of the commits; those under way at its end are finished and counted
	WarmRows   int           `json:"warm_rows"`  // rows put before, unsynced, in batches or one by one; not measured
	KeyBytes   int           `json:"key_bytes"`  // at least 16
	ValueBytes int           `json:"value_bytes"`
	Memtable   int64         `json:"memtable"` // write buffer, where the engine has one
	Cache      int64         `json:"cache"`    // block cache, where the engine has one
	Options    string        `json:"options"`  // RocksDB options by name, for experiments; empty otherwise
	Seed       uint64        `json:"seed"`     // of keys and values
	Describe   bool          `json:"describe"` // find out the engine's version, for which some have to make a database
}

// Result is what one run gives.
type Result struct {
	Peer       string        `json:"peer"`
	Version    string        `json:"version"` // of the engine, if the Spec asked for it
	Mode       string        `json:"mode"`
	Sync       bool          `json:"sync"`
	Goroutines int           `json:"goroutines"`
	Commits    int64         `json:"commits"`
	Elapsed    time.Duration `json:"elapsed"` // from the start of the first commit to the end of the last
	P50        time.Duration `json:"p50"`     // of the commits' latencies
	P99        time.Duration `json:"p99"`
	Max        time.Duration `json:"max"`
	DiskBytes  int64         `json:"disk_bytes"` // allocated to the database after it was closed

	program.Used // during the commits
}

// Store is an engine with an open database. All methods but Close are safe for concurrent use.
type Store interface {
	// Commit puts one row, as durable as the Spec that opened the store says.
	Commit(key, value []byte) error
	// Fill puts rows without waiting for the disk; they count as no commits.
	Fill(rows int, row func(i int) (key, value []byte)) error
	// Get reads a value; it may alias the store's memory until the next call.
	Get(key []byte) ([]byte, error)
	// Close ends all use of the store.
	Close() error
}

// Peer is one engine.
type Peer struct {
	Name    string
	Version func() string
	// Open makes a new database. It refuses a Mode that it does not know.
	Open func(Spec) (Store, error)
}

// Kind makes a peer's part of the benchmark of its program's: requests are Specs, answers Results.
func (p Peer) Kind() program.Kind {
	return func(request []byte) (any, error) {
		var s Spec
		if err := json.Unmarshal(request, &s); err != nil {
			return nil, fmt.Errorf("workload: the spec: %w", err)
		}
		return Run(p, s)
	}
}
