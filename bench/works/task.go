// Package works is the comparison of everything but commits as every peer's program has it: what the works are, the rows
// and keys they are done on, and the session in which a driver has them done one after the other.
package works

import (
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Config describes a database. All sizes are bytes.
type Config struct {
	Dir        string `json:"dir"` // must not exist
	KeyBytes   int    `json:"key_bytes"`
	ValueBytes int    `json:"value_bytes"`
	Cache      int64  `json:"cache"`    // block cache, where the engine has one
	Memtable   int64  `json:"memtable"` // write buffer, where the engine has one
	Block      int    `json:"block"`    // data block, where the engine has them
	Bloom      int    `json:"bloom"`    // bits of a bloom filter for each key, where the engine has them; 0: none
	Options    string `json:"options"`  // RocksDB options by name, for experiments; empty otherwise
	Exists     bool   `json:"exists"`   // open it, it is there already
}

// Keys says which keys a task has.
type Keys string

// The kinds of keys.
const (
	InOrder Keys = "in order" // the first rows
	AnyRow  Keys = "any row"  // of all rows, each as likely
	Missing Keys = "missing"  // keys that no row has, between those of rows
	Zipfian Keys = "zipfian"  // of all rows, some much likelier than others, which lie anywhere
	HotSet  Keys = "hot set"  // of 10,000 rows next to each other, which fit into a processor's caches
	Spread  Keys = "spread"   // of 10,000 rows that lie anywhere, each in a block of its own
	Shuffle Keys = "shuffle"  // each of the first rows once, in no order
	Traced  Keys = "traced"   // of a file of operations
)

// Request is what a driver asks a program for.
type Request struct {
	Do     string `json:"do"`   // open, fill, run, close or ways; see session.do
	Slot   string `json:"slot"` // which of the program's databases
	Config Config `json:"config"`
	Task   Task   `json:"task"`
}

// Task describes one piece of work on an open database.
type Task struct {
	Work       string `json:"work"` // names a function of the program's together with Way
	Way        string `json:"way"`
	Keys       Keys   `json:"keys"`
	Total      int    `json:"total"` // rows of the database
	Ops        int    `json:"ops"`   // how often
	N          int    `json:"n"`     // rows of a batch, of a seek, keys of a MultiGet
	KeyBytes   int    `json:"key_bytes"`
	ValueBytes int    `json:"value_bytes"`
	Seed       uint64 `json:"seed"`
	Writer     bool   `json:"writer"` // rows are written meanwhile, see writer.go
	Trace      string `json:"trace"`  // file of operations
	Load       bool   `json:"load"`   // do the rows of the trace that are there before its operations
}

// Result is what doing a task gave.
type Result struct {
	Elapsed   time.Duration `json:"elapsed"`
	Sum       Sum           `json:"sum"`
	Written   int64         `json:"written"` // rows written meanwhile
	Version   string        `json:"version"` // of the engine; with open
	DiskBytes int64         `json:"disk_bytes"`
	Ways      []string      `json:"ways,omitempty"` // what the program can do

	program.Used
}

// Sum is what a way of doing a task saw. All ways of a task see the same rows, and those that look at the bytes see the
// same bytes: the driver compares.
type Sum struct {
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"` // of keys and values
	Check uint64 `json:"check"` // sum of the last byte of each key seen, and of the first and last of each value
}

// Row counts a row of which key and value are there.
func (s *Sum) Row(key, value []byte) {
	s.Rows++
	s.Bytes += int64(len(key) + len(value))
	s.Check += uint64(key[len(key)-1]) + uint64(value[0]) + uint64(value[len(value)-1])
}

// Value counts a value that was looked up.
func (s *Sum) Value(value []byte) {
	s.Rows++
	s.Bytes += int64(len(value))
	s.Check += uint64(value[0]) + uint64(value[len(value)-1])
}
