package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// CacheKind is a kind of block cache.
type CacheKind string

// The kinds of block caches.
const (
	LRUCache        CacheKind = ""            // RocksDB's usual one
	HyperClockCache CacheKind = "hyper clock" // for many processors; ErrUnsupported before RocksDB 8.1
)

// RateLimitMode is what Options.RateLimit counts. Reads are those of compactions: what the caller reads is never limited.
type RateLimitMode uint8

// The modes. Other than LimitWrites they are ErrUnsupported before RocksDB 9.0, unless the build tag rb_cxx is set.
const (
	LimitWrites RateLimitMode = cbridge.LimitWrites // what flushes and compactions write
	LimitReads  RateLimitMode = cbridge.LimitReads  // what compactions read, and the little that flushes read; what flushes write, which writers wait for, is free
	LimitAll    RateLimitMode = cbridge.LimitAll    // both, against one limit
)

// FilterKind is a kind of filter of tables, which spares lookups of absent keys their reads.
type FilterKind string

// The kinds of filters.
const (
	BloomFilter  FilterKind = ""       // quicker to make and to ask
	RibbonFilter FilterKind = "ribbon" // smaller; BloomBitsPerKey is then that of a bloom filter that errs as often
)

// CompactionStyle is how a family's tables are kept in order.
type CompactionStyle string

// The styles of compaction.
const (
	LevelCompaction     CompactionStyle = ""          // least space, and reads in few tables
	UniversalCompaction CompactionStyle = "universal" // least writing, for more space
	FIFOCompaction      CompactionStyle = "fifo"      // the oldest tables are deleted above FIFOMaxBytes: rows are lost
)

// Tuning is what FamilyOptions have for those who measure. The zero value means the defaults. What it does
// not name, Extra sets by RocksDB's names. docs/tuning.md tells what is for which workload.
type Tuning struct {
	Filter           FilterKind // needs BloomBitsPerKey
	PartitionFilters bool       // index and filters in parts, read into the cache as they are needed; needs a block cache
	CacheIndex       bool       // index and filter blocks go through the block cache, and count there; needs one

	BottommostCompression      Compression    // of the last level, which holds most rows; empty: as the others
	CompressionPerLevel        [7]Compression // from level 0 on; empty: as the level before; excludes Compression
	CompressionLevel           int            // of Compression: zlib 1 to 9, lz4hc 1 to 12, zstd 1 to 22; 0: the codec's default
	BottommostCompressionLevel int            // of BottommostCompression
	DictionaryBytes            int            // of a dictionary for each table of the last level, for zlib, lz4, lz4hc and zstd; 0: none
	DictionaryTrainBytes       int            // samples that zstd trains it with; about 100 times its size; 0: they are the dictionary

	Compaction   CompactionStyle // how tables are kept in order
	FIFOMaxBytes int64           // bytes of all tables, for FIFOCompaction, which needs it

	CompactDeletions DeletionTrigger // which tables are compacted for the deletions that they hold; not with FIFOCompaction

	// PartitionPrefix is how many bytes of keys a compaction begins a new table after, when they change: so each table holds
	// rows of one prefix, and those of a prefix can be dropped by DeleteFilesInRange, or compacted alone. Where a range deletion
	// crosses a cut, the range of a table reaches to the next one, until a compaction has removed it. Each prefix has a table
	// of its own in each level where it has rows: it is for few prefixes with many rows. 0: tables are cut by size only.
	//
	// Flushes, SSTWriters, loaders and Ingest bring tables that are not cut, until a compaction rewrites them, which it does
	// where it would else only move them. Workers of OpenAndCompact cut by the options that they are given. RocksDB notes it
	// in the OPTIONS file. Not with GoComparator, Timestamps and FIFOCompaction.
	PartitionPrefix int

	BlobsFrom       int64       // values of so many bytes and more go to blob files, which compactions do not rewrite; 0: none do
	BlobCompression Compression // of blob files; empty: not compressed
}

const (
	leastRateLimit = 64 << 10
	mostDictionary = 64 << 20
)

// cacheEntry is the estimate that a HyperClockCache wants before it finds out by itself.
func (o *Options) cacheEntry() uint64 {
	const usual = 4 << 10
	if o.BlockCache != HyperClockCache || linkedSince("10.7") {
		return 0
	}
	return uint64(max(o.BlockSize, usual))
}

// direct is what is said about direct I/O, by name.
func (o *Options) direct() string {
	var named []string
	if o.DirectReads {
		named = append(named, "use_direct_reads=true")
	}
	if o.DirectWrites {
		named = append(named, "use_direct_io_for_flush_and_compaction=true")
	}
	return strings.Join(named, ";")
}

// validateTuning refuses options of the database as a whole that contradict each other.
func (o *Options) validateTuning() error {
	switch {
	case o.BlockCache != LRUCache && o.BlockCache != HyperClockCache:
		return invalid("open", "unknown BlockCache "+cut(string(o.BlockCache)))
	case o.BlockCache != LRUCache && o.BlockCacheSize < 0:
		return invalid("open", "BlockCache names a kind and BlockCacheSize wants none")
	case o.BlockCache != LRUCache && o.Memory != nil:
		return invalid("open", "BlockCache and Memory exclude each other")
	case o.RateLimit != 0 && o.RateLimit < leastRateLimit:
		return invalid("open", "RateLimit is out of range")
	case o.RateLimitTunes && o.RateLimit == 0:
		return invalid("open", "RateLimitTunes needs RateLimit")
	case o.RateLimitMode > LimitAll:
		return invalid("open", "unknown RateLimitMode")
	case o.RateLimitMode != LimitWrites && o.RateLimit == 0:
		return invalid("open", "RateLimitMode needs RateLimit")
	case o.RateLimit != 0 && settingsOf(o.Extra)["rate_limiter_bytes_per_sec"] != "":
		return invalid("open", "RateLimit and rate_limiter_bytes_per_sec exclude each other")
	case o.DirectReads && isTrue(settingsOf(o.Extra)["allow_mmap_reads"]):
		return invalid("open", "DirectReads and allow_mmap_reads exclude each other")
	case o.DirectWrites && isTrue(settingsOf(o.Extra)["allow_mmap_writes"]):
		return invalid("open", "DirectWrites and allow_mmap_writes exclude each other")
	case o.BlockCache == HyperClockCache && !Supports(HyperClock):
		return describeOption(unsupported("open", HyperClock), "BlockCache")
	case o.RateLimitTunes && !Supports(TunedRateLimit):
		return describeOption(unsupported("open", TunedRateLimit), "RateLimitTunes")
	case o.RateLimitMode != LimitWrites && !Supports(RateLimitModes):
		return describeOption(unsupported("open", RateLimitModes), "RateLimitMode")
	}
	if o.BlockCacheSize >= 0 {
		return nil
	}
	if why := o.refuseWithoutCache(); why != "" {
		return describeFamily(invalid("open", why), defaultFamily)
	}
	for name, f := range o.Families {
		if why := f.refuseWithoutCache(); why != "" {
			return describeFamily(invalid("open", why), name)
		}
	}
	return nil
}

// describeOption puts the option's name into an error.
func describeOption(e *Error, option string) error {
	e.Msg = option + ": " + e.Msg
	return e
}

// refuseWithoutCache tells what of a family needs a block cache, or is empty.
func (t *Tuning) refuseWithoutCache() string {
	switch {
	case t.PartitionFilters:
		return "PartitionFilters needs a block cache"
	case t.CacheIndex:
		return "CacheIndex needs a block cache"
	}
	return ""
}

// refuseTuning tells why a family's tuning is refused, or is empty.
func (o *FamilyOptions) refuseTuning() string {
	t := &o.Tuning
	switch {
	case t.Filter != BloomFilter && t.Filter != RibbonFilter:
		return "unknown Filter " + cut(string(t.Filter))
	case t.Filter != BloomFilter && o.BloomBitsPerKey == 0:
		return "Filter needs BloomBitsPerKey"
	case t.Filter == RibbonFilter && o.BloomBitsPerKey < 1:
		return "Filter ribbon needs a BloomBitsPerKey of 1 or more"
	case t.PartitionFilters && o.BloomBitsPerKey == 0:
		return "PartitionFilters needs BloomBitsPerKey"
	case t.Compaction != LevelCompaction && t.Compaction != UniversalCompaction && t.Compaction != FIFOCompaction:
		return "unknown Compaction " + cut(string(t.Compaction))
	case t.Compaction == FIFOCompaction && t.FIFOMaxBytes <= 0:
		return "Compaction fifo needs FIFOMaxBytes"
	case t.Compaction != FIFOCompaction && t.FIFOMaxBytes != 0:
		return "FIFOMaxBytes is for Compaction fifo"
	case t.Compaction == FIFOCompaction && t.BlobsFrom != 0:
		return "BlobsFrom and Compaction fifo exclude each other: FIFOMaxBytes would not count blobs"
	case t.BlobsFrom < 0:
		return "BlobsFrom is out of range"
	case t.BlobCompression != "" && t.BlobsFrom == 0:
		return "BlobCompression needs BlobsFrom"
	}
	if why := t.CompactDeletions.refuse(t.Compaction); why != "" {
		return why
	}
	if why := o.refusePartitions(); why != "" {
		return why
	}
	return o.refuseCompression()
}

// refusePartitions is the part about prefixes that tables are cut by. In an order that mixes them each would have many tables.
// See validateStamps for timestamps.
func (o *FamilyOptions) refusePartitions() string {
	switch {
	case o.PartitionPrefix == 0:
		return ""
	case o.PartitionPrefix < 0 || o.PartitionPrefix > MaxKeySize:
		return "PartitionPrefix is out of range"
	case o.Compaction == FIFOCompaction:
		return "PartitionPrefix and Compaction fifo exclude each other: its tables are those of flushes"
	case o.GoComparator != nil:
		return "PartitionPrefix and GoComparator exclude each other: prefixes are of bytes"
	}
	return ""
}

// refuseCompression is the part about compression.
func (o *FamilyOptions) refuseCompression() string {
	t := &o.Tuning
	for field, c := range map[string]Compression{"BottommostCompression": t.BottommostCompression, "BlobCompression": t.BlobCompression} {
		if _, known := compressionNumbers[c]; !known {
			return "unknown " + field + " " + cut(string(c))
		}
	}
	perLevel := t.CompressionPerLevel != [7]Compression{}
	for _, c := range t.CompressionPerLevel {
		if _, known := compressionNumbers[c]; !known || perLevel && t.CompressionPerLevel[0] == "" {
			return fmt.Sprintf("unknown CompressionPerLevel %q", cut(string(c)))
		}
	}
	dictionary := t.lastCodec(o.Compression)
	switch {
	case perLevel && o.Compression != "":
		return "CompressionPerLevel and Compression exclude each other"
	case perLevel && t.CompressionLevel != 0:
		return "CompressionPerLevel and CompressionLevel exclude each other: codecs count levels differently"
	case !levelOf(o.Compression, t.CompressionLevel):
		return fmt.Sprintf("CompressionLevel %d is none of Compression %q", t.CompressionLevel, o.Compression)
	case !levelOf(t.BottommostCompression, t.BottommostCompressionLevel):
		return fmt.Sprintf("BottommostCompressionLevel %d is none of BottommostCompression %q", t.BottommostCompressionLevel, t.BottommostCompression)
	case t.DictionaryBytes < 0 || t.DictionaryBytes > mostDictionary:
		return "DictionaryBytes is out of range"
	case t.DictionaryTrainBytes < 0 || t.DictionaryTrainBytes > 100*mostDictionary:
		return "DictionaryTrainBytes is out of range"
	case t.DictionaryTrainBytes != 0 && t.DictionaryBytes == 0:
		return "DictionaryTrainBytes needs DictionaryBytes"
	case t.DictionaryBytes != 0 && !slices.Contains([]Compression{ZlibCompression, LZ4Compression, LZ4HCCompression, ZSTDCompression}, dictionary):
		return fmt.Sprintf("DictionaryBytes is nothing for Compression %q", dictionary)
	case t.DictionaryTrainBytes != 0 && dictionary != ZSTDCompression:
		return "DictionaryTrainBytes is for zstd"
	}
	return ""
}

// lastCodec is the codec of the last level.
func (t *Tuning) lastCodec(c Compression) Compression {
	for _, level := range t.CompressionPerLevel {
		c = cmp.Or(level, c)
	}
	if t.BottommostCompression != "" {
		c = t.BottommostCompression
	}
	return c
}

// levelOf tells whether a codec has a level; 0 is the default of each.
func levelOf(c Compression, level int) bool {
	most := map[Compression]int{ZlibCompression: 9, LZ4HCCompression: 12, ZSTDCompression: 22}
	return level == 0 || level > 0 && level <= most[c]
}

// codecNames are the codecs by RocksDB's names.
var codecNames = map[Compression]string{
	NoCompression: "kNoCompression", SnappyCompression: "kSnappyCompression", ZlibCompression: "kZlibCompression",
	LZ4Compression: "kLZ4Compression", LZ4HCCompression: "kLZ4HCCompression", ZSTDCompression: "kZSTD",
}

const tableOptions = "block_based_table_factory"

// named is what of the fields is set by RocksDB's names: so RocksDB notes it in the OPTIONS file, where it
// does not note the size of a filter that was made through its C API.
func (o *FamilyOptions) named() string {
	var all []string
	if table := o.namedTable(); len(table) > 0 {
		all = append(all, tableOptions+"={"+strings.Join(table, ";")+"}")
	}
	all = append(all, o.namedCompression()...)
	all = append(all, o.CompactDeletions.named()...)
	if o.PartitionPrefix > 0 {
		all = append(all, "sst_partitioner_factory={id=SstPartitionerFixedPrefixFactory;length="+strconv.Itoa(o.PartitionPrefix)+"}")
	}
	switch t := &o.Tuning; t.Compaction {
	case UniversalCompaction:
		all = append(all, "compaction_style=kCompactionStyleUniversal")
	case FIFOCompaction:
		all = append(all, "compaction_style=kCompactionStyleFIFO",
			"compaction_options_fifo={max_table_files_size="+strconv.FormatInt(t.FIFOMaxBytes, 10)+"}")
	}
	if o.BlobsFrom > 0 {
		all = append(all, "enable_blob_files=true", "enable_blob_garbage_collection=true", "min_blob_size="+strconv.FormatInt(o.BlobsFrom, 10))
		if name := codecNames[o.BlobCompression]; name != "" {
			all = append(all, "blob_compression_type="+name)
		}
	}
	return strings.Join(all, ";")
}

func (o *FamilyOptions) namedTable() (table []string) {
	if bits := strconv.FormatFloat(o.BloomBitsPerKey, 'g', -1, 64); o.Filter == RibbonFilter {
		table = append(table, "filter_policy=ribbonfilter:"+bits+":-1")
	} else if o.BloomBitsPerKey != 0 {
		table = append(table, "filter_policy=bloomfilter:"+bits+":false")
	}
	if o.PartitionFilters {
		table = append(table, "index_type=kTwoLevelIndexSearch", "partition_filters=true")
	}
	if o.PartitionFilters || o.Tuning.CacheIndex {
		table = append(table, "cache_index_and_filter_blocks=true")
	}
	return table
}

func (o *FamilyOptions) namedCompression() (all []string) {
	t := &o.Tuning
	var levels []string
	for i, c := 0, Compression(""); i < len(t.CompressionPerLevel) && t.CompressionPerLevel[0] != ""; i++ {
		c = cmp.Or(t.CompressionPerLevel[i], c)
		levels = append(levels, codecNames[c])
	}
	if len(levels) > 0 {
		all = append(all, "compression_per_level="+strings.Join(levels, ":"))
	}
	var dictionary []string
	if t.DictionaryBytes > 0 {
		dictionary = []string{
			"max_dict_bytes=" + strconv.Itoa(t.DictionaryBytes), "zstd_max_train_bytes=" + strconv.Itoa(t.DictionaryTrainBytes),
		}
	}
	detail := func(option string, level int, more ...string) {
		if level != 0 {
			more = append(more, "level="+strconv.Itoa(level))
		}
		if more = append(more, dictionary...); len(more) > 0 {
			all = append(all, option+"={"+strings.Join(more, ";")+"}")
		}
	}
	detail("compression_opts", t.CompressionLevel)
	if name := codecNames[t.BottommostCompression]; name != "" {
		all = append(all, "bottommost_compression="+name)
		detail("bottommost_compression_opts", t.BottommostCompressionLevel, "enabled=true")
	}
	return all
}
