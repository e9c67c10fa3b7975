package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// addBadTuning adds options that contradict each other, by what the error names.
func addBadTuning(add func(what string, o engine.Options)) {
	budget, err := engine.NewMemoryBudget(8 << 20)
	must(err)
	must(budget.Close()) // it is not looked at
	const huge = math.MaxInt64
	for what, o := range map[string]engine.Options{
		"unknown BlockCache fast": {BlockCache: "fast"}, "unknown BlockCache LRU": {BlockCache: "LRU"},
		"BlockCache names a kind and BlockCacheSize wants none": {BlockCache: engine.HyperClockCache, BlockCacheSize: -1},
		"BlockCache and Memory exclude each other":              {BlockCache: engine.HyperClockCache, Memory: budget},
		"BlockCacheSize and Memory exclude each other":          {BlockCacheSize: 1 << 20, Memory: budget},
		"RateLimit is out of range":                             {RateLimit: -1},
		"RateLimit is out of range|1":                           {RateLimit: 1},
		"RateLimit is out of range|64 KiB - 1":                  {RateLimit: 64<<10 - 1},
		"RateLimitTunes needs RateLimit":                        {RateLimitTunes: true},
		"RateLimitMode needs RateLimit":                         {RateLimitMode: engine.LimitReads},
		"unknown RateLimitMode":                                 {RateLimit: 1 << 20, RateLimitMode: engine.LimitAll + 1},
		"RowCacheSize is out of range":                          {RowCacheSize: -1},
		"RowCacheSize is out of range|64 KiB - 1":               {RowCacheSize: 64<<10 - 1},
		"RowCacheSize is out of range|huge":                     {RowCacheSize: huge},
		"RowCacheSize and ReadOnly exclude":                     {RowCacheSize: 1 << 20, ReadOnly: true},
		"RowCacheSize and avoid_flush_during_recovery exclude":  {RowCacheSize: 1 << 20, Extra: "avoid_flush_during_recovery=true"},
		"RowCacheSize and best_efforts_recovery exclude":        {RowCacheSize: 1 << 20, Extra: "best_efforts_recovery=true"},
		"RowCacheSize and Timestamps exclude":                   {RowCacheSize: 1 << 20, FamilyOptions: engine.FamilyOptions{Timestamps: true}},
		`RowCacheSize and Timestamps exclude|family "other"`:    {RowCacheSize: 1 << 20, Families: map[string]engine.FamilyOptions{"other": {Timestamps: true}}},
		"RateLimit and rate_limiter_bytes_per_sec":              {RateLimit: 1 << 20, Extra: "rate_limiter_bytes_per_sec=1M"},
		"DirectReads and allow_mmap_reads exclude":              {DirectReads: true, Extra: "allow_mmap_reads=true"},
		"DirectWrites and allow_mmap_writes exclude":            {DirectWrites: true, Extra: "allow_mmap_writes=true"},
		"DirectWrites and allow_mmap_writes exclude|both":       {DirectReads: true, DirectWrites: true, Extra: "allow_mmap_writes=true"},
	} {
		add(what, o)
	}
	for what, t := range map[string]engine.Tuning{
		"PartitionFilters needs a block cache": {PartitionFilters: true}, "CacheIndex needs a block cache": {CacheIndex: true},
	} {
		f := engine.FamilyOptions{BloomBitsPerKey: 10, Tuning: t}
		add(what, engine.Options{BlockCacheSize: -1, FamilyOptions: f})
		add(what+`|family "other"`, engine.Options{BlockCacheSize: -1, Families: map[string]engine.FamilyOptions{"other": f}})
	}
	zstd, zlib, none, snappy := engine.ZSTDCompression, engine.ZlibCompression, engine.NoCompression, engine.SnappyCompression
	deletions := func(style engine.CompactionStyle, d engine.DeletionTrigger) engine.FamilyOptions {
		f := engine.FamilyOptions{Tuning: engine.Tuning{Compaction: style, CompactDeletions: d}}
		if style == engine.FIFOCompaction {
			f.FIFOMaxBytes = 1
		}
		return f
	}
	lz4, lz4hc := engine.LZ4Compression, engine.LZ4HCCompression
	for what, f := range map[string]engine.FamilyOptions{
		"unknown Filter bloom":                            {BloomBitsPerKey: 10, Tuning: engine.Tuning{Filter: "bloom"}},
		"Filter needs BloomBitsPerKey":                    {Tuning: engine.Tuning{Filter: engine.RibbonFilter}},
		"Filter ribbon needs a BloomBitsPerKey":           {BloomBitsPerKey: 0.5, Tuning: engine.Tuning{Filter: engine.RibbonFilter}},
		"PartitionFilters needs BloomBitsPerKey":          {Tuning: engine.Tuning{PartitionFilters: true}},
		"unknown Compaction tiered":                       {Tuning: engine.Tuning{Compaction: "tiered"}},
		"Compaction fifo needs FIFOMaxBytes":              {Tuning: engine.Tuning{Compaction: engine.FIFOCompaction}},
		"Compaction fifo needs FIFOMaxBytes|negative":     {Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: -1}},
		"FIFOMaxBytes is for Compaction fifo":             {Tuning: engine.Tuning{FIFOMaxBytes: 1}},
		"FIFOMaxBytes is for Compaction fifo|universal":   {Tuning: engine.Tuning{Compaction: engine.UniversalCompaction, FIFOMaxBytes: 1}},
		"BlobsFrom and Compaction fifo":                   {Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: 1, BlobsFrom: 1}},
		"BlobsFrom is out of range":                       {Tuning: engine.Tuning{BlobsFrom: -1}},
		"CompactDeletions.Window is out of range":         deletions(engine.LevelCompaction, engine.DeletionTrigger{Window: -1, Deletions: 1}),
		"CompactDeletions.Window is out of range|huge":    deletions(engine.LevelCompaction, engine.DeletionTrigger{Window: huge, Deletions: 1}),
		"CompactDeletions.Window and":                     deletions(engine.LevelCompaction, engine.DeletionTrigger{Window: 1}),
		"CompactDeletions.Window and|no window":           deletions(engine.LevelCompaction, engine.DeletionTrigger{Deletions: 1, Ratio: 1}),
		"CompactDeletions.Deletions is not":               deletions(engine.LevelCompaction, engine.DeletionTrigger{Window: 128, Deletions: 129}),
		"CompactDeletions.Deletions is not|negative":      deletions(engine.LevelCompaction, engine.DeletionTrigger{Window: 128, Deletions: -1}),
		"CompactDeletions.Ratio is not":                   deletions(engine.LevelCompaction, engine.DeletionTrigger{Ratio: -0.5}),
		"CompactDeletions.Ratio is not|above 1":           deletions(engine.LevelCompaction, engine.DeletionTrigger{Ratio: 1.5}),
		"CompactDeletions.Ratio is not|no number":         deletions(engine.LevelCompaction, engine.DeletionTrigger{Ratio: math.NaN()}),
		"CompactDeletions.MinFileSize is out of range":    deletions(engine.LevelCompaction, engine.DeletionTrigger{Ratio: 1, MinFileSize: -1}),
		"CompactDeletions.MinFileSize needs":              deletions(engine.LevelCompaction, engine.DeletionTrigger{MinFileSize: 1}),
		"CompactDeletions and Compaction fifo":            deletions(engine.FIFOCompaction, engine.DeletionTrigger{Ratio: 1}),
		"PartitionPrefix is out of range":                 {Tuning: engine.Tuning{PartitionPrefix: -1}},
		"PartitionPrefix is out of range|huge":            {Tuning: engine.Tuning{PartitionPrefix: engine.MaxKeySize + 1}},
		"PartitionPrefix and Compaction fifo":             {Tuning: engine.Tuning{PartitionPrefix: 1, Compaction: engine.FIFOCompaction, FIFOMaxBytes: 1}},
		"timestamps exclude PartitionPrefix":              {Timestamps: true, Tuning: engine.Tuning{PartitionPrefix: 1}},
		"PartitionPrefix and GoComparator exclude":        {GoComparator: &engine.GoComparator{Name: "c", Compare: bytes.Compare}, Tuning: engine.Tuning{PartitionPrefix: 1}},
		"BlobCompression needs BlobsFrom":                 {Tuning: engine.Tuning{BlobCompression: lz4}},
		"unknown BlobCompression gzip":                    {Tuning: engine.Tuning{BlobsFrom: 1, BlobCompression: "gzip"}},
		"unknown BottommostCompression gzip":              {Tuning: engine.Tuning{BottommostCompression: "gzip"}},
		`unknown CompressionPerLevel "gzip"`:              {Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{none, "gzip"}}},
		`unknown CompressionPerLevel ""`:                  {Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{"", none}}},
		"CompressionPerLevel and Compression exclude":     {Compression: lz4, Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{none}}},
		"CompressionPerLevel and CompressionLevel":        {Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{none, zstd}, CompressionLevel: 3}},
		`CompressionLevel 3 is none of Compression ""`:    {Tuning: engine.Tuning{CompressionLevel: 3}},
		`CompressionLevel 1 is none of Compression "none`: {Compression: none, Tuning: engine.Tuning{CompressionLevel: 1}},
		`CompressionLevel 1 is none of Compression "snap`: {Compression: snappy, Tuning: engine.Tuning{CompressionLevel: 1}},
		`CompressionLevel 1 is none of Compression "lz4"`: {Compression: lz4, Tuning: engine.Tuning{CompressionLevel: 1}},
		`CompressionLevel 13 is none`:                     {Compression: lz4hc, Tuning: engine.Tuning{CompressionLevel: 13}},
		`CompressionLevel 10 is none`:                     {Compression: zlib, Tuning: engine.Tuning{CompressionLevel: 10}},
		`CompressionLevel 23 is none`:                     {Compression: zstd, Tuning: engine.Tuning{CompressionLevel: 23}},
		`CompressionLevel -1 is none`:                     {Compression: zstd, Tuning: engine.Tuning{CompressionLevel: -1}},
		`CompressionLevel 9223372036854775807 is none`:    {Compression: zstd, Tuning: engine.Tuning{CompressionLevel: huge}},
		`BottommostCompressionLevel 3 is none`:            {Compression: zstd, Tuning: engine.Tuning{BottommostCompressionLevel: 3}},
		`BottommostCompressionLevel 99 is none`:           {Tuning: engine.Tuning{BottommostCompression: zstd, BottommostCompressionLevel: 99}},
		"DictionaryBytes is out of range":                 {Compression: zstd, Tuning: engine.Tuning{DictionaryBytes: -1}},
		"DictionaryBytes is out of range|huge":            {Compression: zstd, Tuning: engine.Tuning{DictionaryBytes: huge}},
		"DictionaryTrainBytes is out of range":            {Compression: zstd, Tuning: engine.Tuning{DictionaryBytes: 1, DictionaryTrainBytes: -1}},
		"DictionaryTrainBytes is out of range|huge":       {Compression: zstd, Tuning: engine.Tuning{DictionaryBytes: 1, DictionaryTrainBytes: huge}},
		"DictionaryTrainBytes needs DictionaryBytes":      {Compression: zstd, Tuning: engine.Tuning{DictionaryTrainBytes: 1}},
		`DictionaryBytes is nothing for Compression ""`:   {Tuning: engine.Tuning{DictionaryBytes: 1}},
		`DictionaryBytes is nothing for Compression "no`:  {Compression: none, Tuning: engine.Tuning{DictionaryBytes: 1}},
		`DictionaryBytes is nothing for Compression "sn`:  {Compression: zstd, Tuning: engine.Tuning{BottommostCompression: snappy, DictionaryBytes: 1}},
		`DictionaryBytes is nothing for Compression "snappy"|levels`: {
			Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{zstd, snappy}, DictionaryBytes: 1},
		},
		"DictionaryTrainBytes is for zstd": {Compression: lz4, Tuning: engine.Tuning{DictionaryBytes: 1, DictionaryTrainBytes: 1}},
	} {
		add(what, engine.Options{FamilyOptions: f})
		add(what+`|family "other"`, engine.Options{Families: map[string]engine.FamilyOptions{"other": f}})
	}
}

// tunings are what can be set, and what RocksDB must then write into the OPTIONS file.
func tunings() map[string]struct {
	f    engine.FamilyOptions
	want map[string]string
} {
	type row = struct {
		f    engine.FamilyOptions
		want map[string]string
	}
	return map[string]row{
		"ribbon":  {engine.FamilyOptions{BloomBitsPerKey: 10, Tuning: engine.Tuning{Filter: engine.RibbonFilter}}, map[string]string{"filter_policy": "ribbonfilter:10:-1"}},
		"bloom":   {engine.FamilyOptions{BloomBitsPerKey: 9.5}, map[string]string{"filter_policy": "bloomfilter:9.5"}},
		"cached":  {engine.FamilyOptions{Tuning: engine.Tuning{CacheIndex: true}}, map[string]string{"cache_index_and_filter_blocks": "true"}},
		"in part": {engine.FamilyOptions{BloomBitsPerKey: 10, Tuning: engine.Tuning{PartitionFilters: true}}, map[string]string{"partition_filters": "true", "index_type": "kTwoLevelIndexSearch", "cache_index_and_filter_blocks": "true"}},
		"last":    {engine.FamilyOptions{Compression: engine.LZ4Compression, Tuning: engine.Tuning{BottommostCompression: engine.ZSTDCompression, BottommostCompressionLevel: 6, DictionaryBytes: 16 << 10, DictionaryTrainBytes: 1 << 20}}, map[string]string{"compression": "kLZ4Compression", "bottommost_compression": "kZSTD"}},
		"zstd":    {engine.FamilyOptions{Compression: engine.ZSTDCompression, Tuning: engine.Tuning{CompressionLevel: 9}}, map[string]string{"compression": "kZSTD"}},
		"levels": {engine.FamilyOptions{Tuning: engine.Tuning{CompressionPerLevel: [7]engine.Compression{engine.NoCompression, "", engine.LZ4Compression, engine.ZSTDCompression}}}, map[string]string{
			"compression_per_level": "kNoCompression:kNoCompression:kLZ4Compression:kZSTD:kZSTD:kZSTD:kZSTD",
		}},
		"universal": {engine.FamilyOptions{Tuning: engine.Tuning{Compaction: engine.UniversalCompaction}}, map[string]string{"compaction_style": "kCompactionStyleUniversal"}},
		"fifo":      {engine.FamilyOptions{Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: 64 << 20}}, map[string]string{"compaction_style": "kCompactionStyleFIFO"}},
		"blobs": {engine.FamilyOptions{Tuning: engine.Tuning{BlobsFrom: 100, BlobCompression: engine.LZ4Compression}}, map[string]string{
			"enable_blob_files": "true", "min_blob_size": "100", "blob_compression_type": "kLZ4Compression", "enable_blob_garbage_collection": "true",
		}},
	}
}

func TestEveryTuningReachesRocksDBAndKeepsTheRows(t *testing.T) {
	for what, x := range tunings() {
		dir := created(t, &engine.Options{FamilyOptions: x.f, Families: map[string]engine.FamilyOptions{"other": x.f}})
		expectWritten(t, dir, "default", x.want)
		expectWritten(t, dir, "other", x.want)
		db := openDir(t, dir, &engine.Options{FamilyOptions: x.f}) // the other family comes from the OPTIONS file
		expectWritten(t, dir, "other", x.want)
		later, err := db.CreateColumnFamily("later", &x.f)
		if err != nil {
			t.Fatal(what, err)
		}
		expectWritten(t, dir, "later", x.want)
		for _, c := range []*engine.ColumnFamily{db.ColumnFamilies()[1], later} {
			rows := map[string]string{}
			for round := range 2 { // several tables, then one of the last level
				for i := range 60 {
					key := fmt.Sprintf("%03d", i+30*round)
					rows[key] = string(valueOf(150)) + key + strconv.Itoa(round)
					if err := c.Put([]byte(key), []byte(rows[key]), nil); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Flush(); err != nil {
					t.Fatal(what, err)
				}
			}
			if err := c.Compact(t.Context(), nil, nil); err != nil {
				t.Error(what, err)
			}
			for key, value := range rows {
				if got, err := c.Get([]byte(key), nil); err != nil || string(got) != value {
					t.Fatalf("%s: %s is %q, %v", what, key, got, err)
				}
			}
			if ok, err := c.Has([]byte("absent"), nil); ok || err != nil {
				t.Errorf("%s: %v, %v", what, ok, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheHyperClockCacheHoldsBlocks(t *testing.T) {
	o := &engine.Options{BlockCache: engine.HyperClockCache, BlockCacheSize: 8 << 20}
	if !engine.Supports(engine.HyperClock) {
		e := openFails(t, "too old", t.TempDir(), o)
		if !errors.Is(e, engine.ErrUnsupported) {
			t.Error(e)
		}
		return
	}
	db := perfDB(t, o)
	for range 2 {
		if _, err := db.Get([]byte("050"), nil); err != nil {
			t.Error(err)
		}
	}
	if n, err := db.PropertyInt(engine.PropBlockCacheCapacity); n != 8<<20 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := db.Get([]byte("050"), &engine.ReadOptions{CacheOnly: true}); err != nil {
		t.Errorf("from the cache: %v", err)
	}
	m, err := db.Metrics()
	if err != nil || m.Memory.BlockCache == 0 {
		t.Errorf("%+v, %v", m.Memory, err)
	}
}

// One that tunes itself begins with half the rate, and holds the same flush back more often.
func TestTheRateLimitHoldsFlushesBack(t *testing.T) {
	const drains = "rocksdb.number.rate_limiter.drains"
	plain := uint64(0)
	for _, o := range []*engine.Options{{}, {RateLimit: 2 << 20}, {RateLimit: 2 << 20, RateLimitTunes: true}} {
		o.Statistics, o.Compression = engine.UsualStatistics, engine.NoCompression
		if o.RateLimitTunes && !engine.Supports(engine.TunedRateLimit) {
			if e := openFails(t, "too old", t.TempDir(), o); !errors.Is(e, engine.ErrUnsupported) {
				t.Error(e)
			}
			continue
		}
		db := openTemp(t, o)
		for i := range 10 {
			if err := db.Put([]byte{byte(i)}, valueOf(100<<10), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
		n, known := statisticsOf(t, db).Tickers[drains]
		switch {
		case known && (n > 0) != (o.RateLimit > 0):
			t.Errorf("%d: the limiter's bucket was empty %d times", o.RateLimit, n)
		case known && o.RateLimitTunes && n <= plain:
			t.Errorf("the bucket of a limiter that tunes itself was empty %d times, of another %d times", n, plain)
		}
		t.Logf("limit %d, tunes itself %v: the bucket was empty %d times", o.RateLimit, o.RateLimitTunes, n)
		plain = n
	}
}

// A flush writes, a compaction of deleted rows reads: each mode counts what it names, and never reads of the caller.
func TestTheRateLimitsModeSaysWhatIsCounted(t *testing.T) {
	if !engine.Supports(engine.RateLimitModes) {
		o := &engine.Options{RateLimit: 1 << 20, RateLimitMode: engine.LimitReads}
		if e := openFails(t, "too old", t.TempDir(), o); !errors.Is(e, engine.ErrUnsupported) || !strings.Contains(e.Error(), "RateLimitMode") {
			t.Errorf("%+v", e)
		}
		return
	}
	const drains = "rocksdb.number.rate_limiter.drains"
	for _, c := range []struct {
		mode              engine.RateLimitMode
		flushes, compacts bool
	}{{engine.LimitWrites, true, false}, {engine.LimitReads, false, true}, {engine.LimitAll, true, true}} {
		for _, tunes := range []bool{false, true} {
			o := &engine.Options{RateLimit: 4 << 20, RateLimitMode: c.mode, RateLimitTunes: tunes, Statistics: engine.UsualStatistics}
			if tunes && !engine.Supports(engine.TunedRateLimit) {
				continue
			}
			o.Compression, o.BlockCacheSize = engine.NoCompression, -1
			db := openTemp(t, o)
			counted := func(work func() error) bool {
				before := statisticsOf(t, db).Tickers[drains]
				if err := work(); err != nil {
					t.Fatal(err)
				}
				return statisticsOf(t, db).Tickers[drains] > before
			}
			fill := func() error {
				for i := range 20 {
					if err := db.Put([]byte{byte(i)}, valueOf(100<<10), nil); err != nil {
						return err
					}
				}
				return db.Flush()
			}
			if got := counted(fill); got != c.flushes {
				t.Errorf("mode %d, %v: a flush is counted: %v", c.mode, tunes, got)
			}
			read := func() error { _, _, _, err := engine.Count(t.Context(), db, nil); return err }
			if counted(read) {
				t.Errorf("mode %d, %v: the caller's reads are counted", c.mode, tunes)
			}
			for i := range 20 {
				mustDo(t, db.Delete([]byte{byte(i)}, nil))
			}
			mustDo(t, db.Flush())
			compact := func() error { return db.Compact(nil, nil, nil) }
			if got := counted(compact); got != c.compacts {
				t.Errorf("mode %d, %v: a compaction that reads all and writes nothing is counted: %v", c.mode, tunes, got)
			}
		}
	}
}

func TestDirectIOKeepsTheRows(t *testing.T) {
	dir := t.TempDir()
	db, err := engine.Open(dir, &engine.Options{DirectReads: true, DirectWrites: true})
	if err != nil {
		if !errors.Is(err, engine.ErrIO) && !errors.Is(err, engine.ErrInvalidArgument) && !errors.Is(err, engine.ErrUnsupported) {
			t.Fatal(err)
		}
		t.Skip("the file system has no direct I/O: ", err)
	}
	if err := errors.Join(db.Put([]byte("k"), valueOf(10000), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Get([]byte("k"), nil); err != nil || len(v) != 10000 {
		t.Errorf("%d bytes, %v", len(v), err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	expectWritten(t, dir, "default", map[string]string{"use_direct_reads": "true", "use_direct_io_for_flush_and_compaction": "true"})
}

func TestFIFOCompactionDeletesTheOldestTables(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{
		Compression: engine.NoCompression, Tuning: engine.Tuning{Compaction: engine.FIFOCompaction, FIFOMaxBytes: 100 << 10},
	}})
	for i := range 5 {
		if err := errors.Join(db.Put([]byte{byte(i)}, valueOf(50<<10), nil), db.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Compact(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if ok, err := db.Has([]byte{0}, nil); ok || err != nil {
		t.Errorf("the first row: %v, %v", ok, err)
	}
	if ok, err := db.Has([]byte{4}, nil); !ok || err != nil {
		t.Errorf("the last row: %v, %v", ok, err)
	}
}

func TestAFamilyThatNeedsACacheIsNotCreatedWithout(t *testing.T) {
	db := openTemp(t, &engine.Options{BlockCacheSize: -1})
	_, err := db.CreateColumnFamily("new", &engine.FamilyOptions{BloomBitsPerKey: 10, Tuning: engine.Tuning{CacheIndex: true}})
	expectError(t, "no cache", err, engine.ErrInvalidArgument)
	_, err = db.CreateColumnFamily("new", &engine.FamilyOptions{Tuning: engine.Tuning{PartitionFilters: true}})
	expectError(t, "no filter", err, engine.ErrInvalidArgument)
	if n := len(db.ColumnFamilies()); n != 1 {
		t.Errorf("%d families", n)
	}
}
