package main

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

// errUnwell is what doctor returns when something is wrong: it sets the exit code, and the report has
// said the rest.
var errUnwell = errors.New("something is wrong")

func newDoctorCommand() *cobra.Command {
	var asJSON, verify bool
	cmd := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Check the library, the limits, the disk and a database",
		Long: `Check what a program with a RocksDB database needs, and say what to do about
what is missing: the linked library (version, assertions, codecs, allocator), the
limits of the system (open files, threads, memory, processors) and, with DIR, the
file system and the database there. Nothing is changed; another process may have
the database open.

Each check is a line with a mark. ok needs nothing; note is worth knowing, or
slow; wrong fails now or will. The exit code is 0 if nothing is wrong, 1 if
something is, or if the check was interrupted, and 2 after a mistake in the
command line. Limits are those of this process: run it as the user and in the
container or service that the program runs in.

--verify reads every row of every family, blobs included, and so the checksums of
all blocks of data, and the records of the write-ahead logs. That takes as long as
reading all the files.`,
		Example: `  rockbridge doctor
  rockbridge doctor cities.db
  rockbridge doctor cities.db --verify
  rockbridge doctor cities.db --json | jq '.checks[] | select(.mark == "wrong")'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify && len(args) == 0 {
				return usagef("--verify needs DIR")
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			d := &diagnosis{}
			checkLibrary(d)
			system := lookAtMachine(kernel{"/"})
			if len(args) == 0 {
				checkMachine(d, system, typicalNeeds())
			} else {
				d.Dir = args[0]
				checkAll(cmd.Context(), d, system, self, verify)
			}
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(d)
			} else {
				err = d.print(cmd.OutOrStdout())
			}
			if err == nil && d.Wrong > 0 {
				err = errUnwell
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&verify, "verify", false, "read all rows and logs, and so their checksums")
	return cmd
}
