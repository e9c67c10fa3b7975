package main

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// inspectFlags choose what inspect shows, and how.
type inspectFlags struct {
	json    bool
	keys    string
	sort    string
	level   int
	limit   int
	summary bool
}

func newInspectCommand(g *globals) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show levels and files: sizes, key ranges, tombstones",
		Long: `Show what the files of a database hold: for each family (or the one that
--family names) its levels, and each table file with its size, records, key
range, sequence numbers and compression. Density is the share of records that
delete: a high one slows scans down, and a compaction removes it.

The database is opened for reading, and another process may have it open: what
it has not written to files yet is not shown.`,
		Example: `  rockbridge inspect cities.db
  rockbridge inspect cities.db --summary --keys hex
  rockbridge inspect cities.db --sort tombstones --limit 10
  rockbridge inspect cities.db --level 0 --json | jq .files[].name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return g.read(args[0], func(t target) error {
				only := ""
				if cmd.Flags().Changed("family") {
					only = t.family.Name()
				}
				view, err := inspect(t.db, only)
				if err != nil {
					return err
				}
				f.apply(view)
				if f.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(view)
				}
				return view.print(cmd.OutOrStdout(), f.keys)
			})
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, with whole keys")
	cmd.Flags().StringVar(&f.keys, "keys", "text", "show keys as text, with escapes, or in hex")
	cmd.Flags().StringVar(&f.sort, "sort", "level", "order of the files: level, name, size, entries, tombstones")
	cmd.Flags().IntVar(&f.level, "level", -1, "show the files of this level only")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "show at most so many files; 0: all")
	cmd.Flags().BoolVar(&f.summary, "summary", false, "show levels only, no files")
	fixed := func(values []string) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("keys", fixed(keyForms))
	_ = cmd.RegisterFlagCompletionFunc("sort", fixed(fileOrderNames))
	return cmd
}

// fileOrders are the values of --sort. The largest come first where that is a size.
var fileOrders = map[string]func(a, b *fileView) int{
	"level":      nil, // as RocksDB searches them
	"name":       func(a, b *fileView) int { return strings.Compare(a.Name, b.Name) },
	"size":       func(a, b *fileView) int { return cmp.Compare(b.Bytes, a.Bytes) },
	"entries":    func(a, b *fileView) int { return cmp.Compare(b.Entries, a.Entries) },
	"tombstones": func(a, b *fileView) int { return cmp.Compare(b.Tombstones, a.Tombstones) },
}

var fileOrderNames = []string{"level", "name", "size", "entries", "tombstones"}

func (f *inspectFlags) check() error {
	if _, ok := fileOrders[f.sort]; !ok {
		return usagef("--sort %q: not one of %s", f.sort, strings.Join(fileOrderNames, ", "))
	}
	if f.limit < 0 {
		return usagef("--limit %d is negative", f.limit)
	}
	return checkKeyForm(f.keys)
}

// apply sorts the files, and drops those that are not to be shown.
func (f *inspectFlags) apply(view *inspection) {
	if f.summary {
		view.Files = nil
	}
	if f.level >= 0 {
		view.Files = slices.DeleteFunc(view.Files, func(v *fileView) bool { return v.Level != f.level })
	}
	if order := fileOrders[f.sort]; order != nil {
		slices.SortStableFunc(view.Files, order)
	}
	if f.limit > 0 && len(view.Files) > f.limit {
		view.Hidden = len(view.Files) - f.limit
		view.Files = view.Files[:f.limit]
	}
}
