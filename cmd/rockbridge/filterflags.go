package main

import (
	"github.com/spf13/cobra"

	"github.com/rockbridge-db/rockbridge/engine"
)

// filterFlags choose among the rows of a range by what is in them.
type filterFlags struct {
	values [len(filterTests)]string
}

// filterTests are the flags, and the test that each stands for.
var filterTests = [...]struct {
	name, usage string
	test        func([]byte) *engine.Predicate
}{
	{"key-contains", "only rows whose key has this in it", engine.RowKey.Contains},
	{"key-suffix", "only rows whose key ends with this", engine.RowKey.HasSuffix},
	{"value-contains", "only rows whose value has this in it", engine.RowValue.Contains},
	{"value-prefix", "only rows whose value begins with this", engine.RowValue.HasPrefix},
	{"value-not-contains", "only rows whose value does not have this in it", func(b []byte) *engine.Predicate {
		return engine.Not(engine.RowValue.Contains(b))
	}},
}

func (f *filterFlags) register(cmd *cobra.Command) {
	for i, t := range filterTests {
		cmd.Flags().StringVar(&f.values[i], t.name, "", t.usage)
	}
}

// filter is what all flags that were given ask for together; nil if none was.
func (f *filterFlags) filter(cmd *cobra.Command, g *globals) (*engine.Predicate, error) {
	var tests []*engine.Predicate
	for i, t := range filterTests {
		if flag := cmd.Flags().Lookup(t.name); flag == nil || !flag.Changed {
			continue
		}
		b, err := g.bytesOf("--"+t.name, f.values[i])
		if err != nil {
			return nil, err
		}
		tests = append(tests, t.test(b))
	}
	if tests == nil {
		return nil, nil
	}
	return engine.And(tests...), nil
}
