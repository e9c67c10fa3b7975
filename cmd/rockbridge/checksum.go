package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newChecksumCommand(g *globals) *cobra.Command {
	var bounds rangeFlags
	cmd := &cobra.Command{
		Use:   "checksum DIR",
		Short: "Print a checksum of the rows of a range",
		Long: `Print a checksum of the rows of a range, and how many rows, bytes of keys and
bytes of values it is of, with tabs between. Two databases that hold the same rows
print the same line, whatever files they lie in: compare copies with it. Each row is
read, in C.`,
		Example: `  rockbridge checksum cities.db
  rockbridge checksum cities.db --prefix FR/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := bounds.iterOptions(cmd, g)
			if err != nil {
				return err
			}
			o.NoFillCache = true
			return g.read(args[0], func(t target) error {
				c, err := engine.Checksum(cmd.Context(), t.family, o)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%08x\t%d\t%d\t%d\n", c.CRC, c.Rows, c.KeyBytes, c.ValueBytes)
				return err
			})
		},
	}
	bounds.register(cmd)
	return cmd
}
