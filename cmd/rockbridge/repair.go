package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newRepairCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "repair DIR",
		Short: "Put a damaged database together anew, where there is no backup",
		Long: `Put together anew a database that cannot be opened, from its table files and what
can be read of its logs. Restore a backup instead, if there is one: rows of damaged
files are missing afterwards, rows that were deleted may be back, and batches may
be there in part. Copy the directory before.

Tables that cannot be read, and the old manifests and logs, go to the folder lost
in DIR; the tables among them are printed. All families are repaired.`,
		Example: `  rockbridge doctor cities.db
  cp -r cities.db cities.copy && rockbridge repair cities.db
  rockbridge count cities.db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := engine.Repair(args[0], nil)
			if err != nil {
				return err
			}
			for _, path := range r.Lost {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "lost: %s\n", path); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d tables, %d lost\n", len(r.Tables), len(r.Lost))
			return err
		},
	}
}
