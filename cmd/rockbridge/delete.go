package main

import (
	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newDeleteCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "delete DIR KEY",
		Short: "Delete one key",
		Long: `Delete one key. It is no error if the key is not there. When the command
returns, the deletion is on disk.`,
		Example: `  rockbridge delete notes.db greeting
  rockbridge delete notes.db --hex 00ff17`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := g.bytesOf("KEY", args[1])
			if err != nil {
				return err
			}
			return g.change(args[0], func(t target) error {
				return t.family.Delete(key, engine.Sync)
			})
		},
	}
}
