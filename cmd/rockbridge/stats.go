package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// databaseStats is what stats prints.
type databaseStats struct {
	Dir      string        `json:"dir"`
	RocksDB  string        `json:"rocksdb"`
	Sequence uint64        `json:"sequence"`
	Families []familyStats `json:"families"`
}

// familyStats holds the properties of one family; Rows is RocksDB's estimate.
type familyStats struct {
	Name          string `json:"name"`
	Rows          string `json:"estimated_rows"`
	DataBytes     string `json:"live_data_bytes"`
	FileBytes     string `json:"file_bytes"`
	MemtableBytes string `json:"memtable_bytes"`
	FilesLevel0   string `json:"files_level0"`
}

func newStatsCommand(g *globals) *cobra.Command {
	var asJSON bool
	var property string
	cmd := &cobra.Command{
		Use:   "stats DIR",
		Short: "Print sizes, row estimates and properties",
		Long: `Print the version of RocksDB, the sequence number of the last write, and for
each family (or the one that --family names) an estimate of its rows and its
sizes in bytes. --property prints one property of RocksDB for the family as it
is, for example rocksdb.stats or rocksdb.levelstats.`,
		Example: `  rockbridge stats cities.db
  rockbridge stats cities.db --json | jq .families[0].estimated_rows
  rockbridge stats cities.db --property rocksdb.levelstats`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.read(args[0], func(t target) error {
				out := cmd.OutOrStdout()
				if property != "" {
					return printProperty(out, t.family, property)
				}
				families := t.db.ColumnFamilies()
				if cmd.Flags().Changed("family") {
					families = []*engine.ColumnFamily{t.family}
				}
				stats, err := collectStats(t.db, families)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(out).Encode(stats)
				}
				return printStats(out, stats)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&property, "property", "", "print this property of RocksDB instead")
	return cmd
}

func printProperty(out io.Writer, family *engine.ColumnFamily, name string) error {
	value, err := family.Property(name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, value)
	return err
}

func collectStats(db *engine.DB, families []*engine.ColumnFamily) (*databaseStats, error) {
	stats := &databaseStats{Dir: db.Path(), RocksDB: engine.Version(), Sequence: db.LatestSequence()}
	var err error
	for _, family := range families {
		one := familyStats{Name: family.Name()}
		for _, p := range []struct {
			name string
			into *string
		}{
			{"rocksdb.estimate-num-keys", &one.Rows},
			{"rocksdb.estimate-live-data-size", &one.DataBytes},
			{"rocksdb.total-sst-files-size", &one.FileBytes},
			{"rocksdb.cur-size-all-mem-tables", &one.MemtableBytes},
			{"rocksdb.num-files-at-level0", &one.FilesLevel0},
		} {
			if *p.into, err = family.Property(p.name); err != nil {
				return nil, err
			}
		}
		stats.Families = append(stats.Families, one)
	}
	return stats, nil
}

func printStats(out io.Writer, stats *databaseStats) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "database\t%s\n", stats.Dir)
	fmt.Fprintf(w, "RocksDB\t%s\n", stats.RocksDB)
	fmt.Fprintf(w, "sequence\t%d\n\n", stats.Sequence)
	fmt.Fprintln(w, "family\trows (estimate)\tlive data\tfiles\tmemtables\tfiles in level 0")
	for _, f := range stats.Families {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n",
			f.Name, f.Rows, f.DataBytes, f.FileBytes, f.MemtableBytes, f.FilesLevel0)
	}
	return w.Flush() // tells the first error of the writes above
}
