package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// badOptions are refused; the error's text must hold what stands beside each.
func badOptions() map[string]*engine.Options {
	bad := map[string]*engine.Options{}
	add := func(what string, o engine.Options) { bad[what] = &o }
	add("ErrorIfMissing", engine.Options{ErrorIfMissing: true, ErrorIfExists: true})
	add("ReadOnly", engine.Options{ReadOnly: true, ErrorIfExists: true})
	add("default family", engine.Options{Families: map[string]engine.FamilyOptions{"default": {}}})
	add("a name must not be empty", engine.Options{Families: map[string]engine.FamilyOptions{"": {}}})
	add("a name must not be empty or", engine.Options{Families: map[string]engine.FamilyOptions{"a\x00b": {}}})
	add("Options.Extra contains a zero byte", engine.Options{Extra: "max_open_files=1\x00"})
	add("Disk and ReadOnly", engine.Options{ReadOnly: true, Disk: &engine.DiskBudget{}})
	add("unknown Statistics", engine.Options{Statistics: -1})
	add("InMemory|DirectReads", engine.Options{InMemory: new(engine.MemoryFiles), DirectReads: true})
	add("InMemory|by name", engine.Options{InMemory: new(engine.MemoryFiles), Extra: "use_direct_io_for_flush_and_compaction=true"})
	add("InMemory|AcceptDataLoss", engine.Options{InMemory: new(engine.MemoryFiles), AcceptDataLoss: true})
	add("TimedRows|InMemory", engine.Options{InMemory: new(engine.MemoryFiles), TimedRows: true})
	add("TimedRows|ReadOnly", engine.Options{ReadOnly: true, TimedRows: true})
	add("TimedRows|Transactions", engine.Options{Transactions: engine.Optimistic, TimedRows: true})
	add("TimedRows|TTLFilter", engine.Options{FamilyOptions: engine.FamilyOptions{CompactionFilter: engine.TTLFilter}, TimedRows: true})
	for what, ttl := range map[string]time.Duration{"negative": -time.Second, "half a second": time.Second / 2, "six years": 6 * 365 * 24 * time.Hour} {
		add("RowTTL|"+what, engine.Options{FamilyOptions: engine.FamilyOptions{RowTTL: ttl}, TimedRows: true})
	}
	add("unknown Statistics|above", engine.Options{Statistics: engine.AllStatistics + 1})
	for what, f := range map[string]engine.FamilyOptions{
		"Compression bzip9":                        {Compression: "bzip9"},
		"Compression ZSTD":                         {Compression: "ZSTD"},
		"MergeOperator concat":                     {MergeOperator: "concat"},
		"MergeOperator UInt64AddOperator":          {MergeOperator: "UInt64AddOperator"},
		"RowTTL needs Options.TimedRows":           {RowTTL: time.Second},
		"WriteBufferSize":                          {WriteBufferSize: -1},
		"WriteBufferSize is":                       {WriteBufferSize: math.MaxInt64},
		"BlockSize":                                {BlockSize: -1},
		"BlockSize is":                             {BlockSize: math.MaxInt32 + 1},
		"BloomBitsPerKey":                          {BloomBitsPerKey: -0.5},
		"BloomBitsPerKey is":                       {BloomBitsPerKey: math.NaN()},
		"BloomBitsPerKey is out":                   {BloomBitsPerKey: math.Inf(1)},
		"BloomBitsPerKey is out of":                {BloomBitsPerKey: 101},
		"FamilyOptions.Extra contains a zero byte": {Extra: "ttl=1\x00"},
		"no_such_family_option":                    {Extra: "no_such_family_option=1"},
		"timestamps exclude a merge operator":      {Timestamps: true, MergeOperator: engine.Uint64Add},
		"timestamps exclude a compaction filter":   {Timestamps: true, CompactionFilter: engine.TTLFilter},
		"timestamps exclude blob files":            {Timestamps: true, Tuning: engine.Tuning{BlobsFrom: 1}},
		"timestamps exclude a prefix extractor":    {Timestamps: true, Extra: "prefix_extractor=fixed:1"},
		"Timestamps and a comparator exclude":      {Timestamps: true, Comparator: engine.ReverseBytewise},
	} {
		add(what, engine.Options{FamilyOptions: f})
		add(what+`|family "other"`, engine.Options{Families: map[string]engine.FamilyOptions{"other": f}})
	}
	addBadTuning(add)
	for _, x := range badExtras {
		name, text, _ := strings.Cut(x, ": ")
		where := `|family "other"|`
		if strings.HasPrefix(name, "~") {
			name, where = name[1:], "|some family|"
		}
		add(name+"|"+text, engine.Options{Extra: text})
		add(name+"|default|"+text, engine.Options{FamilyOptions: engine.FamilyOptions{Extra: text}})
		add(name+where+text, engine.Options{Families: map[string]engine.FamilyOptions{"other": {Extra: text}}})
	}
	for _, x := range badDatabaseExtras {
		name, text, _ := strings.Cut(x, ": ")
		add(name+"|"+text, engine.Options{Extra: text})
	}
	return bad
}

// badExtras are option strings, after what the error names. With ~ it is Open of the whole database
// that finds out, and does not tell the family.
var badExtras = []string{
	"no_such_option: no_such_option=1", "no_such_option: write_buffer_size=1000000;no_such_option=1", "braces: block_based_table_factory={block_size=4096",
	"comparator: comparator=rocksdb.ReverseBytewiseComparator", "comparator: write_buffer_size=1;\tcomparator = x", "comparator: \rcomparator=x", "comparator: {comparator=x}",
	"merge_operator: merge_operator=uint64add", "compaction_filter: compaction_filter=RemoveEmptyValueCompactionFilter",
	"compaction_filter_factory: compaction_filter_factory=x", "table_factory: table_factory=PlainTable", "plain_table_factory: plain_table_factory={}",
	"num_levels: num_levels=-1", "num_levels: num_levels=0", "num_levels: num_levels=1k", "num_levels: num_levels=x",
	"block_restart_interval: block_based_table_factory={block_size=4096;block_restart_interval=0}",
	"index_block_restart_interval: block_based_table_factory={index_block_restart_interval=-4}",
	"max_bytes_for_level_base: max_bytes_for_level_base=0;level_compaction_dynamic_level_bytes=true",
	"write_buffer_size: write_buffer_size=18446744073709551615", "write_buffer_size: write_buffer_size=65G", "arena_block_size: arena_block_size=2G",
	"parallel_threads: compression_opts={level=3;parallel_threads=0}", "compression_opts: compression_opts=1:2:3:4:5:0",
	"compression: compression=nosuch", "compaction_style: compaction_style=kNoSuch", "compaction_pri: compaction_pri=kNoSuch",
	"block_based_table_factory: block_based_table_factory={no_such=1}", "checksum: block_based_table_factory={checksum=kNoSuch}",
	"inplace_update_support: inplace_update_support=true", "~Xpress: compression=kXpressCompression", "~concurrent: memtable=prefix_hash",
	"~format_version: block_based_table_factory={format_version=99}", "~prefix_extractor: block_based_table_factory={index_type=kHashSearch}",
	"~block cache: block_based_table_factory={no_block_cache=true;cache_index_and_filter_blocks=true}",
	"~age cutoff: enable_blob_files=true;enable_blob_garbage_collection=true;blob_garbage_collection_age_cutoff=2",
	"~block_align: block_based_table_factory={block_align=true};compression=kSnappyCompression",
}

// badDatabaseExtras are those that concern the database as a whole.
var badDatabaseExtras = []string{
	"env: env=mem", "file_system: file_system=x",
	"max_open_files: max_open_files=many", "table_cache_numshardbits: table_cache_numshardbits=20", "max_background_jobs: max_background_jobs=100000",
	"max_file_opening_threads: max_file_opening_threads=99999999999", "compaction_readahead_size: compaction_readahead_size=18446744073709551615",
	"wal_recovery_mode: wal_recovery_mode=kNoSuch", "info_log_level: info_log_level=LOUD", "keep_log_file_num: keep_log_file_num=0",
	"allow_mmap_reads: allow_mmap_reads=true;use_direct_reads=true", "allow_mmap_writes: allow_mmap_writes=true;use_direct_io_for_flush_and_compaction=true",
	"unordered_write: unordered_write=true;allow_concurrent_memtable_write=false", "atomic_flush: atomic_flush=true;enable_pipelined_write=true",
	"rate_limiter_bytes_per_sec: rate_limiter_bytes_per_sec=0", "rate_limiter_bytes_per_sec: rate_limiter_bytes_per_sec=-1",
	"rate_limiter_bytes_per_sec: rate_limiter_bytes_per_sec=65535", "rate_limiter_bytes_per_sec: rate_limiter_bytes_per_sec=18446744073709551615",
	"unordered_write: unordered_write=true;enable_pipelined_write=true", "WAL_ttl_seconds: WAL_ttl_seconds=99999999999999999999",
}

func TestBadOptionsAreRefusedByNameAndLeaveNothingBehind(t *testing.T) {
	bad := badOptions()
	if len(bad) < 200 {
		t.Errorf("only %d", len(bad))
	}
	there := created(t, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	for _, what := range slices.Sorted(maps.Keys(bad)) {
		for _, dir := range []string{filepath.Join(t.TempDir(), "new"), there} {
			e := openFails(t, what, dir, bad[what])
			if e.Code != engine.CodeInvalidArgument && e.Code != engine.CodeUnsupported {
				t.Errorf("%s: code %v", what, e.Code)
			}
			name, rest, _ := strings.Cut(what, "|")
			if !strings.Contains(e.Error(), name) {
				t.Errorf("%s: the error does not name it: %v", what, e)
			}
			if strings.HasPrefix(rest, `family "other"`) && e.Family != "other" {
				t.Errorf("%s: the error names family %q", what, e.Family)
			}
		}
	}
	db := openDir(t, there, nil)
	defer db.Close()
	expectRows(t, "afterwards", db, map[string]string{"k": "v"})
}

// writtenOptions are the settings of a family in the newest OPTIONS file.
func writtenOptions(t *testing.T, dir, family string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	text, err := os.ReadFile(slices.Max(files))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	mine := false
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
			mine = strings.HasSuffix(line, fmt.Sprintf("%q]", family)) || line == "[DBOptions]"
		}
		if name, value, ok := strings.Cut(line, "="); mine && ok {
			settings[name] = value
		}
	}
	return settings
}

func expectWritten(t *testing.T, dir, family string, want map[string]string) {
	t.Helper()
	got := writtenOptions(t, dir, family)
	for name, value := range want {
		if v := got[name]; v != value && !strings.HasPrefix(v, value+":") && !strings.HasPrefix(v, "{id="+value+";") {
			t.Errorf("family %s: %s is %q, want %q", family, name, v, value)
		}
	}
}

func TestEveryFamilyOptionReachesRocksDB(t *testing.T) {
	codecs := map[engine.Compression]string{
		engine.NoCompression: "kNoCompression", engine.SnappyCompression: "kSnappyCompression", engine.ZlibCompression: "kZlibCompression",
		engine.LZ4Compression: "kLZ4Compression", engine.LZ4HCCompression: "kLZ4HCCompression", engine.ZSTDCompression: "kZSTD",
	}
	for codec, name := range codecs {
		f := engine.FamilyOptions{
			MergeOperator: engine.Uint64Add, Compression: codec, WriteBufferSize: 1 << 20, BlockSize: 8 << 10, BloomBitsPerKey: 10,
			Extra: "max_write_buffer_number=5;block_based_table_factory={cache_index_and_filter_blocks=true}",
		}
		want := map[string]string{
			"merge_operator": "UInt64AddOperator", "compression": name, "write_buffer_size": "1048576", "block_size": "8192",
			"filter_policy": "bloomfilter", "max_write_buffer_number": "5", "cache_index_and_filter_blocks": "true", "format_version": "5",
			"max_open_files": "123",
		}
		o := &engine.Options{FamilyOptions: f, Families: map[string]engine.FamilyOptions{"other": f}, Extra: "max_open_files=123"}
		dir := created(t, o)
		expectWritten(t, dir, "default", want)
		expectWritten(t, dir, "other", want)
		if fmt.Sprint(o.FamilyOptions) != fmt.Sprint(f) || len(o.Families) != 1 {
			t.Errorf("Open changed the options: %+v", o)
		}
		db := openDir(t, dir, o) // the same options serve again
		created, err := db.CreateColumnFamily("later", &f)
		if err != nil {
			t.Fatal(err)
		}
		if err := created.Merge([]byte("k"), uint64le(1), nil); err != nil {
			t.Error(err)
		}
		expectWritten(t, dir, "later", want)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestExtraGoesOnTopOfTheTypedOptions(t *testing.T) {
	dir := created(t, &engine.Options{
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 1 << 20, BlockSize: 8 << 10, BloomBitsPerKey: 10, Extra: "write_buffer_size=3M; ttl = 77"},
		Families:      map[string]engine.FamilyOptions{"other": {Extra: "write_buffer_size=5M"}},
		Extra:         "write_buffer_size=2M;max_background_jobs=3;block_based_table_factory={block_size=12345};",
	})
	expectWritten(t, dir, "default", map[string]string{
		"write_buffer_size": "3145728", "ttl": "77", "block_size": "12345", "filter_policy": "bloomfilter", "format_version": "5", "max_background_jobs": "3",
	})
	expectWritten(t, dir, "other", map[string]string{"write_buffer_size": "5242880", "block_size": "4096"})
}

func TestTheDefaultsAreThoseOfRocksDBButForTheCache(t *testing.T) {
	dir := created(t, &engine.Options{Families: map[string]engine.FamilyOptions{"other": {}}})
	for _, family := range []string{"default", "other"} {
		expectWritten(t, dir, family, map[string]string{
			"format_version": "5", "write_buffer_size": "67108864", "block_size": "4096", "merge_operator": "nullptr",
			"comparator": "leveldb.BytewiseComparator", "no_block_cache": "false", "filter_policy": "nullptr",
		})
	}
}

func TestTheBlockCacheIsSharedAndOfTheSizeAskedFor(t *testing.T) {
	families := map[string]engine.FamilyOptions{"other": {}}
	for size, want := range map[int64]string{0: fmt.Sprint(128 << 20), 1 << 20: fmt.Sprint(1 << 20), 300 << 20: fmt.Sprint(300 << 20)} {
		dir := created(t, &engine.Options{Families: families})
		// Unlisted the family comes from the OPTIONS file, and shares the cache all the same.
		db := openDir(t, dir, &engine.Options{BlockCacheSize: size})
		for _, c := range db.ColumnFamilies() {
			if v, err := c.Property("rocksdb.block-cache-capacity"); err != nil || v != want {
				t.Errorf("size %d: family %s has %s, %v", size, c.Name(), v, err)
			}
			if err := errors.Join(c.Put([]byte("k"), valueOf(3000), nil), c.Flush()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.ColumnFamilies()[1].Get([]byte("k"), nil); err != nil {
			t.Error(err)
		}
		usage := map[string]bool{}
		for _, c := range db.ColumnFamilies() {
			v, err := c.Property("rocksdb.block-cache-usage")
			if err != nil || v == "0" {
				t.Errorf("size %d: usage %s, %v", size, v, err)
			}
			usage[v] = true
		}
		if len(usage) != 1 {
			t.Errorf("size %d: the families do not share the cache: %v", size, usage)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	db := openTemp(t, &engine.Options{BlockCacheSize: -1})
	if err := errors.Join(db.Put([]byte("k"), []byte("v"), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Property("rocksdb.block-cache-capacity"); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("without a cache: %v", err)
	}
	for range 2 {
		if _, err := db.Get([]byte("k"), nil); err != nil {
			t.Error(err)
		}
	}
	readsFail(t, "without a cache", db, []byte("k"), &engine.ReadOptions{CacheOnly: true}, engine.ErrWouldBlock)
}
