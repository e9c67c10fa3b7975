package works

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Store is an engine with an open database.
type Store interface {
	// Put writes all rows, n in each batch or transaction, as such or with n = 1 each by the engine's shortest way to write
	// one. Nothing waits for the disk.
	Put(r *Rows, n int) error
	// Settle flushes, compacts everything, and returns when nothing more happens in the background.
	Settle() error
	// Scan goes over everything once, forwards.
	Scan(sum *Sum) error
	// Close ends all use of the store.
	Close() error
}

// Preparer is a Store that wants to know what comes before the clock runs.
type Preparer interface {
	Prepare(work, way string) error
}

// Way is one way of doing a work in a peer's program.
type Way[S Store] func(s S, w *Work) error

// Engine is one peer.
type Engine[S Store] struct {
	Name    string
	Version func() string
	Open    func(Config) (S, error)
	// Ways are named by work and way, as in "get/Get". Works that are done by Put are not among them.
	Ways map[string]Way[S]
}

// Work is a task with its keys at hand, and what doing it gives.
type Work struct {
	Task
	*Ops
	Sum     Sum
	Elapsed time.Duration // set by ways that take the time themselves, in C
}

// EachKey calls f for each key, which counts what it finds.
func (w *Work) EachKey(f func(key []byte, sum *Sum) error) error {
	for i := range w.Ops.Len() {
		if err := f(w.Key(i), &w.Sum); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
	}
	return nil
}

// EachGroup calls f for N keys at a time.
func (w *Work) EachGroup(f func(keys [][]byte, sum *Sum) error) error {
	keys := make([][]byte, w.N)
	for i := 0; i+w.N <= w.Ops.Len(); i += w.N {
		for j := range keys {
			keys[j] = w.Key(i + j)
		}
		if err := f(keys, &w.Sum); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
	}
	return nil
}

// EachPrefix calls f for the prefix of each key.
func (w *Work) EachPrefix(f func(prefix []byte, sum *Sum) error) error {
	return w.EachKey(func(key []byte, sum *Sum) error { return f(key[:groupBytes], sum) })
}

// EachBatch has batches built of the first N rows, which stay in the processor's caches, until as many rows are in them
// as the task has operations.
func (w *Work) EachBatch(reset func(), put func(key, value []byte) error) error {
	for done := 0; done < w.Ops.Len(); done += w.N {
		reset()
		for i := range w.N {
			if err := put(w.Key(i), w.Value(i)); err != nil {
				return err
			}
		}
		w.Sum.Rows += int64(w.N)
	}
	return nil
}

// PrefixBytes is how long the prefix of a group is.
const PrefixBytes = groupBytes

// Steps are what a trace of operations asks for.
type Steps struct {
	Get  func(key []byte, sum *Sum) error // counts the value, or nothing
	Put  func(key, value []byte) error
	Scan func(key []byte, n int, sum *Sum) error // counts up to n rows from key on
}

// Replay does a trace.
func (w *Work) Replay(s Steps) error {
	for i := range w.Ops.Len() {
		var err error
		switch w.Kinds[i] {
		case OpRead:
			err = s.Get(w.Key(i), &w.Sum)
		case OpScan:
			err = s.Scan(w.Key(i), int(w.Lengths[i]), &w.Sum)
		case OpReadModifyWrite:
			err = errors.Join(s.Get(w.Key(i), &w.Sum), s.Put(w.Key(i), w.Value(i)))
		default:
			err = s.Put(w.Key(i), w.Value(i))
		}
		if err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
	}
	return nil
}

// Kind makes an engine's part of the benchmark of its program's: requests are Requests, answers Results.
func (e Engine[S]) Kind() program.Kind {
	s := session[S]{engine: e, stores: map[string]*slot[S]{}}
	return func(request []byte) (any, error) {
		var r Request
		if err := json.Unmarshal(request, &r); err != nil {
			return nil, fmt.Errorf("works: the request: %w", err)
		}
		return s.do(r)
	}
}
