package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newGetCommand(g *globals) *cobra.Command {
	var output string
	var noNewline bool
	cmd := &cobra.Command{
		Use:   "get DIR KEY",
		Short: "Print the value of a key",
		Long: `Print the value of a key and a newline. An absent key prints nothing and
exits with 1.`,
		Example: `  rockbridge get cities.db FR/84/Lyon/45.74906,4.84789
  rockbridge get blobs.db --hex 00ff17 --no-newline > blob
  rockbridge get cities.db nowhere || echo absent`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			key, err := g.bytesOf("KEY", args[1])
			if err != nil {
				return err
			}
			return g.read(args[0], func(t target) error {
				value, err := t.family.Get(key, nil)
				if errors.Is(err, engine.ErrNotFound) {
					return errAbsent
				}
				if err != nil {
					return err
				}
				w := newRowWriter(cmd.OutOrStdout(), output)
				if err := w.value(value, !noNewline); err != nil {
					return err
				}
				return w.flush()
			})
		},
	}
	registerOutput(cmd, &output, "how the value is printed: raw, hex or json")
	cmd.Flags().BoolVarP(&noNewline, "no-newline", "n", false, "print the value's bytes and nothing after them")
	return cmd
}
