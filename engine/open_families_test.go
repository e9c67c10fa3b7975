package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func namesOf(db *engine.DB) []string {
	var names []string
	for _, c := range db.ColumnFamilies() {
		names = append(names, c.Name())
	}
	return names
}

func TestOpenCreatesTheFamiliesOfTheOptions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"b": {}, "a": {}}})
	if names := namesOf(db); names[0] != "default" || len(names) != 3 {
		t.Errorf("%v", names)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"b": {}, "c": {}}})
	defer db.Close()
	names := namesOf(db)
	slices.Sort(names)
	if !slices.Equal(names, []string{"a", "b", "c", "default"}) {
		t.Errorf("reopened with one more and one unlisted: %v", names)
	}
}

func TestAnUnlistedFamilyKeepsItsOptions(t *testing.T) {
	typed := engine.FamilyOptions{
		MergeOperator: engine.Uint64Add, Compression: engine.ZSTDCompression, WriteBufferSize: 3 << 20, BlockSize: 7 << 10,
		BloomBitsPerKey: 12.5, Extra: "max_write_buffer_number=6",
	}
	families := map[string]engine.FamilyOptions{
		"other": typed, "a:b": typed, "plain": {},
		"filter":    {BloomBitsPerKey: 3, Extra: "block_based_table_factory={whole_key_filtering=false};prefix_extractor=fixed:4"},
		"ribbon":    {Extra: "block_based_table_factory={filter_policy=ribbonfilter:9;index_type=kTwoLevelIndexSearch;checksum=kxxHash}"},
		"universal": {Extra: "compaction_style=kCompactionStyleUniversal;compaction_options_universal={size_ratio=7};ttl=1000000"},
		"blobs":     {Extra: "enable_blob_files=true;min_blob_size=100;blob_compression_type=kZSTD;memtable_prefix_bloom_size_ratio=0.1"},
		"levels":    {Extra: "compression_per_level=kNoCompression:kNoCompression:kZSTD;compression_opts={level=7;max_dict_bytes=1000};num_levels=5"},
	}
	dir := created(t, &engine.Options{Families: families})
	expectWritten(t, dir, "other", map[string]string{
		"merge_operator": "UInt64AddOperator", "compression": "kZSTD", "write_buffer_size": "3145728", "block_size": "7168",
		"filter_policy": "bloomfilter:12.5", "max_write_buffer_number": "6", "format_version": "5",
	})
	before := map[string]map[string]string{}
	for name := range families {
		before[name] = writtenOptions(t, dir, name)
	}
	for round := range 2 {
		db := openDir(t, dir, nil)
		if n := len(db.ColumnFamilies()); n != len(families)+1 {
			t.Errorf("%d families, want %d", n, len(families)+1)
		}
		for name, want := range before {
			c, err := db.ColumnFamily(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.Put([]byte("key"), []byte("value"), nil), c.Flush()); err != nil {
				t.Errorf("%q: %v", name, err)
			}
			if err := c.Merge([]byte("n"), uint64le(1), nil); (err == nil) != (families[name].MergeOperator != "") {
				t.Errorf("%q: %v", name, err)
			}
			for setting, v := range writtenOptions(t, dir, name) {
				if v != want[setting] && setting != "max_file_opening_threads" { // which is the database's, and follows its tables
					t.Errorf("round %d: family %s: %s was %s and is %s", round, name, setting, want[setting], v)
				}
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAListedFamilyGetsTheOptionsListedAndKeepsItsOperator(t *testing.T) {
	f := engine.FamilyOptions{MergeOperator: engine.Uint64Add, WriteBufferSize: 3 << 20}
	dir := created(t, &engine.Options{FamilyOptions: f, Families: map[string]engine.FamilyOptions{"other": f}})
	g := engine.FamilyOptions{WriteBufferSize: 5 << 20}
	db := openDir(t, dir, &engine.Options{FamilyOptions: g, Families: map[string]engine.FamilyOptions{"other": g}})
	defer db.Close()
	for _, c := range db.ColumnFamilies() {
		if err := c.Merge([]byte("n"), uint64le(1), nil); err != nil {
			t.Errorf("%s: %v", c.Name(), err)
		}
		expectWritten(t, dir, c.Name(), map[string]string{"write_buffer_size": "5242880", "merge_operator": "UInt64AddOperator"})
	}
}

// rewriteOptions replaces a setting of one family in the newest OPTIONS file.
func rewriteOptions(t *testing.T, dir, family, name, value string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	path := slices.Max(files)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	mine, done := false, false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "[") {
			mine = strings.HasPrefix(line, fmt.Sprintf("[CFOptions %q]", family))
		}
		if mine && strings.HasPrefix(strings.TrimSpace(line), name+"=") {
			line, done = "  "+name+"="+value+"\n", true
		}
		out.WriteString(line)
	}
	if !done {
		t.Fatalf("%s of %s is not there", name, family)
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnknownOperatorOnDiskIsRefusedByName(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"comparator", "my.Order", "comparator my.Order"},
		{"merge_operator", "my.Merge", "merge operator my.Merge"},
		{"compaction_filter", "my.Filter", "compaction filter my.Filter"},
		{"compaction_filter_factory", "my.Factory", "compaction filter factory my.Factory"},
	} {
		for _, family := range []string{"default", "other"} {
			families := map[string]engine.FamilyOptions{"other": {}}
			dir := created(t, &engine.Options{Families: families})
			rewriteOptions(t, dir, family, c.name, c.value)
			for _, o := range []*engine.Options{nil, {Families: families}, {ReadOnly: true}} {
				e := openFails(t, c.says, dir, o, engine.ErrUnsupported, errors.ErrUnsupported)
				if !strings.Contains(e.Error(), c.says) || e.Family != family {
					t.Errorf("%s: family %q: %v", c.says, e.Family, e)
				}
			}
			rewriteOptions(t, dir, family, c.name, map[bool]string{true: "leveldb.BytewiseComparator", false: "nullptr"}[c.name == "comparator"])
			db := openDir(t, dir, nil)
			expectRows(t, "put right again", db, map[string]string{"k": "v"})
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// RocksDB's databases with a TTL of its own have four bytes behind each value: they are never opened without it.
func TestADatabaseOfRocksDBsTTLIsRefused(t *testing.T) {
	dir := created(t, nil)
	rewriteOptions(t, dir, "default", "compaction_filter_factory", "{id=TtlCompactionFilterFactory;user_filter_factory=nullptr;ttl=0;}")
	for _, o := range []engine.FamilyOptions{{}, {CompactionFilter: engine.NoFilter}, {GoFilter: keepEach()}} {
		openFails(t, "ttl", dir, &engine.Options{FamilyOptions: o}, engine.ErrUnsupported)
	}
}

// What the manifest says of the order counts, whatever the OPTIONS file does.
func TestAnOrderThatOnlyTheOptionsFileHasIsRefused(t *testing.T) {
	dir := created(t, nil)
	rewriteOptions(t, dir, "default", "comparator", engine.ReverseBytewise)
	for _, o := range []*engine.Options{nil, {ReadOnly: true}, {FamilyOptions: engine.FamilyOptions{Comparator: engine.ReverseBytewise}}} {
		_, err := engine.Open(dir, o)
		expectError(t, "reversed", err, engine.ErrInvalidArgument)
	}
}

func TestADatabaseWithoutAnOptionsFileOpens(t *testing.T) {
	dir := created(t, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	// An unlisted family has the defaults then.
	for _, o := range []*engine.Options{nil, {Families: map[string]engine.FamilyOptions{"other": {}}}, {ReadOnly: true}} {
		db := openDir(t, dir, o)
		expectRows(t, "the default family", db, map[string]string{"k": "v"})
		if names := namesOf(db); !slices.Equal(names, []string{"default", "other"}) {
			t.Errorf("%v", names)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAReadOnlyOpenCreatesNoFamily(t *testing.T) {
	dir := created(t, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	e := openFails(t, "missing family", dir, &engine.Options{ReadOnly: true, Families: map[string]engine.FamilyOptions{"absent": {}}}, engine.ErrFamilyNotFound)
	if e.Family != "absent" {
		t.Errorf("%v", e)
	}
	db := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer db.Close()
	if names := namesOf(db); !slices.Equal(names, []string{"default", "other"}) {
		t.Errorf("%v", names)
	}
}
