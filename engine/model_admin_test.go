package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
)

// modelFamilyOptions are random; none changes what a family holds. The default family adds with
// RocksDB's own operator, the others with ours, which gives the same bytes.
func (m *model) familyOptions(family string, adds bool) engine.FamilyOptions {
	o := engine.FamilyOptions{}
	switch {
	case adds && family == "default":
		o.MergeOperator = engine.Uint64Add
	case adds:
		o.MergeOperator = engine.Int64Add
	}
	switch m.rnd.IntN(4) {
	case 0:
		o.WriteBufferSize = 64 << 10 // files of their own come into being
	case 1:
		o.WriteBufferSize, o.Compression = 256<<10, engine.NoCompression
	}
	switch m.rnd.IntN(4) {
	case 0:
		o.BlockSize = 512
	case 1:
		o.BloomBitsPerKey = 10
	}
	if m.rnd.IntN(4) == 0 {
		o.Extra = "level0_file_num_compaction_trigger=2;max_bytes_for_level_base=100000;target_file_size_base=50000"
	}
	return o
}

// options lists some of the families, and others not: these keep the options they have.
func (m *model) options() *engine.Options {
	o := &engine.Options{Families: map[string]engine.FamilyOptions{}}
	for _, f := range m.families {
		adds := f.adds && m.rnd.IntN(2) == 0 // not named: taken over from the database
		switch {
		case f.name == "default":
			o.FamilyOptions = m.familyOptions(f.name, adds)
		case m.rnd.IntN(2) == 0:
			o.Families[f.name] = m.familyOptions(f.name, adds)
		}
	}
	o.BlockCacheSize = []int64{0, -1, 50_000}[m.rnd.IntN(3)]
	extra := []string{"", "max_open_files=20", "disable_auto_compactions=true", "max_background_jobs=4;avoid_flush_during_recovery=true"}
	if o.Extra = extra[m.rnd.IntN(len(extra))]; o.FamilyOptions.Extra != "" {
		o.FamilyOptions.Extra = ""
	}
	return o
}

// open makes the database.
func (m *model) open() (err error) {
	m.families = []*modelFamily{{name: "default", adds: true, rows: modelRows{}}}
	o := m.options()
	o.MergeOperator = engine.Uint64Add
	if m.db, err = engine.Open(m.dir, o); err != nil {
		return err
	}
	return m.adopt()
}

// adopt takes the families of a newly opened database over.
func (m *model) adopt() error {
	if all := m.db.ColumnFamilies(); len(all) != len(m.families) {
		return differ("families", len(all), len(m.families))
	}
	for _, f := range m.families {
		c, err := m.db.ColumnFamily(f.name)
		if err != nil {
			return err
		}
		f.c = c
	}
	m.gone = nil
	return nil
}

// close closes the database and looks whether it counts what was left open.
func (m *model) close() error {
	if m.db == nil {
		return nil
	}
	for m.rnd.IntN(3) > 0 && len(m.iters)+len(m.snaps)+len(m.indexed) > 0 {
		if err := errors.Join(m.closeIterator(), m.closeSnapshot(), m.closeIndexed()); err != nil {
			return err
		}
	}
	err := m.db.Close()
	var leak *engine.LeakError
	if !errors.As(err, &leak) {
		leak = &engine.LeakError{}
	}
	left := len(m.iters) + len(m.snaps) + len(m.indexed)
	if leak.Iterators != len(m.iters) || leak.Snapshots != len(m.snaps) || leak.Batches != len(m.indexed) || (err == nil) != (left == 0) {
		return differ("Close", err, fmt.Sprintf("%d iterators, %d snapshots and %d batches", len(m.iters), len(m.snaps), len(m.indexed)))
	}
	for _, x := range m.iters {
		if x.it.Next() || x.it.Error() != engine.ErrClosed || (x.on && string(x.it.Key()) != x.rows[x.i].key) {
			return differ("an iterator of a closed database", x.it.Error(), engine.ErrClosed)
		}
		if err := x.checkKept(); err != nil {
			return err
		}
	}
	for _, s := range m.snaps {
		if _, err := s.s.Get(nil, nil); err != engine.ErrClosed {
			return differ("a snapshot of a closed database", err, engine.ErrClosed)
		}
	}
	for _, x := range m.indexed {
		if _, err := x.b.Get(nil, nil); err != engine.ErrClosed || x.b.Commit(nil) != engine.ErrClosed {
			return differ("an indexed batch of a closed database", err, engine.ErrClosed)
		}
	}
	m.iters, m.snaps, m.indexed, m.db = nil, nil, nil, nil
	return nil
}

func (m *model) reopen() (err error) {
	if err := m.close(); err != nil {
		return err
	}
	o := m.options()
	m.note("  with %+v", *o)
	if m.db, err = engine.Open(m.dir, o); err != nil {
		return err
	}
	if err := m.adopt(); err != nil {
		return err
	}
	return m.compareAll()
}

// reopenReadOnly looks at the rows through a database that cannot be written to.
func (m *model) reopenReadOnly() (err error) {
	if err := m.close(); err != nil {
		return err
	}
	if m.db, err = engine.Open(m.dir, &engine.Options{ReadOnly: true}); err != nil {
		return err
	}
	if err := errors.Join(m.adopt(), m.compareAll()); err != nil {
		return err
	}
	f := m.family()
	b := m.db.NewBatch()
	b.In(f.c).Delete(m.plainKey())
	for _, err := range []error{f.c.Put(m.plainKey(), m.value(), nil), m.db.Write(b, nil)} {
		if !errors.Is(err, engine.ErrReadOnly) {
			return differ("a write to a read-only database", err, engine.ErrReadOnly)
		}
	}
	return m.reopen()
}

func (m *model) createFamily() error {
	if len(m.families) >= 6 {
		return nil
	}
	m.made++
	f := &modelFamily{name: fmt.Sprintf("family %d", m.made%8), adds: m.rnd.IntN(2) == 0, rows: modelRows{}}
	o := m.familyOptions(f.name, f.adds)
	c, err := m.db.CreateColumnFamily(f.name, &o)
	if slices.ContainsFunc(m.families, func(g *modelFamily) bool { return g.name == f.name }) {
		if !errors.Is(err, engine.ErrInvalidArgument) {
			return differ("a family that exists", err, engine.ErrInvalidArgument)
		}
		return nil
	}
	if err == nil {
		f.c = c
		m.families = append(m.families, f)
	}
	return err
}

func (m *model) dropFamily() error {
	if len(m.families) == 1 {
		return nil
	}
	i := 1 + m.rnd.IntN(len(m.families)-1)
	f := m.families[i]
	m.note("  %s", f.name)
	m.families = slices.Delete(m.families, i, i+1)
	m.gone = append(m.gone, f.c)
	return m.db.DropColumnFamily(f.c)
}

// setOptions changes how a family stores its rows, not which; at times one setting is refused, and
// then all are.
func (m *model) setOptions() error {
	c := m.family().c
	all := []string{
		"write_buffer_size=65536", "write_buffer_size=1M", "disable_auto_compactions=true", "disable_auto_compactions=false",
		"target_file_size_base=20000", "max_bytes_for_level_base=60000", "compression=kNoCompression",
		"max_sequential_skip_in_iterations=1", "enable_blob_files=true", "enable_blob_files=false", "min_blob_size=100",
		"memtable_whole_key_filtering=true", "memtable_prefix_bloom_size_ratio=0.1", "max_successive_merges=3",
		"level0_file_num_compaction_trigger=2", "prefix_extractor=fixed:1", "prefix_extractor=nullptr",
	}
	o := map[string]string{}
	for range 1 + m.rnd.IntN(4) {
		name, value, _ := strings.Cut(all[m.rnd.IntN(len(all))], "=")
		o[name] = value
	}
	refused := m.rnd.IntN(4) == 0
	if refused {
		o["num_levels"] = "3"
	}
	m.note("  %s: %v", c.Name(), o)
	before, err := c.Options()
	if err != nil {
		return err
	}
	err = c.SetOptions(o)
	if err != nil && strings.Contains(err.Error(), "memtables would ask") { // TestTheExtractorOfAMemtableIsNotFreed
		refused = true
	}
	if refused != errors.Is(err, engine.ErrInvalidArgument) || (err != nil) != refused {
		return differ("SetOptions", err, refused)
	}
	after, err := c.Options()
	if err == nil && refused && !maps.Equal(before, after) {
		return differ("options after a refusal", after, before)
	}
	return err
}

func (m *model) flush() error {
	if m.rnd.IntN(2) == 0 {
		return m.family().c.Flush()
	}
	return m.db.Flush()
}

func (m *model) compact() error {
	start, end := m.bound(), m.bound()
	if m.rnd.IntN(3) == 0 {
		return compactToALevel(m.family().c, start, end, m.rnd.IntN(7), engine.Bottommost(m.rnd.IntN(4)))
	}
	if m.rnd.IntN(2) == 0 {
		return m.family().c.Compact(context.Background(), start, end)
	}
	return m.db.Compact(context.Background(), start, end)
}

// checkpoint compares a copy of the database.
func (m *model) checkpoint() (err error) {
	dir := m.dir + " checkpoint"
	defer os.RemoveAll(dir)
	if err := m.db.Checkpoint(context.Background(), dir); err != nil {
		return err
	}
	copied, err := engine.Open(dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	if n := len(copied.ColumnFamilies()); n != len(m.families) {
		return differ("families of the checkpoint", n, len(m.families))
	}
	for _, f := range m.families {
		c, err := copied.ColumnFamily(f.name)
		if err == nil {
			err = compareFamily(c, f.name+" of the checkpoint", f.rows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
