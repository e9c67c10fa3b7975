package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// directChoice are the flags of a load that goes into table files.
type directChoice struct {
	on, resume bool
	memory     int64
	tempDir    string
}

// directMemory is the default of --memory.
const directMemory = 256 << 20

func (d *directChoice) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.on, "direct", false, "load into table files, all rows or none")
	cmd.Flags().BoolVar(&d.resume, "resume", false, "with --direct: go on with a load that was cut short, and keep what is done if this one is")
	cmd.Flags().Int64Var(&d.memory, "memory", directMemory, "with --direct: bytes of memory to sort rows in")
	cmd.Flags().StringVar(&d.tempDir, "temp-dir", "", "with --direct: folder for files under way (default: that of DIR)")
}

// check refuses flags that do not go together.
func (d *directChoice) check(cmd *cobra.Command) error {
	without, with := []string{"resume", "memory", "temp-dir"}, []string{"batch-bytes", "sync"}
	if d.on {
		for _, name := range with {
			if cmd.Flags().Changed(name) {
				return usagef("--%s is of no use with --direct", name)
			}
		}
		return nil
	}
	for _, name := range without {
		if cmd.Flags().Changed(name) {
			return usagef("--%s needs --direct", name)
		}
	}
	return nil
}

// directLoadError is an error of a load that is all or nothing.
type directLoadError struct {
	kept bool
	err  error
}

func (e *directLoadError) Error() string {
	text := e.err.Error()
	if errors.Is(e.err, context.Canceled) {
		text = "interrupted"
	}
	if e.kept {
		return text + " (nothing loaded; --resume goes on)"
	}
	return text + " (nothing loaded)"
}

func (e *directLoadError) Unwrap() error { return e.err }

// loadDirectly loads the inputs and prints what came of it.
func loadDirectly(cmd *cobra.Command, t target, input inputChoice, names []string, d directChoice, bar io.Writer, done func()) error {
	start := time.Now()
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	l, err := t.family.NewLoader(ctx, &engine.BulkLoadOptions{
		Memory: d.memory, TempDir: d.tempDir, Resume: d.resume, Keep: d.resume,
	})
	if err != nil {
		done()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- addRows(l, input, names, bar) }()
	select {
	case err = <-ended:
	case <-ctx.Done(): // an input may block for ever
		err = ctx.Err()
	}
	if err == nil {
		err = l.Finish()
	}
	done()
	if err != nil {
		return &directLoadError{d.resume, errors.Join(err, l.Close())}
	}
	s := l.Stats()
	order := "unsorted"
	if s.Sorted {
		order = "sorted"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s loaded in %s: %s input, %d keys, %d files%s\n", countOfRows(int64(s.Rows)),
		time.Since(start).Round(time.Millisecond), order, s.Stored, s.Files, resumedText(s.Skipped))
	return err
}

func resumedText(skipped uint64) string {
	if skipped == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of them before", countOfRows(int64(skipped)))
}

// addRows reads the inputs in turn.
func addRows(l *engine.Loader, input inputChoice, names []string, progress io.Writer) error {
	skip := l.Resumed()
	for _, name := range names {
		err := readRows(input, name, progress, func(key, value []byte) error {
			if skip > 0 {
				skip--
				return nil
			}
			return l.Add(key, value)
		}, func() error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}
