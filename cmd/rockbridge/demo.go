package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// leastRounds is the fewest rounds whose median says something.
const leastRounds = 7

func newDemoCommand(g *globals) *cobra.Command {
	var data, keep string
	var rounds int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Load real rows and show what a scan costs, done four ways",
		Long: `Load real rows (testdata/cities.tsv.zst, looked for in this folder, the folders
above it and those above the program, or the file that --data names) into a
temporary database, scan all of them in each of these ways, and print what a row
cost: one call of the library per step with copies; Next, served from chunks,
with copies; NextChunk, without copies; and a count pushed down into C.

The ways take turns in every round. Times are medians with the range seen; speed
is the median of the rounds' ratios to the first way. The calls from Go into C
and the allocations on the Go heap are counted.`,
		Example: `  rockbridge demo
  rockbridge demo --data rows.csv --rounds 21
  rockbridge demo --keep cities.db && rockbridge scan cities.db --prefix FR/84/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rounds < leastRounds {
				return usagef("--rounds %d: at least %d are needed for a median", rounds, leastRounds)
			}
			if data == "" {
				var err error
				if data, err = findData(); err != nil {
					return err
				}
			}
			dir, remove, err := demoDir(keep)
			if err != nil {
				return err
			}
			err = g.openWith(dir, &engine.Options{ErrorIfExists: true}, orCreateFamily, func(t target) error {
				return demo(cmd.Context(), t, data, rounds, cmd.OutOrStdout())
			})
			return errors.Join(err, remove())
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "file of rows to load, as load takes it")
	cmd.Flags().IntVar(&rounds, "rounds", 9, "rounds to measure")
	cmd.Flags().StringVar(&keep, "keep", "", "make the database in this new directory and leave it there")
	return cmd
}

// demoDir gives the directory of the database and what removes it afterwards.
func demoDir(keep string) (dir string, remove func() error, err error) {
	if keep != "" {
		return keep, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "rockbridge-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// demo loads the file data and measures scans of what it loaded.
func demo(ctx context.Context, t target, data string, rounds int, out io.Writer) error {
	input := inputChoice{}
	if err := input.check(data); err != nil {
		return err
	}
	start := time.Now()
	bar, done := newProgress(os.Stderr, "load", sizeOf([]string{data}))
	l := &loader{
		target: t, input: input, batchBytes: 1 << 20, progress: bar, write: &engine.WriteOptions{},
	}
	err := l.load(ctx, []string{data})
	done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s loaded in %s\n", data, countOfRows(l.rows), time.Since(start).Round(time.Millisecond))
	// Scans then read one sorted set of files, whatever the load left behind.
	if err := t.family.Flush(); err != nil {
		return err
	}
	if err := t.family.Compact(ctx, nil, nil); err != nil {
		return err
	}
	steps, err := openSteps(t.db.Path(), t.family.Name())
	if err != nil {
		return err
	}
	defer steps.close()
	m, err := measure(ctx, t, scanWays(steps), rounds)
	if err != nil {
		return err
	}
	return m.print(out)
}
