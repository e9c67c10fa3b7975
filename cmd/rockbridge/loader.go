package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rockbridge-db/rockbridge/engine"
)

// loader writes the rows of its inputs to one family. Reading and writing
// overlap: while one batch is written, the next is filled.
type loader struct {
	target
	input      inputChoice
	batchBytes int
	write      *engine.WriteOptions
	progress   io.Writer

	rows int64 // written so far
}

// partialLoadError is an error of a load that had written rows before it.
type partialLoadError struct {
	rows int64
	err  error
}

func (e *partialLoadError) Error() string {
	if errors.Is(e.err, context.Canceled) {
		return fmt.Sprintf("interrupted: %s written", countOfRows(e.rows))
	}
	return fmt.Sprintf("%v (%s written before)", e.err, countOfRows(e.rows))
}

func countOfRows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func (e *partialLoadError) Unwrap() error { return e.err }

// load reads the named inputs in turn. Rows before an error are written, and
// the error says how many. It returns when ctx is done, even while an input
// blocks; then the rows read but not yet written are dropped. A batch that is
// being written is waited for, as otherwise nobody knew how many rows there are.
func (l *loader) load(ctx context.Context, names []string) error {
	err := l.pump(ctx, names)
	if syncErr := l.db.SyncWAL(); syncErr != nil {
		err = errors.Join(err, syncErr)
	}
	if err != nil {
		return &partialLoadError{l.rows, err}
	}
	return nil
}

// pump moves batches from the goroutine that fills them to the database.
func (l *loader) pump(ctx context.Context, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &filler{
		input: l.input, family: l.family, batchBytes: l.batchBytes, progress: l.progress,
		full: make(chan *engine.Batch), empty: make(chan *engine.Batch, 2), done: make(chan error, 1),
	}
	f.empty <- l.db.NewBatch()
	f.empty <- l.db.NewBatch()
	go func() { f.done <- f.run(ctx, names) }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-f.done:
			return err
		case batch := <-f.full:
			if err := l.db.Write(batch, l.write); err != nil {
				return err
			}
			l.rows += int64(batch.Count())
			batch.Reset()
			f.empty <- batch
		}
	}
}
