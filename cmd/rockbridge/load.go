package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// loadHelp is what --help says of it.
const loadHelp = `Load rows from files, or from standard input if none (or -) is given. The
database and the family are made if they do not exist. A row whose key is there
already replaces it.

The format is told by the ending of a file's name or by --format:

  lines  .txt, .lines      the line is the key, the value is empty
  tsv    .tsv, .tab        fields with tabs between, no quoting
  csv    .csv              fields with commas between, quoted as in RFC 4180
  jsonl  .jsonl, .ndjson   one JSON object a line

A further .zst means zstd; compressed standard input is recognised by itself.
--key says which column (from 1, or by name with --header) or which JSON field is
the key: the first column and "key" unless given. --value chooses the value
likewise; unless given it is the rest of the row, or the whole JSON object.

A line that does not fit stops the load with its file and number; the rows before
it are kept, and their number is reported. So it is after an interrupt. What was
reported as written is on disk.

With --direct rows go into table files of the database, without its log and its
memory, which is several times faster for many rows: all of them, or none if the
load does not come to its end. Rows in the order of their keys go straight into
files; others are sorted, with --memory bytes of memory and files in --temp-dir.
Of rows with the same key the last one wins. A load with --resume that is cut short
is gone on with by the same command: it reads the input again up to where files
were finished, and no row of that is written twice.`

func newLoadCommand(g *globals) *cobra.Command {
	var input inputChoice
	var batchBytes int
	var sync bool
	var direct directChoice
	cmd := &cobra.Command{
		Use:   "load DIR [FILE...]",
		Short: "Load rows from files or standard input",
		Long:  loadHelp,
		Example: `  rockbridge load cities.db testdata/cities.tsv.zst
  rockbridge load words.db /usr/share/dict/words --format lines
  rockbridge load people.db people.csv --header --key email
  zstd -dc events.jsonl.zst | rockbridge load events.db --format jsonl --key id
  rockbridge load big.db rows.tsv.zst --direct --memory 1000000000
  rockbridge scan old.db --output hex | rockbridge load new.db --format tsv --hex`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			names := args[1:]
			if len(names) == 0 {
				names = []string{stdinName}
			}
			if batchBytes < 1 {
				return usagef("--batch-bytes %d: at least 1 is needed", batchBytes)
			}
			if err := direct.check(cmd); err != nil {
				return err
			}
			input.hex = g.hex
			for _, name := range names {
				if err := input.check(name); err != nil {
					return err
				}
			}
			return g.create(args[0], func(t target) error {
				bar, done := newProgress(os.Stderr, "load", sizeOf(names))
				if direct.on {
					return loadDirectly(cmd, t, input, names, direct, bar, done)
				}
				l := &loader{
					target: t, input: input, batchBytes: batchBytes, progress: bar,
					write: &engine.WriteOptions{Sync: sync},
				}
				start := time.Now()
				err := l.load(cmd.Context(), names)
				done()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s loaded in %s\n",
					countOfRows(l.rows), time.Since(start).Round(time.Millisecond))
				return err
			})
		},
	}
	registerInput(cmd, &input)
	cmd.Flags().IntVar(&batchBytes, "batch-bytes", 1<<20, "bytes of rows that are written together")
	cmd.Flags().BoolVar(&sync, "sync", false, "bring each batch to disk before the next; otherwise once, at the end")
	direct.register(cmd)
	return cmd
}

func registerInput(cmd *cobra.Command, input *inputChoice) {
	cmd.Flags().StringVar(&input.format, "format", "", "lines, tsv, csv or jsonl (default: by the file's ending)")
	cmd.Flags().StringVar(&input.columns.key, "key", "", `column or field of the key (default: 1, or "key")`)
	cmd.Flags().StringVar(&input.columns.value, "value", "", "column or field of the value (default: all the others)")
	cmd.Flags().BoolVar(&input.columns.header, "header", false, "the first row of tsv or csv names the columns and is not loaded")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(inputFormats, cobra.ShellCompDirectiveNoFileComp))
}
