package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// compacted flushes and rewrites all files of a family.
func compacted(t *testing.T, c *engine.ColumnFamily) {
	t.Helper()
	if err := errors.Join(c.Flush(), c.Compact(t.Context(), nil, nil)); err != nil {
		t.Fatal(err)
	}
}

// filtered opens a database whose family "f" has a filter. Compactions run on demand only.
func filtered(t *testing.T, o engine.FamilyOptions) (*engine.DB, *engine.ColumnFamily) {
	t.Helper()
	o.Extra = "disable_auto_compactions=true"
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": o}})
	c, err := db.ColumnFamily("f")
	if err != nil {
		t.Fatal(err)
	}
	return db, c
}

func putAll(t *testing.T, c *engine.ColumnFamily, rows map[string]string) {
	t.Helper()
	for k, v := range rows {
		if err := c.Put([]byte(k), []byte(v), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// keep gives the rows of some keys.
func keep(rows map[string]string, keys ...string) map[string]string {
	kept := map[string]string{}
	for _, k := range keys {
		kept[k] = rows[k]
	}
	return kept
}

func TestWhatHasExpiredGoesWithACompaction(t *testing.T) {
	_, c := filtered(t, engine.FamilyOptions{CompactionFilter: engine.TTLFilter})
	hour := func(n time.Duration) string { return string(engine.WithTTL([]byte("v"), time.Now().Add(n*time.Hour))) }
	rows := map[string]string{
		"past": hour(-1), "future": hour(1), "never": string(engine.WithTTL(nil, time.Time{})), "short": "\x01\x00\x00", "empty": "",
		"twice": hour(1),
	}
	putAll(t, c, rows)
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	rows["twice"] = hour(-1) // the newest version decides, and hides those before it
	putAll(t, c, map[string]string{"twice": rows["twice"]})
	expectRows(t, "before", c, rows)
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	expectRows(t, "after the flush", c, rows)
	compacted(t, c)
	expectRows(t, "after the compaction", c, keep(rows, "future", "never", "short", "empty"))
}

func TestKeysWithADroppedPrefixGoWithACompaction(t *testing.T) {
	_, c := filtered(t, engine.FamilyOptions{CompactionFilter: engine.PrefixDrop([]byte("tmp/"), []byte{0xff})})
	rows := map[string]string{"tmp": "", "tmp/": "", "tmp/a": "x", "tmq": "", "\xff": "", "\xff\xff": "", "\xfe": "", "a": "", "": ""}
	putAll(t, c, rows)
	expectRows(t, "before", c, rows)
	compacted(t, c)
	expectRows(t, "after", c, keep(rows, "tmp", "tmq", "\xfe", "a", ""))
}

// RocksDB asks a filter about the newest version of a key, whatever snapshots there are; older versions
// that a snapshot shows stay.
func TestAFilterHeedsNoSnapshot(t *testing.T) {
	db, c := filtered(t, engine.FamilyOptions{CompactionFilter: engine.PrefixDrop([]byte("tmp/"))})
	putAll(t, c, map[string]string{"tmp/a": "1", "tmp/b": "1", "k": "1"})
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	putAll(t, c, map[string]string{"tmp/b": "2"})
	compacted(t, c)
	expectRows(t, "newest", c, map[string]string{"k": "1"})
	expectRows(t, "snapshot", s.In(c), map[string]string{"k": "1", "tmp/b": "1"})
}

// A filter is not asked about operands: they go once a compaction has made a value of them, by the
// next one.
func TestAFilterLeavesOperandsUntilTheyAreAValue(t *testing.T) {
	_, c := filtered(t, engine.FamilyOptions{
		MergeOperator: engine.AppendDelimited(","), CompactionFilter: engine.PrefixDrop([]byte("tmp/")),
	})
	merge := func(operand string) {
		t.Helper()
		for _, key := range []string{"tmp/a", "k"} {
			if err := c.Merge([]byte(key), []byte(operand), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	merge("1")
	merge("2")
	expectRows(t, "merged", c, map[string]string{"k": "1,2", "tmp/a": "1,2"})
	compacted(t, c)
	merge("3")
	for range 3 {
		compacted(t, c)
		putAll(t, c, map[string]string{"other": ""}) // or the next compaction would find nothing to do
	}
	compacted(t, c)
	expectRows(t, "dropped", c, map[string]string{"k": "1,2,3", "other": ""})
	merge("4")
	expectRows(t, "begun again", c, map[string]string{"k": "1,2,3,4", "other": "", "tmp/a": "4"})
}

func TestAFilterMayBeChangedAndRemoved(t *testing.T) {
	first, second := engine.PrefixDrop([]byte("a")), engine.PrefixDrop([]byte("b"))
	options := func(filter string) *engine.Options {
		return &engine.Options{Families: map[string]engine.FamilyOptions{"f": {CompactionFilter: filter}}}
	}
	dir := created(t, options(first))
	for _, step := range []struct{ asked, want string }{
		{"", first}, {second, second}, {engine.NoFilter, "nullptr"}, {"", "nullptr"}, {engine.TTLFilter, engine.TTLFilter}, {"", engine.TTLFilter},
	} {
		db := openDir(t, dir, options(step.asked))
		expectWritten(t, dir, "f", map[string]string{"compaction_filter_factory": step.want})
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	// One that is taken over works.
	db := openDir(t, dir, nil)
	defer db.Close()
	c, err := db.ColumnFamily("f")
	if err != nil {
		t.Fatal(err)
	}
	putAll(t, c, map[string]string{"k": string(engine.WithTTL(nil, time.Unix(1, 0)))})
	compacted(t, c)
	expectRows(t, "taken over", c, map[string]string{})
}
