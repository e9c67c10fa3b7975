package main

import (
	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newPutCommand(g *globals) *cobra.Command {
	var create bool
	cmd := &cobra.Command{
		Use:   "put DIR KEY VALUE",
		Short: "Write one key",
		Long: `Write one key. When the command returns, the write is on disk: it survives a
loss of power.`,
		Example: `  rockbridge put notes.db --create greeting 'hello world'
  rockbridge put notes.db --family drafts greeting 'hello'
  rockbridge put notes.db --hex 00ff17 c0ffee`,
		Args: cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := g.bytesOf("KEY", args[1])
			if err != nil {
				return err
			}
			value, err := g.bytesOf("VALUE", args[2])
			if err != nil {
				return err
			}
			open := g.change
			if create {
				open = g.create
			}
			return open(args[0], func(t target) error {
				return t.family.Put(key, value, engine.Sync)
			})
		},
	}
	cmd.Flags().BoolVar(&create, "create", false, "make the database and the family if they do not exist")
	return cmd
}
