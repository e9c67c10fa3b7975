package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newImportCommand(g *globals) *cobra.Command {
	var sync bool
	var resume string
	var foreign foreignImport
	cmd := &cobra.Command{
		Use:   "import DIR FILE",
		Short: "Read rows that export wrote",
		Long: `Read the rows of a file that rockbridge export wrote; FILE - is standard input.
The database and the family are made if they do not exist. A row whose key is
there already replaces it.

Only rows that were verified are written. A file that is damaged or cut off ends
the import with an error that says at which byte, and how many rows were written
before; so does an interrupt. What was reported as written is on disk. To import
the same file again changes nothing, and with --resume an import that stopped
goes on where it was.

With --from the rows of another store, SRC, make the new database DST, all or
nothing. That is the work of the program rockbridge-import, found beside this one
or where programs are; docs/migrate.md says what becomes of what.`,
		Example: `  rockbridge import cities.db cities.rows.zst
  rockbridge import cities.db cities.rows.zst --resume cities.position
  ssh host rockbridge export old.db - | rockbridge import new.db -
  rockbridge import --from bbolt --verify data.bolt new.db`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := foreign.check(cmd); err != nil {
				return err
			}
			if foreign.from != "" {
				return foreign.run(args[0], args[1])
			}
			i := &importer{input: args[1], position: resume}
			if sync {
				i.options.Write = engine.Sync
			}
			if err := i.load(); err != nil {
				return err
			}
			in, err := i.open()
			if err != nil {
				return err
			}
			defer in.Close() // opened to be read: nothing is lost if this fails
			return g.create(args[0], func(t target) error {
				start := time.Now()
				if err := i.run(cmd.Context(), t, in); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s imported in %s\n",
					countOfRows(i.at.Rows), time.Since(start).Round(time.Millisecond))
				return err
			})
		},
	}
	foreign.register(cmd)
	cmd.Flags().BoolVar(&sync, "sync", false, "bring each block to disk before the next; otherwise once, at the end")
	cmd.Flags().StringVar(&resume, "resume", "", "file that keeps the position of an import that stopped: read if it is there, removed at the end")
	return cmd
}

// importer reads one exported file.
type importer struct {
	input    string
	position string // file that keeps the position; empty: none
	options  engine.ImportOptions

	at engine.StreamPosition // how far it came
}

// load reads the position where the import goes on, if one was kept.
func (i *importer) load() error {
	if i.position == "" {
		return nil
	}
	b, err := os.ReadFile(i.position)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &i.at)
	}
	if err != nil {
		return fmt.Errorf("%s: no position of an import: %w", i.position, err)
	}
	i.options.Resume = &i.at
	return nil
}

// open opens the input at the position.
func (i *importer) open() (*os.File, error) {
	if i.input == stdinName {
		_, err := io.CopyN(io.Discard, os.Stdin, i.at.Offset)
		return os.Stdin, err
	}
	file, err := os.Open(i.input)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(i.at.Offset, io.SeekStart); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// run imports, brings to disk what was written and keeps the position if the import stopped.
func (i *importer) run(ctx context.Context, t target, in *os.File) error {
	bar, done := newProgress(os.Stderr, "import", sizeOf([]string{i.input}))
	var err error
	i.at, err = t.family.Import(ctx, interruptible(ctx, io.TeeReader(in, bar)), &i.options)
	done()
	syncErr := t.db.SyncWAL()
	if err == nil && syncErr == nil {
		return i.forget()
	}
	return errors.Join(&partialLoadError{i.at.Rows, errors.Join(err, syncErr)}, i.keep(syncErr == nil))
}

// forget removes a position that is of no use any more.
func (i *importer) forget() error {
	if i.position == "" {
		return nil
	}
	if err := os.Remove(i.position); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// keep writes the position, if there is one and its rows are on disk.
func (i *importer) keep(durable bool) error {
	if i.position == "" || !durable || i.at.Offset == 0 || i.at.Whole {
		return nil
	}
	b, err := json.Marshal(i.at)
	if err != nil {
		return err
	}
	return os.WriteFile(i.position, append(b, '\n'), 0o666)
}

// interruptible gives what in does, until ctx ends, even while in blocks.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, in, make([]byte, 1<<20))
		w.CloseWithError(err)
	}()
	return r
}
