package main

import (
	"context"
	"errors"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// tally is what a scan saw. Every way must see the same.
type tally struct{ rows, keyBytes, valueBytes int64 }

func (s *tally) add(key, value []byte) {
	s.rows++
	s.keyBytes += int64(len(key))
	s.valueBytes += int64(len(value))
}

// scanWay is one way to read all rows of a family.
type scanWay struct {
	name string
	scan func(context.Context, target) (tally, error)
}

// scanWays are what the demo compares, the dearest first.
func scanWays(steps *stepSource) []scanWay {
	return []scanWay{
		{"one call per step, copies", steps.scan},
		{"Next, Key and Value copied", copyScan},
		{"NextChunk, no copies", chunkScan},
		{"Count, the loop in C", countScan},
	}
}

// copyScan steps through chunks and takes a copy of each key and value.
func copyScan(ctx context.Context, t target) (seen tally, err error) {
	it, err := t.family.NewIter(&engine.IterOptions{Context: ctx})
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.Next() {
		seen.add(it.Key(), it.Value())
	}
	return seen, nil
}

// chunkScan reads rows where they lie in the chunk.
func chunkScan(ctx context.Context, t target) (seen tally, err error) {
	it, err := t.family.NewIter(&engine.IterOptions{Context: ctx})
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for chunk := new(iterator.Chunk); it.NextChunk(chunk); {
		for i := range chunk.Len() {
			seen.add(chunk.Key(i), chunk.Value(i))
		}
	}
	return seen, nil
}

// countScan leaves the loop to C.
func countScan(ctx context.Context, t target) (seen tally, err error) {
	seen.rows, seen.keyBytes, seen.valueBytes, err = engine.Count(ctx, t.family, nil)
	return seen, err
}
