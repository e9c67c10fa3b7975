package main

import (
	"github.com/spf13/cobra"
)

func newCompactCommand(g *globals) *cobra.Command {
	var bounds rangeFlags
	cmd := &cobra.Command{
		Use:   "compact DIR",
		Short: "Rewrite the files so that deleted and old rows go",
		Long: `Rewrite the files of a database so that deleted and overwritten rows give back
their space. Without --family every family is compacted.`,
		Example: `  rockbridge compact cities.db
  rockbridge compact cities.db --family archive --from 2019 --to 2021`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := bounds.iterOptions(cmd, g)
			if err != nil {
				return err
			}
			return g.change(args[0], func(t target) error {
				if cmd.Flags().Changed("family") {
					return t.family.Compact(cmd.Context(), o.LowerBound, o.UpperBound)
				}
				return t.db.Compact(cmd.Context(), o.LowerBound, o.UpperBound)
			})
		},
	}
	bounds.registerBounds(cmd)
	return cmd
}
