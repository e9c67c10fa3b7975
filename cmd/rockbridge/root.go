package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// globals are the flags that every command takes.
type globals struct {
	family string
	hex    bool
}

// newRootCommand builds the command tree. started turns true once the command
// line is accepted and its command begins.
func newRootCommand() (root *cobra.Command, started *bool) {
	g := &globals{}
	started = new(bool)
	version := false
	root = &cobra.Command{
		Use:   "rockbridge",
		Short: "Load, read, scan and measure RocksDB databases",
		Long: `rockbridge works on RocksDB databases from the command line.

A database is a directory. The commands that only read open it read-only and
work while another process has it open; those that write need it for themselves.
Exit codes: 0 success, 1 error (also, without a message, a key that get does not
find and something wrong that doctor reports), 2 a mistake in the command line.`,
		Example: `  rockbridge load cities.db testdata/cities.tsv.zst
  rockbridge scan cities.db --prefix FR/84/ --limit 3
  rockbridge count cities.db --prefix FR/
  rockbridge demo`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			*started = true
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return printVersion(cmd)
			}
			return usagef("a command is missing")
		},
	}
	root.Flags().BoolVar(&version, "version", false, "print the version of rockbridge and of RocksDB")
	root.PersistentFlags().StringVar(&g.family, "family", "default", "column family to work on")
	root.PersistentFlags().BoolVar(&g.hex, "hex", false, "keys and values in the arguments, flags and input are hexadecimal")
	root.AddCommand(
		newLoadCommand(g), newExportCommand(g), newImportCommand(g), newGetCommand(g), newPutCommand(g), newDeleteCommand(g),
		newScanCommand(g), newCountCommand(g), newChecksumCommand(g), newStatsCommand(g), newCompactCommand(g),
		newCheckpointCommand(g), newBackupCommand(g), newInspectCommand(g), newDoctorCommand(), newRepairCommand(), newTopCommand(), newDemoCommand(g),
		newServeCommand(), newProbeCommand(),
	)
	return root, started
}

func printVersion(cmd *cobra.Command) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "rockbridge %s, RocksDB %s\n", moduleVersion(), engine.Version())
	return err
}

// moduleVersion is what the Go tool recorded: a tag when it was installed by
// version, otherwise "(devel)".
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
