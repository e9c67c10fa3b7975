package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newCountCommand(g *globals) *cobra.Command {
	var bounds rangeFlags
	var sizes bool
	cmd := &cobra.Command{
		Use:   "count DIR",
		Short: "Count the rows of a range",
		Long:  `Count the rows of a range, exactly: each row is read, in one loop in C.`,
		Example: `  rockbridge count cities.db
  rockbridge count cities.db --prefix FR/
  rockbridge count cities.db --from A --to N --sizes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := bounds.iterOptions(cmd, g)
			if err != nil {
				return err
			}
			o.KeysOnly, o.NoFillCache = !sizes, true
			return g.read(args[0], func(t target) error {
				rows, keyBytes, valueBytes, err := engine.Count(cmd.Context(), t.family, o)
				if err != nil {
					return err
				}
				if sizes {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d\t%d\t%d\n", rows, keyBytes, valueBytes)
				} else {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), rows)
				}
				return err
			})
		},
	}
	bounds.register(cmd)
	cmd.Flags().BoolVar(&sizes, "sizes", false, "print rows, bytes of keys and bytes of values, with tabs between")
	return cmd
}
