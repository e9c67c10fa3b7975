package works

import (
	"encoding/gob"
	"errors"
	"os"
)

// The kinds of operations of a trace.
const (
	OpRead = iota
	OpUpdate
	OpInsert
	OpScan
	OpReadModifyWrite
)

// Trace is a file of operations that was drawn once, for all peers and rounds.
type Trace struct {
	KeyBytes int
	Loaded   []byte   // keys of the rows that are there before, one after the other
	Kinds    []byte   // of the operations
	Keys     []byte   // of the operations, one after the other
	Lengths  []uint16 // rows of each scan, at most
}

// WriteTrace makes a file of it.
func WriteTrace(file string, t *Trace) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(f).Encode(t), f.Close())
}

func readTrace(file string) (*Trace, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	t := new(Trace)
	return t, gob.NewDecoder(f).Decode(t)
}

// Ops are operations to be done in their order: operation i has key and value i of Rows.
type Ops struct {
	*Rows
	Kinds   []byte
	Lengths []uint16
}

// tracedOps takes the rows of a trace's beginning, or its operations.
func tracedOps(t *Task) (*Ops, error) {
	tr, err := readTrace(t.Trace)
	if err != nil {
		return nil, err
	}
	t.KeyBytes = tr.KeyBytes
	keys := tr.Keys
	if t.Load {
		keys = tr.Loaded
	}
	return &Ops{newRows(t, keys, func(i int) uint64 { return uint64(i) }), tr.Kinds, tr.Lengths}, nil
}
