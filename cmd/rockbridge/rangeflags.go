package main

import (
	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// rangeFlags choose the rows of a scan, a count or a compaction.
type rangeFlags struct {
	from, to, prefix string
	filters          filterFlags
}

func (r *rangeFlags) registerBounds(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.from, "from", "", "first key of the range (default: the first there is)")
	cmd.Flags().StringVar(&r.to, "to", "", "key that ends the range and is not part of it (default: no end)")
}

func (r *rangeFlags) register(cmd *cobra.Command) {
	r.registerBounds(cmd)
	cmd.Flags().StringVar(&r.prefix, "prefix", "", "only keys that begin with this")
	r.filters.register(cmd)
}

// iterOptions gives the range as the engine takes it. A flag that was not given
// leaves its side open; --to ” is given, and so an empty range.
func (r *rangeFlags) iterOptions(cmd *cobra.Command, g *globals) (*engine.IterOptions, error) {
	o := &engine.IterOptions{Context: cmd.Context()}
	for _, f := range []struct {
		name, value string
		into        *[]byte
	}{
		{"from", r.from, &o.LowerBound},
		{"to", r.to, &o.UpperBound},
		{"prefix", r.prefix, &o.Prefix},
	} {
		if flag := cmd.Flags().Lookup(f.name); flag == nil || !flag.Changed {
			continue
		}
		b, err := g.bytesOf("--"+f.name, f.value)
		if err != nil {
			return nil, err
		}
		*f.into = b
	}
	var err error
	o.Filter, err = r.filters.filter(cmd, g)
	return o, err
}
