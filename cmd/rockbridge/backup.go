package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

func newBackupCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Make, list, verify, restore and purge backups",
		Long: `Keep backups of a database in a folder of their own, on another disk at best.
Table files that several backups have are there once, so that each backup copies
what is new only. A backup holds every family. The folder is in RocksDB's format,
which its other programs read too.`,
		Example: `  rockbridge backup create cities.db /backup/cities
  rockbridge backup list /backup/cities
  rockbridge backup verify /backup/cities
  rockbridge backup restore /backup/cities restored.db
  rockbridge backup purge /backup/cities --keep 7`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("a command is missing: create, list, verify, restore or purge")
		},
	}
	cmd.AddCommand(newBackupCreateCommand(g), newBackupListCommand(), newBackupVerifyCommand(), newBackupRestoreCommand(), newBackupPurgeCommand())
	return cmd
}

// inBackups runs f on the existing folder of backups.
func inBackups(folder string, o engine.BackupsOptions, f func(*engine.Backups) error) (err error) {
	o.ErrorIfMissing = true
	b, err := engine.OpenBackups(folder, &o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return f(b)
}

// barOf is a function for Progress, which fills the bar.
func barOf(bar io.Writer) func(int64) {
	last := int64(0)
	return func(n int64) {
		if more := n - last; more > 0 {
			last = n
			_, _ = bar.Write(make([]byte, more)) // a bar that cannot be drawn harms nothing
		}
	}
}

func newBackupCreateCommand(g *globals) *cobra.Command {
	var o engine.BackupOptions
	var folder engine.BackupsOptions
	cmd := &cobra.Command{
		Use:   "create DIR FOLDER",
		Short: "Add a backup of a database to a folder",
		Long: `Add a backup of the database in DIR to FOLDER, which is made if it is missing.
What was written before, flushed or not, is in it.`,
		Example: `  rockbridge backup create cities.db /backup/cities --rate 20000000`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(args[0], func(t target) (err error) {
				b, err := engine.OpenBackups(args[1], &folder)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, b.Close()) }()
				bar, done := newProgress(os.Stderr, "copied", -1)
				o.Progress = barOf(bar)
				made, err := b.Create(cmd.Context(), t.db, &o)
				done()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "backup %d: %d files, %d bytes\n", made.ID, made.Files, made.Size)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&o.Flush, "flush", false, "write what is in memory to table files first")
	cmd.Flags().Int64Var(&folder.CreateRate, "rate", 0, "bytes a second to copy at most; 0: no limit")
	return cmd
}

func newBackupListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list FOLDER",
		Short:   "List the backups of a folder",
		Example: `  rockbridge backup list /backup/cities`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return inBackups(args[0], engine.BackupsOptions{}, func(b *engine.Backups) error {
				all, err := b.List(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTIME\tFILES\tBYTES\tSTATE")
				for _, one := range all {
					state := "complete"
					if one.Damaged != nil {
						state = "damaged: " + errorMessage(one.Damaged)
					}
					fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%s\n", one.ID, one.Time.UTC().Format(time.RFC3339), one.Files, one.Size, state)
				}
				return w.Flush()
			})
		},
	}
}

// backupID reads the number of a backup.
func backupID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil || id == 0 {
		return 0, usagef("%q is not the number of a backup", text)
	}
	return uint32(id), nil
}

func newBackupVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FOLDER [ID]",
		Short: "Read backups and compare their checksums",
		Long: `Read all files of a backup, or of all of them, and compare their checksums with
those of their making. Exit code 1 if one is damaged.`,
		Example: `  rockbridge backup verify /backup/cities
  rockbridge backup verify /backup/cities 12`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			only := uint32(0)
			if len(args) == 2 {
				var err error
				if only, err = backupID(args[1]); err != nil {
					return err
				}
			}
			return inBackups(args[0], engine.BackupsOptions{}, func(b *engine.Backups) error {
				return verifyBackups(cmd, b, only)
			})
		},
	}
}

// verifyBackups verifies one backup, or all, and says so of each that is good.
func verifyBackups(cmd *cobra.Command, b *engine.Backups, only uint32) error {
	all, err := b.List(cmd.Context())
	if err != nil {
		return err
	}
	var bad error
	found := false
	for _, one := range all {
		if only != 0 && one.ID != only {
			continue
		}
		found = true
		bar, done := newProgress(os.Stderr, "backup "+strconv.FormatUint(uint64(one.ID), 10), one.Size)
		err := b.Verify(cmd.Context(), one.ID, &engine.VerifyOptions{Progress: barOf(bar)})
		done()
		if err == nil {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "backup %d is good\n", one.ID)
		}
		bad = cmp.Or(bad, err)
	}
	if only != 0 && !found {
		return fmt.Errorf("there is no backup %d", only)
	}
	return bad
}

func newBackupRestoreCommand() *cobra.Command {
	var o engine.RestoreOptions
	var folder engine.BackupsOptions
	id := "newest"
	cmd := &cobra.Command{
		Use:   "restore FOLDER DEST",
		Short: "Make a database of a backup",
		Long: `Copy a backup, the newest one if --id names no other, to the folder DEST, which
must be empty or not there. Checksums are compared; a restore that fails leaves
nothing behind.`,
		Example: `  rockbridge backup restore /backup/cities restored.db
  rockbridge backup restore /backup/cities restored.db --id 12`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			number := uint32(0)
			if id != "newest" {
				var err error
				if number, err = backupID(id); err != nil {
					return err
				}
			}
			return inBackups(args[0], folder, func(b *engine.Backups) error {
				bar, done := newProgress(os.Stderr, "restored", -1)
				defer done()
				o.Progress = barOf(bar)
				return b.Restore(cmd.Context(), number, args[1], &o)
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", id, "number of the backup")
	cmd.Flags().StringVar(&o.WALDir, "wal-dir", "", "folder for the write-ahead logs, if not DEST")
	cmd.Flags().Int64Var(&folder.RestoreRate, "rate", 0, "bytes a second to copy at most; 0: no limit")
	return cmd
}

func newBackupPurgeCommand() *cobra.Command {
	keep := 0
	cmd := &cobra.Command{
		Use:     "purge FOLDER --keep N",
		Short:   "Delete all backups but the newest",
		Example: `  rockbridge backup purge /backup/cities --keep 7`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("keep") || keep < 0 {
				return usagef("--keep says how many backups to keep")
			}
			return inBackups(args[0], engine.BackupsOptions{}, func(b *engine.Backups) error {
				return b.Purge(cmd.Context(), keep)
			})
		},
	}
	cmd.Flags().IntVar(&keep, "keep", 0, "how many backups to keep")
	return cmd
}
