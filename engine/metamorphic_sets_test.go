package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
)

// metaSet is a set of options, of the database and of each of its families.
type metaSet struct {
	name  string
	db    engine.Options
	each  engine.FamilyOptions
	needs engine.Feature // of RocksDB; 0: none beyond the oldest
}

// metaReference is the set whose lines are taken for right.
const metaReference = "defaults"

// transactions reports whether there are transactions, and so no deletions of ranges and no tables from outside.
func (s *metaSet) transactions() bool { return s.db.Transactions != engine.NoTx }

// ranges reports whether ranges are deleted.
func (s *metaSet) ranges() bool { return !s.transactions() && s.db.RowCacheSize == 0 }

// family gives the options of one family.
func (s *metaSet) family(i int) engine.FamilyOptions {
	f := s.each
	f.MergeOperator = metaMerges[i]
	return f
}

// options gives those that a database is opened with, for the families that with names.
func (s *metaSet) options(with func(i int) bool) *engine.Options {
	o := s.db
	o.FamilyOptions = s.family(0)
	o.Extra = strings.Trim(o.Extra+";"+o.FamilyOptions.Extra, ";")
	o.FamilyOptions.Extra = ""
	o.Families = map[string]engine.FamilyOptions{}
	for i := 1; i < metamorphic.Families; i++ {
		if with(i) {
			o.Families[metaFamily(i)] = s.family(i)
		}
	}
	return &o
}

const (
	metaSmallLevels = "level0_file_num_compaction_trigger=2;max_bytes_for_level_base=100000;target_file_size_base=20000"
	metaTables      = "block_based_table_factory={%s}"
)

// metaSets are the standard ones.
var metaSets = []metaSet{
	{name: metaReference},
	{name: "small memtables", each: engine.FamilyOptions{WriteBufferSize: 64 << 10}},
	{name: "small levels", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Extra: metaSmallLevels}},
	{name: "small blocks", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, BlockSize: 256}},
	{name: "no cache", db: engine.Options{BlockCacheSize: -1}, each: engine.FamilyOptions{BlockSize: 1024}},
	{name: "a tiny cache", db: engine.Options{BlockCacheSize: 50_000}, each: engine.FamilyOptions{
		BlockSize: 512, BloomBitsPerKey: 10, Tuning: engine.Tuning{CacheIndex: true, PartitionFilters: true},
	}},
	{name: "hyper clock cache", db: engine.Options{BlockCache: engine.HyperClockCache}, needs: engine.HyperClock},
	{name: "a cache of rows", db: engine.Options{RowCacheSize: 1 << 20}, each: engine.FamilyOptions{WriteBufferSize: 64 << 10, BlockSize: 512}},
	{name: "a tiny cache of rows", db: engine.Options{RowCacheSize: 64 << 10, Extra: "max_open_files=10"}, each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Extra: metaSmallLevels, Tuning: engine.Tuning{BlobsFrom: 20}}},
	{name: "lz4", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Compression: engine.LZ4Compression, BloomBitsPerKey: 10}},
	{name: "zstd with dictionaries", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Compression: engine.ZSTDCompression, Extra: metaSmallLevels, Tuning: engine.Tuning{
		CompressionLevel: 5, DictionaryBytes: 4096, DictionaryTrainBytes: 40_000,
	}}},
	{name: "no compression", each: engine.FamilyOptions{Compression: engine.NoCompression, WriteBufferSize: 256 << 10}},
	{name: "ribbon filters", each: engine.FamilyOptions{BloomBitsPerKey: 10, WriteBufferSize: 64 << 10, Tuning: engine.Tuning{Filter: engine.RibbonFilter}}},
	{name: "blob files", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Tuning: engine.Tuning{BlobsFrom: 20}}},
	{name: "blob files in lz4, collected", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Tuning: engine.Tuning{
		BlobsFrom: 1, BlobCompression: engine.LZ4Compression,
	}, Extra: metaSmallLevels + ";enable_blob_garbage_collection=true;blob_garbage_collection_age_cutoff=1.0"}},
	{name: "universal", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Tuning: engine.Tuning{Compaction: engine.UniversalCompaction}}},
	{name: "cut by prefixes, compacted for deletions", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Extra: metaSmallLevels, Tuning: engine.Tuning{
		PartitionPrefix: 1, CompactDeletions: engine.DeletionTrigger{Window: 128, Deletions: 20, Ratio: 0.4},
	}}},
	{name: "first in, first out", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: 1 << 40}}},
	{name: "prefixes", each: engine.FamilyOptions{BloomBitsPerKey: 10, WriteBufferSize: 64 << 10, Extra: "prefix_extractor=fixed:1;memtable_prefix_bloom_size_ratio=0.1;memtable_whole_key_filtering=true"}},
	{name: "capped prefixes", each: engine.FamilyOptions{BloomBitsPerKey: 10, Extra: "prefix_extractor=rocksdb.CappedPrefix.2;optimize_filters_for_hits=true"}},
	{name: "pipelined writes", db: engine.Options{PipelinedWrite: true}},
	{name: "unordered writes", db: engine.Options{UnorderedWrite: true}},
	{name: "commits alone", db: engine.Options{Commit: engine.CommitAlone}},
	{name: "pipelined commits", db: engine.Options{Commit: engine.CommitPipelined, FastLane: 2, Gate: 4}},
	{name: "optimistic", db: engine.Options{Transactions: engine.Optimistic}},
	{name: "pessimistic", db: engine.Options{Transactions: engine.Pessimistic}, each: engine.FamilyOptions{WriteBufferSize: 64 << 10}},
	{name: "direct", db: engine.Options{DirectReads: true, DirectWrites: true}, each: engine.FamilyOptions{WriteBufferSize: 64 << 10}},
	{name: "format 2", each: engine.FamilyOptions{Extra: fmt.Sprintf(metaTables, "format_version=2;checksum=kCRC32c;block_restart_interval=1")}},
	{name: "first keys in the index", each: engine.FamilyOptions{WriteBufferSize: 64 << 10, Extra: fmt.Sprintf(metaTables, "index_type=kBinarySearchWithFirstKey;block_size=300;index_block_restart_interval=3")}},
	{name: "hashes in blocks", each: engine.FamilyOptions{Extra: fmt.Sprintf(metaTables, "data_block_index_type=kDataBlockBinaryAndHash;checksum=kXXH3;block_restart_interval=5")}},
	{name: "mapped files", db: engine.Options{Extra: "allow_mmap_reads=true;max_open_files=20"}, each: engine.FamilyOptions{Compression: engine.NoCompression, WriteBufferSize: 64 << 10}},
	{name: "nothing in the background", db: engine.Options{Extra: "avoid_flush_during_recovery=true;max_open_files=10"}, each: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}},
}

// randomMetaSet puts options together at random.
func randomMetaSet(r *rand.Rand) metaSet {
	one := func(n int) bool { return r.IntN(n) == 0 }
	s := metaSet{}
	s.db.BlockCacheSize = []int64{0, 20_000, 1 << 20}[r.IntN(3)]
	s.db.PipelinedWrite = one(4)
	s.db.Commit = engine.CommitMode(r.IntN(3))
	s.each.WriteBufferSize = []int64{0, 64 << 10, 200 << 10, 1 << 20}[r.IntN(4)]
	s.each.BlockSize = []int{0, 128, 1000, 16 << 10}[r.IntN(4)]
	s.each.BloomBitsPerKey = []float64{0, 2, 10}[r.IntN(3)]
	s.each.Compression = []engine.Compression{"", engine.NoCompression, engine.LZ4Compression, engine.ZSTDCompression, engine.SnappyCompression}[r.IntN(5)]
	if one(3) {
		s.each.Compaction = engine.UniversalCompaction
	}
	if one(3) {
		s.each.BlobsFrom = int64(1 + r.IntN(100))
	}
	if one(4) {
		s.each.CacheIndex = true
	}
	if s.each.BloomBitsPerKey > 1 && one(2) {
		s.each.Filter = engine.RibbonFilter
	}
	if one(4) {
		s.db.Transactions = []engine.TxMode{engine.Optimistic, engine.Pessimistic}[r.IntN(2)]
	}
	var family, db []string
	for _, of := range [][]string{
		{"prefix_extractor=fixed:1", "prefix_extractor=fixed:3"},
		{metaSmallLevels},
		{"max_write_buffer_number=4;min_write_buffer_number_to_merge=2"},
		{"max_sequential_skip_in_iterations=1", "max_sequential_skip_in_iterations=0"},
		{"level_compaction_dynamic_level_bytes=true"},
		{"memtable_prefix_bloom_size_ratio=0.1;memtable_whole_key_filtering=true"},
		{"disable_auto_compactions=true"},
		{"max_successive_merges=2"},
	} {
		if one(3) {
			family = append(family, of[r.IntN(len(of))])
		}
	}
	for _, of := range []string{"max_open_files=10", "max_background_jobs=4", "max_subcompactions=3", "avoid_flush_during_recovery=true", "enable_write_thread_adaptive_yield=false"} {
		if one(4) {
			db = append(db, of)
		}
	}
	if one(5) && !slices.Contains(db, "avoid_flush_during_recovery=true") {
		s.db.RowCacheSize = []int64{64 << 10, 1 << 20}[r.IntN(2)]
	}
	s.each.Extra, s.db.Extra = strings.Join(family, ";"), strings.Join(db, ";")
	s.name = fmt.Sprintf("random: %+v %+v", s.db.Extra, s.each)
	return s
}
