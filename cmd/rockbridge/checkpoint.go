package main

import (
	"github.com/spf13/cobra"
)

func newCheckpointCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoint DIR DEST",
		Short: "Make a copy that is a database of its own",
		Long: `Make a consistent copy of a database in the new directory DEST. On the same
file system its files are hard links: the copy takes next to no time and space.
The copy holds every family; --family only checks that one is there.`,
		Example: `  rockbridge checkpoint cities.db /backup/cities-2026-11-23
  rockbridge count /backup/cities-2026-11-23`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(args[0], func(t target) error {
				return t.db.Checkpoint(cmd.Context(), args[1])
			})
		},
	}
}
