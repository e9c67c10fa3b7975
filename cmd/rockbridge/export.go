package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newExportCommand(g *globals) *cobra.Command {
	var bounds rangeFlags
	var limit int
	var resume bool
	eo := &engine.ExportOptions{}
	cmd := &cobra.Command{
		Use:   "export DIR FILE",
		Short: "Write the rows of a range to a compressed file with checksums",
		Long: `Write the rows of a range, of one state, to a file that rockbridge import reads:
frames of zstd with checksums and, at the end, how many rows there are. zstd -d
decompresses it, and docs/export.md describes what comes out. FILE - is standard
output; any other must not exist yet.

An export that was interrupted leaves a partial file, from which import takes only
what is whole. With --resume it goes on at the end of the last whole frame. That
must be over the same state: if the database was written to since, --other-state
allows it, and the file then has rows of both states and says so.`,
		Example: `  rockbridge export cities.db cities.rows.zst
  rockbridge export cities.db france.rows.zst --prefix FR/ --level 9
  rockbridge export cities.db cities.rows.zst --resume
  rockbridge export old.db - | ssh host rockbridge import new.db -`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[1]
			switch {
			case limit < 0:
				return usagef("--limit %d is negative", limit)
			case eo.Level < 1 || eo.Level > 19:
				return usagef("--level %d: not between 1 and 19", eo.Level)
			case resume && name == stdinName:
				return usagef("--resume needs a file: standard output does not keep what it was given")
			case eo.OtherState && !resume:
				return usagef("--other-state is for --resume")
			case name == stdinName && term.IsTerminal(int(os.Stdout.Fd())):
				return usagef("standard output is a terminal: compressed rows are no text")
			}
			o, err := bounds.iterOptions(cmd, g)
			if err != nil {
				return err
			}
			o.Limit, o.NoFillCache = limit, true
			return g.read(args[0], func(t target) error {
				e := &exporter{target: t, rows: o, options: eo}
				if name == stdinName {
					return e.run(cmd.Context(), cmd.OutOrStdout(), nil)
				}
				start := time.Now()
				if err := e.toFile(cmd.Context(), name, resume); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s exported into %s in %s\n",
					countOfRows(e.at.Rows), byteText(e.at.Offset), time.Since(start).Round(time.Millisecond))
				return err
			})
		},
	}
	bounds.register(cmd)
	cmd.Flags().IntVar(&limit, "limit", 0, "stop after this many rows; 0: no limit")
	cmd.Flags().IntVar(&eo.Level, "level", 3, "zstd's compression level, 1 to 19")
	cmd.Flags().BoolVar(&resume, "resume", false, "go on with the partial file of an export that was interrupted")
	cmd.Flags().BoolVar(&eo.OtherState, "other-state", false, "with --resume: also if the database was written to since")
	return cmd
}

// exporter writes the rows of one range.
type exporter struct {
	target
	rows    *engine.IterOptions
	options *engine.ExportOptions

	at engine.StreamPosition // how far it came
}

// run exports to w. An error says how many rows are in whole frames.
func (e *exporter) run(ctx context.Context, w io.Writer, bar io.Writer) error {
	if bar != nil {
		w = io.MultiWriter(w, bar)
	}
	var err error
	if e.at, err = engine.Export(ctx, e.family, e.rows, w, e.options); err != nil {
		return &partialLoadError{e.at.Rows, err}
	}
	return nil
}

// toFile exports to a file, which is on disk when it returns without an error.
func (e *exporter) toFile(ctx context.Context, name string, resume bool) (err error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if resume {
		flags = os.O_RDWR
	}
	file, err := os.OpenFile(name, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; --resume goes on with an export that was interrupted", name)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if resume {
		if err := e.resumeAt(ctx, file, name); err != nil || e.at.Whole {
			return err
		}
	}
	bar, done := newProgress(os.Stderr, "export", -1)
	err = e.run(ctx, file, bar)
	done()
	return errors.Join(err, file.Sync())
}

// resumeAt finds where the export goes on and cuts the file off there.
func (e *exporter) resumeAt(ctx context.Context, file *os.File, name string) error {
	at, err := engine.CheckExport(ctx, file, nil)
	if err != nil && !errors.Is(err, engine.ErrCorruption) {
		return err
	}
	if err != nil && at.Whole {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err != nil && at.Offset == 0 {
		// Without a whole head it may be anything: nothing but an empty file is written over.
		if info, statErr := file.Stat(); statErr != nil || info.Size() > 0 {
			return fmt.Errorf("%s holds no whole frame of an export: remove it and begin anew: %w", name, errors.Join(err, statErr))
		}
	}
	e.at = at
	if at.Whole {
		return nil
	}
	if err := file.Truncate(at.Offset); err != nil {
		return err
	}
	if _, err := file.Seek(at.Offset, io.SeekStart); err != nil {
		return err
	}
	e.options.Resume = &e.at
	return nil
}
