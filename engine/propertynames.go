package engine

// The properties of RocksDB by name. Those whose comment begins with "and" want a number behind the name, as in
// PropNumFilesAtLevel + "0". Numbers and the like are of a family unless Properties says otherwise; which method
// reads each, it says too. Sizes are in bytes.
const (
	PropNumImmutableMemtables            = "rocksdb.num-immutable-mem-table"              // memtables that wait for a flush
	PropNumImmutableMemtablesFlushed     = "rocksdb.num-immutable-mem-table-flushed"      // memtables that are flushed, and still kept
	PropMemtableFlushPending             = "rocksdb.mem-table-flush-pending"              // 1: a flush is pending
	PropCompactionPending                = "rocksdb.compaction-pending"                   // 1: a compaction is pending
	PropCurSizeActiveMemtable            = "rocksdb.cur-size-active-mem-table"            // bytes of the memtable that takes writes
	PropCurSizeAllMemtables              = "rocksdb.cur-size-all-mem-tables"              // bytes of the memtables that are not flushed
	PropSizeAllMemtables                 = "rocksdb.size-all-mem-tables"                  // bytes of all memtables, pinned ones too
	PropNumEntriesActiveMemtable         = "rocksdb.num-entries-active-mem-table"         // records in the memtable that takes writes
	PropNumEntriesImmMemtables           = "rocksdb.num-entries-imm-mem-tables"           // records in memtables that wait for a flush
	PropNumDeletesActiveMemtable         = "rocksdb.num-deletes-active-mem-table"         // deletions in the memtable that takes writes
	PropNumDeletesImmMemtables           = "rocksdb.num-deletes-imm-mem-tables"           // deletions in memtables that wait for a flush
	PropEstimateNumKeys                  = "rocksdb.estimate-num-keys"                    // keys, an estimate
	PropEstimateTableReadersMem          = "rocksdb.estimate-table-readers-mem"           // bytes of index and filter blocks outside the cache
	PropNumLiveVersions                  = "rocksdb.num-live-versions"                    // states of the files that are kept
	PropCurrentSuperVersionNumber        = "rocksdb.current-super-version-number"         // grows with every flush and compaction
	PropEstimateLiveDataSize             = "rocksdb.estimate-live-data-size"              // bytes, an estimate
	PropBaseLevel                        = "rocksdb.base-level"                           // the level that compactions of level 0 go to
	PropTotalSSTFilesSize                = "rocksdb.total-sst-files-size"                 // bytes of table files, obsolete ones that readers keep too
	PropLiveSSTFilesSize                 = "rocksdb.live-sst-files-size"                  // bytes of table files of the newest state
	PropObsoleteSSTFilesSize             = "rocksdb.obsolete-sst-files-size"              // 8.4: bytes of table files that are to be deleted
	PropEstimatePendingCompactionBytes   = "rocksdb.estimate-pending-compaction-bytes"    // bytes that compactions have yet to rewrite, an estimate
	PropEstimateOldestKeyTime            = "rocksdb.estimate-oldest-key-time"             // seconds since 1970; of FIFO compaction only
	PropNumBlobFiles                     = "rocksdb.num-blob-files"                       // blob files of the newest state
	PropTotalBlobFileSize                = "rocksdb.total-blob-file-size"                 // bytes of blob files, obsolete ones that readers keep too
	PropLiveBlobFileSize                 = "rocksdb.live-blob-file-size"                  // bytes of blob files of the newest state
	PropLiveBlobFileGarbageSize          = "rocksdb.live-blob-file-garbage-size"          // bytes of these that nothing refers to
	PropBackgroundErrors                 = "rocksdb.background-errors"                    // flushes and compactions that failed
	PropIsFileDeletionsEnabled           = "rocksdb.is-file-deletions-enabled"            // how often deletions of files were forbidden; 0: they are allowed
	PropNumSnapshots                     = "rocksdb.num-snapshots"                        // snapshots that are not released
	PropOldestSnapshotTime               = "rocksdb.oldest-snapshot-time"                 // seconds since 1970; 0: there is none
	PropOldestSnapshotSequence           = "rocksdb.oldest-snapshot-sequence"             // its sequence number; 0: there is none
	PropMinLogNumberToKeep               = "rocksdb.min-log-number-to-keep"               // the oldest write-ahead log that is needed
	PropMinObsoleteSSTNumberToKeep       = "rocksdb.min-obsolete-sst-number-to-keep"      // the oldest obsolete table file that is kept
	PropNumRunningFlushes                = "rocksdb.num-running-flushes"                  // flushes under way
	PropNumRunningCompactions            = "rocksdb.num-running-compactions"              // compactions under way
	PropNumRunningCompactionSortedRuns   = "rocksdb.num-running-compaction-sorted-runs"   // 10.0: sorted runs that compactions under way read
	PropCompactionAbortCount             = "rocksdb.compaction-abort-count"               // 11.0: how often compactions were told to stop
	PropActualDelayedWriteRate           = "rocksdb.actual-delayed-write-rate"            // bytes a second that writes are slowed down to; 0: they are not
	PropIsWriteStopped                   = "rocksdb.is-write-stopped"                     // 1: writes are stopped
	PropBlockCacheCapacity               = "rocksdb.block-cache-capacity"                 // bytes
	PropBlockCacheUsage                  = "rocksdb.block-cache-usage"                    // bytes
	PropBlockCachePinnedUsage            = "rocksdb.block-cache-pinned-usage"             // bytes of blocks in use
	PropBlobCacheCapacity                = "rocksdb.blob-cache-capacity"                  // bytes
	PropBlobCacheUsage                   = "rocksdb.blob-cache-usage"                     // bytes
	PropBlobCachePinnedUsage             = "rocksdb.blob-cache-pinned-usage"              // bytes of blobs in use
	PropNumFilesAtLevel                  = "rocksdb.num-files-at-level"                   // and a level: table files there
	PropLiveSSTFilesSizeAtTemperature    = "rocksdb.live-sst-files-size-at-temperature"   // and RocksDB's number of a temperature: bytes of table files
	PropCompressionRatioAtLevel          = "rocksdb.compression-ratio-at-level"           // and a level: raw bytes for each byte of its files; -1: there are none
	PropAggregatedTableProperties        = "rocksdb.aggregated-table-properties"          // sums over the properties of all table files
	PropAggregatedTablePropertiesAtLevel = "rocksdb.aggregated-table-properties-at-level" // and a level: sums over those there
	PropCFWriteStallStats                = "rocksdb.cf-write-stall-stats"                 // 8.1: how often the family had writes slowed down and stopped, by cause
	PropDBWriteStallStats                = "rocksdb.db-write-stall-stats"                 // 8.1: how often the database had, by cause
	PropStats                            = "rocksdb.stats"                                // the two that follow
	PropCFStats                          = "rocksdb.cfstats"                              // levels, compactions and latencies
	PropDBStats                          = "rocksdb.dbstats"                              // writes, stalls and syncs
	PropCFStatsNoFileHistogram           = "rocksdb.cfstats-no-file-histogram"            // levels and compactions
	PropCFFileHistogram                  = "rocksdb.cf-file-histogram"                    // how long reads of files took, by level
	PropLevelStats                       = "rocksdb.levelstats"                           // files and sizes, by level
	PropSSTables                         = "rocksdb.sstables"                             // all table files
	PropBlobStats                        = "rocksdb.blob-stats"                           // number and sizes of blob files
	PropBlockCacheEntryStats             = "rocksdb.block-cache-entry-stats"              // what the block cache holds, by kind; goes over all of it
	PropFastBlockCacheEntryStats         = "rocksdb.fast-block-cache-entry-stats"         // the same, perhaps of some time ago
	PropOptionsStatistics                = "rocksdb.options-statistics"                   // what DB.Statistics reads
)

// properties describes each. Those without a version are in all that are supported.
var properties = []PropertyInfo{
	{Name: PropNumImmutableMemtables, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumImmutableMemtablesFlushed, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropMemtableFlushPending, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropCompactionPending, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropCurSizeActiveMemtable, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropCurSizeAllMemtables, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropSizeAllMemtables, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumEntriesActiveMemtable, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumEntriesImmMemtables, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumDeletesActiveMemtable, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumDeletesImmMemtables, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropEstimateNumKeys, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropEstimateTableReadersMem, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumLiveVersions, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropCurrentSuperVersionNumber, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropEstimateLiveDataSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropBaseLevel, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropTotalSSTFilesSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropLiveSSTFilesSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropObsoleteSSTFilesSize, Kind: PropertyNumber, scope: ofDatabase, Since: "8.4"},
	{Name: PropEstimatePendingCompactionBytes, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropEstimateOldestKeyTime, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropNumBlobFiles, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropTotalBlobFileSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropLiveBlobFileSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropLiveBlobFileGarbageSize, Kind: PropertyNumber, scope: ofFamily},
	{Name: PropBackgroundErrors, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropIsFileDeletionsEnabled, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropNumSnapshots, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropOldestSnapshotTime, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropOldestSnapshotSequence, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropMinLogNumberToKeep, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropMinObsoleteSSTNumberToKeep, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropNumRunningFlushes, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropNumRunningCompactions, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropNumRunningCompactionSortedRuns, Kind: PropertyNumber, scope: ofFamily, Since: "10.0"},
	{Name: PropCompactionAbortCount, Kind: PropertyNumber, scope: ofDatabase, Since: "11.0"},
	{Name: PropActualDelayedWriteRate, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropIsWriteStopped, Kind: PropertyNumber, scope: ofDatabase},
	{Name: PropBlockCacheCapacity, Kind: PropertyNumber, scope: ofCache},
	{Name: PropBlockCacheUsage, Kind: PropertyNumber, scope: ofCache},
	{Name: PropBlockCachePinnedUsage, Kind: PropertyNumber, scope: ofCache},
	{Name: PropBlobCacheCapacity, Kind: PropertyNumber, scope: ofCache},
	{Name: PropBlobCacheUsage, Kind: PropertyNumber, scope: ofCache},
	{Name: PropBlobCachePinnedUsage, Kind: PropertyNumber, scope: ofCache},
	{Name: PropNumFilesAtLevel, Kind: PropertyNumber, scope: ofFamily, Numbered: true},
	{Name: PropLiveSSTFilesSizeAtTemperature, Kind: PropertyNumber, scope: ofFamily, Numbered: true},
	{Name: PropCompressionRatioAtLevel, Kind: PropertyFraction, scope: ofFamily, Numbered: true},
	{Name: PropAggregatedTableProperties, Kind: PropertyMap, scope: ofFamily},
	{Name: PropAggregatedTablePropertiesAtLevel, Kind: PropertyMap, scope: ofFamily, Numbered: true},
	{Name: PropCFWriteStallStats, Kind: PropertyMap, scope: ofFamily, Since: "8.1"},
	{Name: PropDBWriteStallStats, Kind: PropertyMap, scope: ofDatabase, Since: "8.1"},
	{Name: PropStats, Kind: PropertyText, scope: ofDatabase},
	{Name: PropCFStats, Kind: PropertyText, scope: ofFamily},
	{Name: PropDBStats, Kind: PropertyText, scope: ofDatabase},
	{Name: PropCFStatsNoFileHistogram, Kind: PropertyText, scope: ofFamily},
	{Name: PropCFFileHistogram, Kind: PropertyText, scope: ofFamily},
	{Name: PropLevelStats, Kind: PropertyText, scope: ofFamily},
	{Name: PropSSTables, Kind: PropertyText, scope: ofFamily},
	{Name: PropBlobStats, Kind: PropertyText, scope: ofFamily},
	{Name: PropBlockCacheEntryStats, Kind: PropertyText, scope: ofCache},
	{Name: PropFastBlockCacheEntryStats, Kind: PropertyText, scope: ofCache},
	{Name: PropOptionsStatistics, Kind: PropertyText, scope: ofDatabase},
}
