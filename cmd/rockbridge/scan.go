package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

func newScanCommand(g *globals) *cobra.Command {
	var (
		bounds        rangeFlags
		reverse, keys bool
		limit         int
		output        string
	)
	cmd := &cobra.Command{
		Use:   "scan DIR",
		Short: "Print the rows of a range in key order",
		Long: `Print the rows of a range in key order, one a line:

  raw   the key, a tab, the value, as they are
  hex   the same in hexadecimal: for keys and values that hold tabs or newlines
  json  an object with the fields key and value; bytes that are not UTF-8 are in
        key_hex and value_hex instead

All three can be read back: with load --format tsv, with load --format tsv --hex,
and with load --format jsonl --value value.`,
		Example: `  rockbridge scan cities.db --prefix FR/84/ --limit 10
  rockbridge scan cities.db --from FR/ --to FR0 --keys
  rockbridge scan cities.db --reverse --limit 1 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if limit < 0 {
				return usagef("--limit %d is negative", limit)
			}
			o, err := bounds.iterOptions(cmd, g)
			if err != nil {
				return err
			}
			o.Limit, o.KeysOnly, o.NoFillCache = limit, keys, true
			return g.read(args[0], func(t target) error {
				w := newRowWriter(cmd.OutOrStdout(), output)
				// Rows before an error are printed first.
				return errors.Join(scan(t, o, reverse, w), w.flush())
			})
		},
	}
	bounds.register(cmd)
	cmd.Flags().BoolVar(&reverse, "reverse", false, "from the last row to the first")
	cmd.Flags().IntVar(&limit, "limit", 0, "stop after this many rows; 0: no limit")
	cmd.Flags().BoolVar(&keys, "keys", false, "print keys only")
	registerOutput(cmd, &output, "how rows are printed: raw, hex or json")
	return cmd
}

// scan writes the rows that o chooses. It takes them a chunk at a time: each
// chunk is one call of the library, and no row is copied on its way out.
func scan(t target, o *engine.IterOptions, reverse bool, w *rowWriter) (err error) {
	it, err := t.family.NewIter(o)
	if err != nil {
		return err
	}
	// Close returns the error that ended the scan, if one did.
	defer func() { err = errors.Join(err, it.Close()) }()
	fill := it.NextChunk
	if reverse {
		fill = it.PrevChunk
	}
	for chunk := new(iterator.Chunk); fill(chunk); {
		if err := writeChunk(chunk, o.KeysOnly, w); err != nil {
			return err
		}
	}
	return nil
}

func writeChunk(chunk *iterator.Chunk, keysOnly bool, w *rowWriter) error {
	for key, value := range chunk.All() {
		var err error
		if keysOnly {
			err = w.key(key)
		} else {
			err = w.row(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
