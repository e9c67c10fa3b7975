package engine

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Limits in bytes. RocksDB is made for keys of up to 8 MiB and values of up to 3 GiB, and its batches
// count in 32 bits; what exceeds them is refused with ErrTooLarge before C sees it.
const (
	MaxKeySize   = cbridge.MaxKeySize
	MaxValueSize = cbridge.MaxValueSize
	MaxBatchSize = cbridge.MaxBatchSize
)

// Options say how Open opens a database. The zero value, as nil, means the defaults. It is plain
// data: it may be reused for several databases and is not kept.
type Options struct {
	FamilyOptions // of the default family

	// Families are the options of the other families. Those that do not exist are created; existing
	// ones that are missing here are opened with the options in the database's OPTIONS file.
	Families map[string]FamilyOptions

	ReadOnly       bool  // writes answer ErrReadOnly; other readers may have it open too
	ErrorIfMissing bool  // the default is to create the database
	ErrorIfExists  bool  // the default is to open it
	BlockCacheSize int64 // bytes, shared by all families; 0: 128 MiB, negative: none

	// RowCacheSize is how many bytes the rows of tables may take that are kept besides blocks, from 64 KiB on; 0: none are.
	// Get, GetPinned, GetAppend, Has and MultiGet find what they have read before without looking into a block, also where it was
	// a deletion; rows that are not there are looked for each time. What is kept is a row as one table has it, and new tables
	// begin without. MultiGet looks its keys up one after the other with it, in its one call into C. Iterators
	// neither use nor fill it, and NoFillCache does not keep rows out. It pays for hot rows in
	// large blocks that do not fit into the block cache, as each row is copied. DB.Metrics tells its size, and the ticker
	// rocksdb.row.cache.hit of DB.Statistics how often it served. With Memory it comes out of the budget.
	//
	// RocksDB would answer wrongly beside range deletions and timestamps. So there is no DeleteRange with it, and no file with range
	// deletions is taken by Ingest and ImportFiles: ErrUnsupported. Open answers ErrInvalidArgument with Timestamps, with
	// ReadOnly, avoid_flush_during_recovery and best_efforts_recovery, and for a database whose tables have range
	// deletions, or would not tell. Secondaries have none.
	RowCacheSize int64

	// Memory is a budget that the database shares with others, in place of BlockCacheSize. A family
	// without WriteBufferSize gets memtables of a sixteenth of it.
	Memory *MemoryBudget

	// InMemory has the database's files in memory, for tests: nothing on disk is touched, and dir is a name in it. Not
	// with DirectReads, DirectWrites and AcceptDataLoss. See MemoryFiles for what such a database has not.
	InMemory *MemoryFiles

	// MemtableShare is how many bytes of Memory all memtables of this database may take, where RocksDB
	// cannot share them between databases: before 8.9, without the build tag rb_cxx. 0: an eighth. The shares of all databases must
	// leave half of the budget to the cache. Later versions do without it.
	MemtableShare int64

	// Disk is a budget for table files that the database shares with others. Not with ReadOnly.
	Disk *DiskBudget

	// PipelinedWrite lets one group of writes go to the write-ahead log while the group before goes to
	// the memtables: more throughput for many concurrent writers, longer waits for each. Nothing that
	// is promised changes.
	PipelinedWrite bool

	// UnorderedWrite has each writer put its batch into the memtables by itself, after the log has it:
	// still more throughput, for weaker reads. What a write has returned from is seen by every read
	// that begins later, and crash safety is the same. But a snapshot or an iterator (also NewIters,
	// View and Count) taken while writes are under way may show these writes, or parts of a batch,
	// later and not yet at first: it is no fixed state then. Not with PipelinedWrite.
	UnorderedWrite bool

	// Commit says how commits of many goroutines are written together. See CommitMode.
	Commit CommitMode

	// FastLane and Gate are how many goroutines may be in C at once, whatever their number: in calls
	// that are expected not to block, and in those that may. The others wait in Go, in the order of
	// their coming, until their turn or the end of their context. So the process needs no more than
	// about GOMAXPROCS + FastLane + Gate threads for the database, and those of RocksDB's own. The gate
	// is divided into quarters: cold reads, iterators, commits that go by themselves, and the rest
	// (flush, compaction, checkpoint and the like).
	FastLane int // 0: four times GOMAXPROCS; at least 2
	Gate     int // 0: 64; at least 4

	// AcceptDataLoss opens a database whose write-ahead log is damaged, without what the damage has taken:
	// see Recovery. How RocksDB goes on there is up to wal_recovery_mode in Extra: by default the damage is
	// the end of all logs, but some it passes over, zeros for example, which leaves a hole. Without AcceptDataLoss
	// Open answers ErrCorruption, says what would be lost, and changes nothing. Some logs it answers so in any
	// case: those that the linked RocksDB would read without end.
	AcceptDataLoss bool

	// CatchUpEvery has a Secondary catch up by itself, so long after it has last done so; 0: only in
	// CatchUp. For OpenSecondary only. Secondary.CatchUpError tells how it goes.
	CatchUpEvery time.Duration

	// Logger gets the lines of RocksDB's own LOG, as they are written and at most a second later, with
	// their levels: RocksDB's INFO and HEADER are slog.LevelInfo, FATAL is above slog.LevelError. It
	// also gets slow calls and reports of handles that were garbage before they were closed, which go to
	// slog.Default() if it is nil. It is called from goroutines of rockbridge's own, and must not close
	// the database. Not with db_log_dir in Extra, which puts the LOG elsewhere.
	//
	// Before RocksDB 8.3 the LOG is kept nearly empty: see Extra. A database that is open read only has
	// none.
	Logger *slog.Logger

	// SlowThreshold has calls into RocksDB that take longer logged, at slog.LevelWarn, with the name of
	// the operation, family, the key's length and RocksDB's perf context: what the time went into. Never
	// keys or values. Each call is then timed by RocksDB and two short calls into C are added to it: a
	// read of a cached key takes more than twice as long. 0: none are.
	SlowThreshold time.Duration

	// BlockCache is the kind of the block cache. With Memory it is the budget's.
	BlockCache CacheKind

	// RateLimit is how many bytes a second flushes and compactions may write, all together, from 64 KiB
	// on; 0: no limit. It keeps them from taking the disk from reads. One that is below what is
	// written makes writes stall. With RateLimitTunes it is an upper bound, below which RocksDB chooses the rate
	// by what there is to do; ErrUnsupported before RocksDB 8.9, unless the build tag rb_cxx is set. RateLimitMode is
	// what it counts.
	RateLimit      int64
	RateLimitTunes bool
	RateLimitMode  RateLimitMode

	// DirectReads has tables read past the operating system's cache, so that only the block cache holds
	// them; DirectWrites does that for what flushes and compactions read and write. Open fails where the file
	// system cannot.
	DirectReads, DirectWrites bool

	// FileChecksums has a checksum made of each table file and each file of blobs as a whole, when it is written or
	// ingested, and kept in the manifest, checkpoints and backups too: for DB.FileChecksums and DB.VerifyFileChecksums. Files
	// that are there already, that DB.ImportFiles takes, or that Compactor's workers wrote have none until a compaction
	// writes them anew; those that have one keep it without the option too. Before RocksDB 9.2 it excludes block_align.
	FileChecksums bool

	// Statistics has RocksDB count what it does, for DB.Statistics. See StatisticsLevel.
	Statistics StatisticsLevel

	// Events has RocksDB tell what it does, for DB.Events, and says how many events are kept for somebody to take, up to
	// 1,048,576; 0: none are told. ErrUnsupported before RocksDB 10.3 without the build tag rb_cxx.
	Events int

	// ManualRecovery keeps RocksDB from going on by itself once a full disk has space again: commits fail until Resume, or
	// the next opening. For programs that want to look first. ErrUnsupported without the build tag rb_cxx.
	ManualRecovery bool

	// TimedRows opens a database of the kind that RocksDB's TTL (DBWithTTL) writes: behind each value stand four bytes
	// with the time when it was written, which reads do not show, and compactions remove rows that are older than their
	// family's RowTTL. All families have such values, from the creation of the database on: with other ones on disk Open
	// answers ErrInvalidArgument, and ErrUnsupported for such a database without TimedRows. An update or a merge gives
	// the row a new time, and so does Import; rows that are due are still read until a compaction has come by.
	//
	// ErrUnsupported are SingleDelete, Ingest, loaders and SST writers of a family, UpdatesSince and UpdatesFrom,
	// VerifyChecksums, Repair, ReadOnly, and before RocksDB 8.9 merge operators other than Uint64Add. Not with Transactions, InMemory or TTLFilter, which is the other way to have rows go,
	// with a time of its own for each row.
	TimedRows bool

	// Compactor has compactions done elsewhere, by somebody who calls OpenAndCompact with the job's Input, and answers what
	// that returned. It is called beside RocksDB's thread, which waits, so max_background_jobs in Extra is how many
	// jobs are away at once. It must not use the database.
	//
	// A job is done here, by RocksDB itself, if it answers an error (ErrCompactHere says no more, others are logged as warnings),
	// panics (which Health tells too: see OperatorError), answers anything but the whole result of this very job, or if a
	// table of that is not there or cannot be moved into the database. So nothing is lost, whatever a worker does.
	// The tables of a result go, and the folder when it is empty, whether they were used or not; what a worker leaves that was
	// killed is the program's to remove. ctx ends when the result is not waited for any more: Close has begun, or a
	// compaction by hand was stopped.
	//
	// Jobs of families with timestamps are not handed out, nor any while there are blob files in the database. Not with
	// InMemory, TimedRows, Disk, and db_paths and cf_paths in Extra. ErrUnsupported before RocksDB 10.11. See
	// docs/remote-compaction.md.
	Compactor func(ctx context.Context, job CompactionJob) ([]byte, error)

	// LogFilter is asked by Open about each write that the write-ahead logs hold and RocksDB is about to replay, in their
	// order: for a write that must not come back, such as one that ends the program each time. It is asked about those
	// also of which some families have their part in tables already; that part stays. Writes of LogData alone, and those
	// that were dropped before, it does not see.
	//
	// Once all verdicts are there, and before RocksDB reads the logs, writes that are dropped are taken out of them for good: they
	// are not back at the next Open, with the filter or without, whether what was replayed has been flushed or not. (With
	// RocksDB's own filter, wal_filter, they would be.) Recovery tells how many there were. A filter that answers an error
	// or panics fails Open with ErrAborted, an *OperatorError in it, and no log has changed. A process that is killed
	// while logs are changed may leave that to the older ones of them: open it with the filter again.
	//
	// It is called on the goroutine of Open. ErrCorruption if a log is damaged, whatever AcceptDataLoss says: the filter
	// would not see what is behind. ErrUnsupported for logs that are compressed or may have transactions in two phases,
	// and on other systems than Linux; ErrLocked if somebody has the database open. Not with ReadOnly, InMemory and
	// Pessimistic.
	LogFilter func(LoggedWrite) (LogVerdict, error)

	// Extra holds options of the database and of the default family by RocksDB's own names, as in
	// "max_open_files=100;max_background_jobs=4", 1 MiB at most. Unknown names are ErrInvalidArgument.
	//
	// Before RocksDB 8.3 the LOG file is kept nearly empty, since on a full disk writing to it can end
	// the process; "info_log_level=INFO_LEVEL" brings it back.
	Extra string

	// Transactions says whether Begin and Update work, and how transactions keep out of each other's way.
	// With it no ranges are deleted, and with Pessimistic plain writes wait for the locks of their keys.
	Transactions TxMode

	TxDB TxDBOptions // of Pessimistic

	unbounded bool // for tests that show what the lanes are for: there are none
}

// Compression names a codec.
type Compression string

// The codecs. The empty string is RocksDB's default: Snappy where it is linked.
const (
	NoCompression     Compression = "none"
	SnappyCompression Compression = "snappy"
	ZlibCompression   Compression = "zlib"
	LZ4Compression    Compression = "lz4"
	LZ4HCCompression  Compression = "lz4hc"
	ZSTDCompression   Compression = "zstd"
)

var compressionNumbers = map[Compression]int32{
	"": -1, NoCompression: 0, SnappyCompression: 1, ZlibCompression: 2, LZ4Compression: 4,
	LZ4HCCompression: 5, ZSTDCompression: 7,
}

// Uint64Add is the merge operator that adds: values and operands are 8 bytes, little endian.
const Uint64Add = "uint64add"

// FamilyOptions are the options of one column family. The zero value means the defaults.
type FamilyOptions struct {
	// MergeOperator is empty, Uint64Add, Int64Add, Int64Max, Int64Min, SetUnion, or what
	// AppendDelimited or BoundedList gives. A family without one refuses Merge. One that the database
	// was last opened with is taken over when this is empty, RocksDB's own string append, put, max and
	// xor operators included, as other programs set them; to name another one is ErrInvalidArgument,
	// but for another bound of a BoundedList.
	MergeOperator string
	// CompactionFilter is empty, TTLFilter, or what PrefixDrop gives. It may be another one each time;
	// the one that the database was last opened with is taken over when this is empty, and NoFilter
	// removes it.
	CompactionFilter string
	GoMerge          *GoMergeOperator    // in the place of MergeOperator; nil: none written in Go
	GoFilter         *GoCompactionFilter // in the place of CompactionFilter; nil: none written in Go
	GoPrefix         *GoPrefixExtractor  // nil: none written in Go. prefix_extractor in Extra takes its place
	Comparator       string              // empty: keys are in bytewise order, or as the database has them; ReverseBytewise
	GoComparator     *GoComparator       // in the place of Comparator; nil: none written in Go
	// Timestamps gives each row of the family a timestamp of 64 bits, and keeps its versions: writes are PutAt and
	// DeleteAt, reads go through At. A new family takes it for ever; one that has timestamps
	// in the database has them without this, too. It excludes comparators, operators, prefix extractors, blob
	// files and transactions. See docs/timestamps.md.
	Timestamps bool
	// WideColumns has the family hold rows of several columns, entities in RocksDB's words: PutEntity and GetEntity.
	// ErrUnsupported without the build tag rb_cxx. RocksDB notes it nowhere: a family that has held entities is to be opened
	// with it each time, since without it they show as values of DefaultColumn only. It excludes merge operators,
	// compaction filters, Timestamps, blob files, TimedRows and transactions. See docs/widecolumns.md.
	WideColumns     bool
	RowTTL          time.Duration // how long after its writing a row goes, with TimedRows: whole seconds up to five years; 0: never
	Compression     Compression
	WriteBufferSize int64   // bytes of a memtable, up to 64 GiB; 0: RocksDB's default
	BlockSize       int     // bytes of a data block before compression; 0: RocksDB's default
	BloomBitsPerKey float64 // size of the filters, up to 100; 0: none
	Tuning                  // compression in detail, kinds of filters and compactions, blob files

	// Extra holds options of the family by RocksDB's own names. It goes on top of the fields above.
	// Unknown names are ErrInvalidArgument; those of the database's own options have no effect here.
	Extra string
}

// ReadOptions say how a key is read. Nil means the defaults.
type ReadOptions struct {
	Context           context.Context // covers waits in Go; its deadline goes down to RocksDB
	CacheOnly         bool            // ErrWouldBlock instead of I/O, and instead of an empty value
	NoFillCache       bool            // blocks read are not kept in the block cache
	NoVerifyChecksums bool
}

// WriteOptions say how a write is committed. Nil means the defaults: not synced, as in RocksDB.
type WriteOptions struct {
	// Context is looked at before the write and while it waits. A caller leaves at once when it ends; the
	// error's text says that the outcome is unknown if the write was already under way, and may yet be
	// seen. Not so, once it is under way, a batch above 128 KiB, nor any write with NoSlowdown, LowPriority
	// or CommitAlone.
	Context     context.Context
	Sync        bool // on disk before the call returns: survives a power cut
	DisableWAL  bool // lost if the process ends before a flush
	NoSlowdown  bool // ErrWouldBlock instead of waiting in a write stall
	LowPriority bool // slowed down first when compaction is behind; not above 100,000 bytes

	// Gather lets the goroutines that are ready to run do so before the call into C, so that those of them that commit are
	// written with this one: for servers, since each call into C writes to the log. Where goroutines compute for long, it waits
	// for that. It counts where commits are grouped, and not for one that may leave because of its Context, nor in a
	// transaction.
	Gather bool
}

// Sync asks for durability at the call: db.Put(k, v, engine.Sync). It must not be modified.
var Sync = &WriteOptions{Sync: true}

// IterOptions say what an iterator walks over. Nil means everything. LowerBound, UpperBound and
// Prefix intersect. All slices are copied. An iterator never misses a key of its range, whatever
// prefix extractor the family has.
type IterOptions struct {
	LowerBound        []byte // keys >= it; nil: open
	UpperBound        []byte // keys < it; nil: open; empty but not nil: an empty range
	Prefix            []byte // keys that begin with it
	Limit             int    // rows at most Limit-1 steps from where First, Last or a seek lands, fetched 256 at once; 0: no limit
	KeysOnly          bool   // values are nil
	NoFillCache       bool   // blocks read are not kept in the block cache
	NoVerifyChecksums bool   //
	ValuesUpTo        int    // values are cut after so many bytes, and ValueLen tells how many there were; 0: whole
	ReadAhead         int    // bytes, up to 256 MiB; 0: RocksDB's automatic read-ahead
	CacheOnly         bool   // ErrWouldBlock where a file would have to be read; rows before it are right

	// Columns has values be all columns of their rows, for Iterator.Columns and DecodeColumns; without it they are those of
	// DefaultColumn, which Filter sees in any case. ErrInvalidArgument for a family without WideColumns, and with ValuesUpTo.
	Columns bool

	// Filter has C pass over the rows that it does not keep: nil keeps all. What Limit counts are rows
	// that are kept. SetBounds and Refresh leave it. A call into C looks at 4,096 rows, or 4 MiB of rows, at
	// most; then the context is looked at.
	Filter *Predicate

	// Tables has RocksDB pass by the table files that do not meet all of the conditions, without reading their rows; those in
	// memtables are always there. What is passed by is not there for those that are read either: where a newer value or a
	// deletion is in it, an older row shows; of a deletion of a range it is open which. So it is for rows that are
	// written once, or for a first look at where something has happened. ErrUnsupported before RocksDB 11.6 without
	// the tag rb_cxx, and for a family with a merge operator; Versions has no use for it: ErrInvalidArgument. SetBounds and Refresh
	// leave it.
	Tables []TableCondition

	// NoBackground keeps an iterator from fetching rows beside its user. It does so by itself in long scans
	// without a Limit, as soon as it has seen that the user takes at least half as long for rows as RocksDB
	// does, and another processor is free: in a slot of the gate, never waiting for one, and never further
	// ahead than one fill of 128 KiB.
	NoBackground bool

	// AsyncIO lets RocksDB read ahead through io_uring. ErrUnsupported before RocksDB 7.10. A RocksDB
	// that was built without liburing, as Debian's, says nothing and reads as without it.
	AsyncIO bool

	// AdaptiveReadAhead has the automatic read-ahead go on with the size that it has reached where a level's next file
	// begins, instead of anew. ErrUnsupported before RocksDB 11.6; ErrInvalidArgument with ReadAhead, which has one size.
	AdaptiveReadAhead bool

	// Context is looked at before each fill. Its deadline, fixed when the iterator is made, goes down to
	// RocksDB, which looks at it whenever it reads a file, and to the loops in C, which do every 64 rows.
	Context context.Context

	eager bool // for tests: every fill is followed by one in the background
	fill  int  // for tests: how many bytes a fill asks for; 0: as rows need it
}

// plan gives the options to the C glue in its terms.
func (o *Options) plan() cbridge.DBOptions {
	cache := o.BlockCacheSize
	if o.Memory != nil {
		cache = -1 // the budget's takes its place
	}
	return cbridge.DBOptions{
		ReadOnly: o.ReadOnly, ErrorIfMissing: o.ErrorIfMissing, ErrorIfExists: o.ErrorIfExists,
		BlockCacheSize: cache, Transactions: uint32(o.Transactions), Statistics: o.Statistics.c(),
		HyperClock: o.BlockCache == HyperClockCache, CacheEntry: o.cacheEntry(),
		RateLimit: uint64(o.RateLimit), RateLimitTunes: o.RateLimitTunes, RateLimitMode: uint8(o.RateLimitMode),
		ManualRecovery: o.ManualRecovery, TimedRows: o.TimedRows,
		RowCacheSize: uint64(o.RowCacheSize),
	}
}

func (o *Options) validate() error {
	switch {
	case o.CatchUpEvery != 0:
		return invalid("open", "CatchUpEvery is for OpenSecondary")
	case o.ErrorIfMissing && o.ErrorIfExists:
		return invalid("open", "ErrorIfMissing and ErrorIfExists exclude every database")
	case o.SlowThreshold < 0:
		return invalid("open", "SlowThreshold is negative")
	case o.Logger != nil && settingsOf(o.Extra)["db_log_dir"] != "":
		return invalid("open", "Logger follows the LOG in the database's directory: it excludes db_log_dir")
	case o.ReadOnly && o.ErrorIfExists:
		return invalid("open", "ReadOnly and ErrorIfExists exclude every database")
	}
	if err := validateExtra("Options.Extra", o.Extra); err != nil {
		return err
	}
	if err := o.validateModes(); err != nil {
		return err
	}
	if err := cmp.Or(o.validateMemory(), o.validateRowCache()); err != nil {
		return err
	}
	if err := cmp.Or(o.validateDisk(), o.validateCompactor(), o.validateLogFilter()); err != nil {
		return err
	}
	if err := o.refuseInMemory(); err != nil {
		return err
	}
	if err := o.validateTimed(); err != nil {
		return err
	}
	if err := o.Commit.validate(); err != nil {
		return err
	}
	if err := o.validateLanes(); err != nil {
		return err
	}
	if err := o.Statistics.validate(); err != nil {
		return err
	}
	if err := o.validateEvents(); err != nil {
		return err
	}
	if err := o.validateTuning(); err != nil {
		return err
	}
	if err := o.validateTransactions(); err != nil {
		return err
	}
	if err := o.FamilyOptions.validate(defaultFamily); err != nil {
		return err
	}
	if why := refuseArena(o.WriteBufferSize, o.Extra, o.FamilyOptions.Extra); why != "" {
		return invalid("", "Options.Extra "+why)
	}
	for name, f := range o.Families {
		if name == defaultFamily {
			return invalid("open", "Options.Families names the default family, whose options are those of Options itself")
		}
		if err := validateFamilyName(name); err != nil {
			return err
		}
		if err := f.validate(name); err != nil {
			return err
		}
	}
	return nil
}

// maxFamilyName is what a record of the manifest and a line of the OPTIONS file hold with ease.
const maxFamilyName = 1 << 20

func validateFamilyName(name string) error {
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return invalid("", "a name must not be empty or contain a zero byte")
	}
	return nil
}

func (o *FamilyOptions) validate(name string) error {
	bad := func(msg string) error {
		e := invalid("", msg)
		e.Family = name
		return e
	}
	if _, known := compressionNumbers[o.Compression]; !known {
		return bad("unknown Compression " + cut(string(o.Compression)))
	}
	if _, err := o.operators(); err != nil {
		return describeFamily(err, name)
	}
	switch {
	case o.WriteBufferSize < 0 || o.WriteBufferSize > maxWriteBuffer:
		return bad("WriteBufferSize is out of range")
	case o.BlockSize < 0 || o.BlockSize > math.MaxInt32:
		return bad("BlockSize is out of range")
	case math.IsNaN(o.BloomBitsPerKey) || o.BloomBitsPerKey < 0 || o.BloomBitsPerKey > 100:
		return bad("BloomBitsPerKey is out of range")
	}
	if len(o.Extra) > longestExtra {
		return bad("FamilyOptions.Extra is longer than a mebibyte")
	}
	if why := refuseArena(o.WriteBufferSize, o.Extra); why != "" {
		return bad("FamilyOptions.Extra " + why)
	}
	if why := o.refuseTuning(); why != "" {
		return bad(why)
	}
	if err := o.CompactDeletions.offered(); err != nil {
		return describeFamily(err, name)
	}
	return describeFamily(validateExtra("FamilyOptions.Extra", o.Extra), name)
}

func (o *FamilyOptions) plan() cbridge.FamilyOptions {
	return cbridge.FamilyOptions{
		WriteBufferSize: uint64(o.WriteBufferSize), BlockSize: uint64(o.BlockSize),
		Compression: compressionNumbers[o.Compression], Named: o.named(),
	}
}

// lowPriorityMost is below what RocksDB's throttle for writes of low priority, 1 MiB a second in ten
// steps, takes in one go. A build of RocksDB with assertions ends the process over a larger write.
const lowPriorityMost = 100_000

// flags gives the options to the C glue in its terms, for a write of about size bytes.
func (o *WriteOptions) flags(op string, size int) (uint32, error) {
	if o == nil {
		return 0, nil
	}
	if o.Sync && o.DisableWAL {
		return 0, invalid(op, "Sync and DisableWAL contradict each other: there is nothing to sync")
	}
	return bit(o.Sync, cbridge.Sync) | bit(o.DisableWAL, cbridge.NoWAL) |
		bit(o.NoSlowdown, cbridge.NoSlowdown) | bit(o.LowPriority && size <= lowPriorityMost, cbridge.LowPriority), nil
}

func (o *WriteOptions) context() context.Context {
	if o == nil {
		return nil
	}
	return o.Context
}

func (o *WriteOptions) gather() bool { return o != nil && o.Gather }

func (o *ReadOptions) context() context.Context {
	if o == nil {
		return nil
	}
	return o.Context
}

// read gives the options to the C glue in its terms, without the snapshot.
func (o *ReadOptions) read() cbridge.Read {
	if o == nil {
		return cbridge.Read{}
	}
	r := cbridge.Read{
		Flags: bit(o.CacheOnly, cbridge.CacheOnly) | bit(o.NoFillCache, cbridge.NoFill) |
			bit(o.NoVerifyChecksums, cbridge.NoVerify),
	}
	r.Deadline = deadline(o.Context)
	return r
}

// deadline is that of ctx, which may be nil, in microseconds since 1970; 0 for none. One that a count
// of microseconds cannot hold never comes.
func deadline(ctx context.Context) uint64 {
	if ctx == nil {
		return 0
	}
	const never = math.MaxInt64 / 2 / 1_000_000 // seconds; RocksDB computes with the time that is left
	t, ok := ctx.Deadline()
	switch {
	case !ok || t.Unix() > never:
		return 0
	case t.Unix() < 0:
		return 1
	}
	return uint64(max(t.UnixMicro(), 1))
}

func bit(on bool, flag uint32) uint32 {
	if on {
		return flag
	}
	return 0
}
