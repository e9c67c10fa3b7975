package engine_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// optionsOf are the options in force, as the OPTIONS file has them.
func optionsOf(t *testing.T, c *engine.ColumnFamily) map[string]string {
	t.Helper()
	o, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newFamily(t *testing.T, db *engine.DB, name string) *engine.ColumnFamily {
	t.Helper()
	c, err := db.CreateColumnFamily(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is set is in force at once: without compactions files pile up, with them they do not.
func TestOptionsSetAtRunTimeAreInForce(t *testing.T) {
	db := openTemp(t, nil)
	c := newFamily(t, db, "f")
	files := func() string {
		n, err := c.Property("rocksdb.num-files-at-level0")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.SetOptions(map[string]string{"disable_auto_compactions": "true", "level0_file_num_compaction_trigger": "2"}))
	for range 5 {
		must(errors.Join(c.Put([]byte("k"), nil, nil), c.Flush()))
	}
	if n := files(); n != "5" {
		t.Fatalf("%s files without compactions, want 5", n)
	}
	o := optionsOf(t, c)
	if o["disable_auto_compactions"] != "true" || o["level0_file_num_compaction_trigger"] != "2" {
		t.Errorf("in force are %v", o)
	}
	if def := optionsOf(t, db.ColumnFamilies()[0]); def["disable_auto_compactions"] != "false" {
		t.Errorf("the default family has another's options: %v", def)
	}
	must(c.SetOptions(map[string]string{"disable_auto_compactions": "false"}))
	for begin := time.Now(); files() == "5"; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("no compaction came")
		}
	}
}

// settingsRefused are options that cannot be set at run time, or not to these values.
var settingsRefused = map[string]map[string]string{
	"nothing":              {},
	"unknown":              {"no_such_thing": "1"},
	"empty name":           {"": "1"},
	"one of the database":  {"max_background_jobs": "4"},
	"immutable":            {"num_levels": "4"},
	"in-place updates":     {"inplace_update_support": "true"},
	"comparator":           {"comparator": "leveldb.BytewiseComparator"},
	"merge operator":       {"merge_operator": "uint64add"},
	"compaction filter":    {"compaction_filter": "x"},
	"filter factory":       {"compaction_filter_factory": "x"},
	"table":                {"table_factory": "PlainTable"},
	"block-based table":    {"block_based_table_factory": "{block_size=1024}"},
	"a field of the table": {"block_based_table_factory.block_size": "1024"},
	"plain table":          {"plain_table_factory": "{}"},
	"two in a name":        {"write_buffer_size=1;x": "1"},
	"zero byte":            {"write_buffer_size\x00": "1"},
	"zero byte in value":   {"write_buffer_size": "1\x00"},
	"no number":            {"write_buffer_size": "many"},
	"no value":             {"write_buffer_size": ""},
	"number with a rest":   {"write_buffer_size": "1e9"},
	"tiny memtable":        {"write_buffer_size": "1K"},
	"huge memtable":        {"write_buffer_size": "65G"},
	"one memtable":         {"max_write_buffer_number": "1"},
	"no base":              {"max_bytes_for_level_base": "0"},
	"no multiplier":        {"max_bytes_for_level_multiplier": "0"},
	"NaN":                  {"max_bytes_for_level_multiplier": "NaN"},
	"bloom filter":         {"memtable_prefix_bloom_size_ratio": "2"},
	"no file size":         {"target_file_size_base": "0"},
	"no compaction":        {"max_compaction_bytes": "0"},
	"arena":                {"arena_block_size": "2G"},
	"arena above memtable": {"arena_block_size": "65M"},
	"memtable below arena": {"arena_block_size": "65K", "write_buffer_size": "64K"},
	"nested threads":       {"compression_opts": "{parallel_threads=100000}"},
	"field of threads":     {"compression_opts.parallel_threads": "100000"},
	"stop at no file":      {"level0_stop_writes_trigger": "0"},
	"stop before slowdown": {"level0_stop_writes_trigger": "3"},
	"slow after stop":      {"level0_slowdown_writes_trigger": "1000"},
	"compact after stop":   {"level0_file_num_compaction_trigger": "100"},
	"unknown codec":        {"compression": "kNoSuchThing"},
	"blob cutoff":          {"enable_blob_garbage_collection": "true", "blob_garbage_collection_age_cutoff": "2"},
}

// A refusal is ErrInvalidArgument and changes nothing, not even the options beside the bad one.
func TestOptionsAreSetAllOrNone(t *testing.T) {
	db := openTemp(t, nil)
	c := newFamily(t, db, "f")
	before := optionsOf(t, c)
	for name, bad := range settingsRefused {
		for _, good := range []map[string]string{nil, {
			"ttl": "1234", "disable_auto_compactions": "true", "max_sequential_skip_in_iterations": "77", "target_file_size_multiplier": "3",
		}} {
			if len(bad) == 0 && good != nil {
				continue
			}
			err := c.SetOptions(merged(good, bad))
			expectError(t, name, err, engine.ErrInvalidArgument)
			var e *engine.Error
			if errors.As(err, &e) && (e.Op != "set options" || e.Family != "f" || e.Path != db.Path()) {
				t.Errorf("%s: op %q, family %q, path %q", name, e.Op, e.Family, e.Path)
			}
		}
		if after := optionsOf(t, c); !maps.Equal(before, after) {
			t.Fatalf("%s: refused, but in force are %v, not %v", name, after, before)
		}
	}
	if err := usable(func() error { return c.Put([]byte("k"), nil, nil) }); err != nil {
		t.Error(err)
	}
	// What was refused must not come to light with the next change.
	if err := c.SetOptions(map[string]string{"ttl": "99"}); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(before)
	want["ttl"] = "99"
	if after := optionsOf(t, c); !maps.Equal(want, after) {
		t.Errorf("in force are %v, want %v", after, want)
	}
}

// Triggers may move together where one alone would be out of order.
func TestTriggersAreSetTogether(t *testing.T) {
	c := newFamily(t, openTemp(t, nil), "f")
	for _, o := range []map[string]string{
		{"level0_file_num_compaction_trigger": "100", "level0_slowdown_writes_trigger": "200", "level0_stop_writes_trigger": "300"},
		{"level0_stop_writes_trigger": "200"},
		{"level0_stop_writes_trigger": "2", "level0_slowdown_writes_trigger": "2", "level0_file_num_compaction_trigger": "1"},
	} {
		if err := c.SetOptions(o); err != nil {
			t.Errorf("%v: %v", o, err)
		}
		if now := optionsOf(t, c); now["level0_stop_writes_trigger"] != o["level0_stop_writes_trigger"] {
			t.Errorf("%v: in force are %v", o, now)
		}
	}
}

// A memtable may become smaller than the blocks that it was made of, and grow again.
func TestMemtablesChangeTheirSizeAtRunTime(t *testing.T) {
	c := newFamily(t, openTemp(t, nil), "f")
	for _, x := range []struct {
		set  map[string]string
		want string
	}{
		{map[string]string{"write_buffer_size": "64K"}, "8192"},
		{map[string]string{"write_buffer_size": "4M"}, "8192"},
		{map[string]string{"arena_block_size": "4M"}, "4194304"},
		{map[string]string{"write_buffer_size": "3M"}, "393216"},
		{map[string]string{"write_buffer_size": "64K", "arena_block_size": "64K"}, "65536"},
	} {
		if err := c.SetOptions(x.set); err != nil {
			t.Fatalf("%v: %v", x.set, err)
		}
		if now := optionsOf(t, c)["arena_block_size"]; now != x.want {
			t.Errorf("%v: blocks of %s, want %s", x.set, now, x.want)
		}
		for range 100 {
			if err := c.Put([]byte("k"), make([]byte, 4000), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// Option strings that would end the process are refused at Open too.
func TestExtraRefusesWhatEndsTheProcess(t *testing.T) {
	for _, extra := range []string{
		"arena_block_size=65M", "arena_block_size=65K;write_buffer_size=1", "write_buffer_size=1M; arena_block_size = 2M ",
		"block_based_table_factory.block_restart_interval=0", "compression_opts.parallel_threads=100000",
		"comparator.x=1", "table_factory.id=PlainTable",
	} {
		for name, o := range map[string]*engine.Options{
			"Options":       {Extra: extra},
			"FamilyOptions": {FamilyOptions: engine.FamilyOptions{Extra: extra}},
			"Families":      {Families: map[string]engine.FamilyOptions{"f": {Extra: extra}}},
		} {
			_, err := engine.Open(filepath.Join(t.TempDir(), "db"), o)
			expectError(t, name+" "+extra, err, engine.ErrInvalidArgument)
		}
	}
	typed := engine.FamilyOptions{WriteBufferSize: 1 << 20, Extra: "arena_block_size=1M"}
	db := openTemp(t, &engine.Options{FamilyOptions: typed, Families: map[string]engine.FamilyOptions{"f": typed}})
	typed.Extra = "arena_block_size=2M"
	_, err := db.CreateColumnFamily("g", &typed)
	expectError(t, "create", err, engine.ErrInvalidArgument)
}

// After a reopen the file's options hold where Options says nothing of the family.
func TestOptionsSetAtRunTimeAfterAReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	listed := engine.FamilyOptions{WriteBufferSize: 128 << 10}
	o := &engine.Options{FamilyOptions: listed, Families: map[string]engine.FamilyOptions{"listed": listed, "unlisted": listed}}
	db := openDir(t, dir, o)
	for _, c := range db.ColumnFamilies() {
		if err := c.SetOptions(map[string]string{"write_buffer_size": "256K", "ttl": "777"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	delete(o.Families, "unlisted")
	want := map[string]string{"default": "131072", "listed": "131072", "unlisted": "262144"}
	for _, readOnly := range []bool{true, false} {
		o.ReadOnly = readOnly
		db = openDir(t, dir, o)
		for _, c := range db.ColumnFamilies() {
			now := optionsOf(t, c)
			if readOnly {
				want := map[bool]error{true: engine.ErrReadOnly}[readOnly]
				expectError(t, "read only", c.SetOptions(map[string]string{"ttl": "1"}), want)
				if now["write_buffer_size"] != "262144" {
					t.Errorf("read only: the last writer's %s, not %s", "262144", now["write_buffer_size"])
				}
				continue
			}
			if now["write_buffer_size"] != want[c.Name()] || (now["ttl"] == "777") != (c.Name() == "unlisted") {
				t.Errorf("%s: %s bytes, ttl %s; want %s", c.Name(), now["write_buffer_size"], now["ttl"], want[c.Name()])
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOptionsInForceAreThoseOfOpen(t *testing.T) {
	names := []string{"plain", `with "quotes", # and : and \`, "new\nline"}
	o := &engine.Options{Extra: "max_open_files=123", Families: map[string]engine.FamilyOptions{}}
	for i, name := range names {
		o.Families[name] = engine.FamilyOptions{BlockSize: 5000 + i, WriteBufferSize: 100_000 + int64(i)}
	}
	db := openTemp(t, o)
	for i, name := range names {
		c, err := db.ColumnFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		now := optionsOf(t, c)
		if now["write_buffer_size"] != fmt.Sprint(100_000+i) || now["block_based_table_factory.block_size"] != fmt.Sprint(5000+i) {
			t.Errorf("%q: %v", name, now)
		}
	}
	all, err := db.Options()
	if err != nil || all["max_open_files"] != "123" || all["write_buffer_size"] != "" {
		t.Errorf("the database's options are %v; %v", all, err)
	}
}

// Options are read while RocksDB replaces the file all the time.
func TestOptionsAreReadWhileTheyAreSet(t *testing.T) {
	db := openTemp(t, nil)
	c, d := newFamily(t, db, "c"), newFamily(t, db, "d")
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	var wg sync.WaitGroup
	for _, f := range []*engine.ColumnFamily{c, d} {
		wg.Go(func() {
			for i := range rounds {
				if err := f.SetOptions(map[string]string{"ttl": fmt.Sprint(1000 + i)}); err != nil {
					t.Error(err)
				}
				if o, err := f.Options(); err != nil || o["ttl"] != fmt.Sprint(1000+i) {
					t.Errorf("ttl is %s, was set to %d; %v", o["ttl"], 1000+i, err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range rounds {
			name := fmt.Sprint("new ", i)
			f, err := db.CreateColumnFamily(name, nil)
			if err == nil {
				_, err = f.Options()
			}
			if err := errors.Join(err, db.DropColumnFamily(f)); err != nil {
				t.Error(err)
			}
			expectError(t, "dropped", f.SetOptions(map[string]string{"ttl": "1"}), engine.ErrFamilyDropped)
		}
	})
	wg.Wait()
}

func TestOptionsOfTheDatabaseAtRunTime(t *testing.T) {
	db := openTemp(t, nil)
	set := map[string]string{"max_background_jobs": "5"}
	err := db.SetOptions(set)
	if !engine.Supports(engine.SetDBOptions) {
		expectError(t, "before 11.5", err, engine.ErrUnsupported)
		if !strings.Contains(fmt.Sprint(err), "11.5") || !strings.Contains(fmt.Sprint(err), db.Path()) {
			t.Errorf("%v names no version or no path", err)
		}
		return
	}
	all, other := db.Options()
	if err := errors.Join(err, other); err != nil || all["max_background_jobs"] != "5" {
		t.Errorf("in force are %v; %v", all, err)
	}
	for _, bad := range []map[string]string{{}, {"no_such_thing": "1"}, {"max_background_jobs": "100000"}, {"max_open_files": "1"}, {"write_buffer_size": "1M"}} {
		expectError(t, fmt.Sprint(bad), db.SetOptions(bad), engine.ErrInvalidArgument)
	}
}

func TestListColumnFamilies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	list := func() []string {
		t.Helper()
		names, err := engine.ListColumnFamilies(dir)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	db := openDir(t, dir, nil)
	for _, name := range []string{"z", "gone", "a", "\xff:#\\"} {
		newFamily(t, db, name)
	}
	gone, err := db.ColumnFamily("gone")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.DropColumnFamily(gone); err != nil {
		t.Fatal(err)
	}
	want := []string{"default", "z", "a", "\xff:#\\"}
	if names := list(); !slices.Equal(names, want) {
		t.Errorf("open: %q, want %q", names, want)
	}
	newFamily(t, db, "gone")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files := filesIn(t, dir)
	if names := list(); !slices.Equal(names, append(want, "gone")) {
		t.Errorf("closed: %q", names)
	}
	if now := filesIn(t, dir); !slices.Equal(files, now) {
		t.Errorf("files were %v, are %v", files, now)
	}
	for name, x := range map[string]struct {
		dir  string
		want []error
	}{
		"no directory":    {dir + "/none", []error{engine.ErrIO, fs.ErrNotExist}},
		"no database":     {filepath.Dir(dir), []error{engine.ErrIO, fs.ErrNotExist}},
		"no name":         {"", []error{engine.ErrInvalidArgument}},
		"zero byte":       {dir + "\x00", []error{engine.ErrInvalidArgument}},
		"broken manifest": {brokenDatabase(t), []error{engine.ErrCorruption}},
	} {
		names, err := engine.ListColumnFamilies(x.dir)
		expectError(t, name, err, x.want...)
		if names != nil {
			t.Errorf("%s: %q", name, names)
		}
	}
}

// filesIn names the files of a directory.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// brokenDatabase is a directory that looks like a database and is none.
func brokenDatabase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
