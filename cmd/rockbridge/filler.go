package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rockbridge-db/rockbridge/engine"
)

// filler is the reading half of a load: it fills empty batches with rows and
// hands them over full.
type filler struct {
	input       inputChoice
	family      *engine.ColumnFamily
	batchBytes  int
	progress    io.Writer
	full, empty chan *engine.Batch
	done        chan error

	batch, rows *engine.Batch // the one being filled, and it aimed at the family
}

// run reads the inputs in turn. Every row before an error is handed over.
func (f *filler) run(ctx context.Context, names []string) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	for _, name := range names {
		if err := f.readInput(ctx, name); err != nil {
			return errors.Join(f.flush(ctx), err)
		}
	}
	return f.flush(ctx)
}

func (f *filler) readInput(ctx context.Context, name string) error {
	return readRows(f.input, name, f.progress, func(key, value []byte) error {
		return f.rows.Put(key, value)
	}, func() error {
		if f.batch.Size() < f.batchBytes {
			return nil
		}
		if err := f.flush(ctx); err != nil {
			return err
		}
		return f.take(ctx)
	})
}

// readRows reads the rows of one input. An error of add is told with the row's line; after is called
// behind each row.
func readRows(input inputChoice, name string, progress io.Writer, add func(key, value []byte) error, after func() error) error {
	in, err := openSource(name, progress)
	if err != nil {
		return err
	}
	defer in.Close() // opened to be read: nothing is lost if this fails
	rows, err := input.recordsOf(name, in)
	if err != nil {
		return err
	}
	for {
		key, value, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = add(key, value)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", displayName(name), rows.line(), err)
		}
		if err := after(); err != nil {
			return err
		}
	}
}

// flush hands the batch over.
func (f *filler) flush(ctx context.Context) error {
	select {
	case f.full <- f.batch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take waits for a batch to fill.
func (f *filler) take(ctx context.Context) error {
	select {
	case f.batch = <-f.empty:
		f.rows = f.batch.In(f.family)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
