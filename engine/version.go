package engine

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Feature is something that versions of RocksDB after 7.8, the oldest supported, added, or that RocksDB has in C++
// only.
type Feature int

// The features, and the version of RocksDB that brought each.
const (
	FlushFamilies     Feature = iota // 8.1: DB.Flush is atomic over the families
	WaitForCompact                   // 8.7: DB.WaitForCompact
	SnapshotSequence                 // 9.0: Snapshot.Sequence
	SharedMemtables                  // 8.9: databases share the memtables' part of a MemoryBudget
	SetDBOptions                     // 11.5: DB.SetOptions
	AsyncIO                          // 7.10: IterOptions.AsyncIO
	IngestBottommost                 // 8.1: IngestOptions.BottommostOnly
	BackupStop                       // 11.5: Backups.Create stops copying when its context ends
	BackupNote                       // 11.6: BackupOptions.Note
	StatisticsLevels                 // 8.6: Options.Statistics other than UsualStatistics
	HyperClock                       // 8.1: Options.BlockCache HyperClockCache
	TunedRateLimit                   // 8.9: Options.RateLimitTunes
	EventListeners                   // 10.3: Options.Events
	Resume                           // rb_cxx: DB.Resume
	CompactStatus                    // rb_cxx: Compact answers what became of the compaction
	FamilyFiles                      // 10.7: ColumnFamily.ExportFiles and DB.ImportFiles
	CompactFiles                     // 11.6: ColumnFamily.CompactFiles
	PauseBackground                  // 11.6: DB.PauseBackground
	DiskBudgets                      // 10.6: NewDiskBudget and Options.Disk
	CompactParts                     // 9.11: CompactOptions.Subcompactions and AllowStall
	CompactBlobs                     // 11.6: CompactOptions.Blobs and BlobAge
	IngestLinks                      // 11.6: IngestOptions.Link, NoFillCache and Threads
	IngestNoCopy                     // 11.6: IngestOptions.NoCopy
	SizeFlags                        // 9.5: SizeOptions.Memtables and NoFiles
	SizeMargin                       // 11.6: SizeOptions.Margin
	SizeBlobs                        // 11.6: SizeOptions.Blobs
	IdentityCall                     // 9.4: DB.Identity of databases in memory, or without the file of it
	AdaptiveReadAhead                // 11.6: IterOptions.AdaptiveReadAhead
	AllFiles                         // 11.6: DB.AllFiles
	WideColumns                      // rb_cxx: FamilyOptions.WideColumns
	RemoteCompaction                 // 10.11: Options.Compactor and OpenAndCompact
	Traces                           // 11.6: DB.StartTrace, StartIOTrace and StartBlockCacheTrace
	DeletionsMinSize                 // 10.6: DeletionTrigger.MinFileSize
	TableFilter                      // 11.6: IterOptions.Tables
	TableNewest                      // 11.6: TableNewestKeyTime and TableLargestSequence in IterOptions.Tables
	RateLimitModes                   // 9.0: Options.RateLimitMode other than LimitWrites
	IOContext                        // rb_cxx: figures of files in those of WithPerf
)

// cxxTag is the build tag with which the C++ part is compiled.
const cxxTag = "rb_cxx"

var features = map[Feature]struct {
	name, since string
	c           cbridge.Feature
	tagged      bool // the tag rb_cxx brings it to every version
}{
	FlushFamilies:     {"flush families", "8.1", cbridge.FeatureFlushFamilies, false},
	WaitForCompact:    {"wait for compact", "8.7", cbridge.FeatureWaitForCompact, false},
	SnapshotSequence:  {"snapshot sequence", "9.0", cbridge.FeatureSnapshotSequence, false},
	SetDBOptions:      {"set DB options", "11.5", cbridge.FeatureSetDBOptions, false},
	SharedMemtables:   {"shared memtables", "8.9", cbridge.FeatureWriteBuffers, true},
	AsyncIO:           {"async I/O", "7.10", cbridge.FeatureAsyncIO, false},
	IngestBottommost:  {"ingest bottommost", "8.1", cbridge.FeatureIngestBottommost, false},
	BackupStop:        {"backup stop", "11.5", cbridge.FeatureBackupStop, false},
	BackupNote:        {"backup note", "11.6", cbridge.FeatureBackupNote, false},
	StatisticsLevels:  {"statistics levels", "8.6", cbridge.FeatureStatisticsLevels, false},
	HyperClock:        {"hyper clock", "8.1", cbridge.FeatureHyperClock, false},
	TunedRateLimit:    {"tuned rate limit", "8.9", cbridge.FeatureTunedRateLimit, true},
	EventListeners:    {"event listeners", "10.3", cbridge.FeatureEvents, true},
	Resume:            {"resume", "", cbridge.FeatureResume, true},
	CompactStatus:     {"compact status", "", cbridge.FeatureCompactStatus, true},
	FamilyFiles:       {"family files", "10.7", cbridge.FeatureFamilyFiles, true},
	CompactFiles:      {"compact files", "11.6", cbridge.FeatureCompactFiles, true},
	PauseBackground:   {"pause background", "11.6", cbridge.FeaturePause, true},
	DiskBudgets:       {"disk budgets", "10.6", cbridge.FeatureDisk, true},
	CompactParts:      {"compact parts", "9.11", cbridge.FeatureCompactParts, true},
	CompactBlobs:      {"compact blobs", "11.6", cbridge.FeatureCompactBlobs, true},
	IngestLinks:       {"ingest links", "11.6", cbridge.FeatureIngestLinks, false},
	IngestNoCopy:      {"ingest no copy", "11.6", cbridge.FeatureIngestNoCopy, true},
	SizeFlags:         {"size flags", "9.5", cbridge.FeatureSizeFlags, true},
	SizeMargin:        {"size margin", "11.6", cbridge.FeatureSizeMargin, true},
	SizeBlobs:         {"size blobs", "11.6", cbridge.FeatureSizeBlobs, false},
	IdentityCall:      {"identity call", "9.4", cbridge.FeatureIdentity, false},
	AdaptiveReadAhead: {"adaptive read-ahead", "11.6", cbridge.FeatureAdaptive, false},
	AllFiles:          {"all files", "11.6", cbridge.FeatureAllFiles, true},
	WideColumns:       {"wide columns", "", cbridge.FeatureWideColumns, true},
	TableFilter:       {"table filter", "11.6", cbridge.FeatureTableFilter, true},
	TableNewest:       {"table newest", "11.6", cbridge.FeatureTableNewest, false},
	RateLimitModes:    {"rate limit modes", "9.0", cbridge.FeatureRateLimitMode, true},
	IOContext:         {"I/O context", "", cbridge.FeatureIOContext, true},
	RemoteCompaction:  {"remote compaction", "10.11", cbridge.FeatureCompactor, false},
	Traces:            {"traces", "11.6", cbridge.FeatureTraces, true},
	DeletionsMinSize:  {"deletions min size", "10.6", cbridge.FeatureDeletionsSize, false},
}

// String is the feature's name.
func (f Feature) String() string { return features[f].name }

// Since is the version of RocksDB that brought the feature; empty if no version's C API has it.
func (f Feature) Since() string { return features[f].since }

// Tag is the build tag that brings the feature to versions before Since: "rb_cxx", or empty if there is none.
func (f Feature) Tag() string {
	if features[f].tagged {
		return cxxTag
	}
	return ""
}

// Features lists all features.
func Features() []Feature {
	return []Feature{
		FlushFamilies, WaitForCompact, SnapshotSequence, SharedMemtables, SetDBOptions, AsyncIO, IngestBottommost,
		BackupStop, BackupNote, StatisticsLevels, HyperClock, TunedRateLimit, EventListeners, Resume, CompactStatus,
		FamilyFiles, CompactFiles, PauseBackground, DiskBudgets, CompactParts, CompactBlobs, IngestLinks, IngestNoCopy,
		SizeFlags, SizeMargin, SizeBlobs, IdentityCall, AdaptiveReadAhead, AllFiles, WideColumns, RemoteCompaction,
		Traces,
		DeletionsMinSize, TableFilter, TableNewest, RateLimitModes, IOContext,
	}
}

// Supports reports whether the linked RocksDB has a feature. A call that needs one it lacks answers
// ErrUnsupported and names the version that has it, or the build tag.
func Supports(f Feature) bool {
	x, known := features[f]
	return known && cbridge.Supports(x.c)
}

func unsupported(op string, f Feature) *Error {
	needs := "RocksDB " + f.Since()
	switch {
	case f.Since() == "":
		needs = "the build tag " + f.Tag()
	case f.Tag() != "":
		needs += ", or the build tag " + f.Tag()
	}
	return dberr.New(op, dberr.Unsupported, "it needs "+needs+"; linked is RocksDB "+Version())
}

// Version is the version of the linked RocksDB, such as "7.8.3". RocksDB's C API does not tell it: it is in the
// OPTIONS file that RocksDB writes at each Open. A call before the first one opens a database in a temporary directory.
// "unknown" if there can be none.
func Version() string {
	linked.finding.Lock()
	defer linked.finding.Unlock()
	if linked.version.Load() == nil {
		if v := versionOnDisk(); v != "" {
			linked.version.Store(&v)
		}
	}
	if v := linked.version.Load(); v != nil {
		return *v
	}
	return "unknown"
}

var linked struct {
	finding sync.Mutex // of the call that finds out
	version atomic.Pointer[string]
}

// learnVersion reads the version from the options file that the opening of a database has just written, if it is not
// known yet: whoever asks for it because a disk has failed can open no other database. before was the newest options
// file until then.
func learnVersion(dir, before string) {
	if linked.version.Load() != nil {
		return
	}
	if path, err := newestOptionsFile(dir); err != nil || path == before {
		return
	}
	if o, err := readOptionsFile(dir); err == nil && o != nil && o.version != "" {
		linked.version.Store(&o.version)
	}
}

// versionOnDisk opens a new database, which tells the version; empty if there can be none.
func versionOnDisk() string {
	dir, err := os.MkdirTemp("", "rockbridge-version-")
	if err != nil {
		return ""
	}
	defer os.RemoveAll(dir)
	d, err := Open(dir, nil)
	if err != nil {
		return ""
	}
	defer d.Close()
	if v := linked.version.Load(); v != nil {
		return *v
	}
	return ""
}

// linkedSince tells whether the linked RocksDB is of a version such as "9.3", or later; false if that is not known.
func linkedSince(version string) bool {
	var major, minor, a, b int
	_, err := fmt.Sscanf(version+" "+Version(), "%d.%d %d.%d", &major, &minor, &a, &b)
	return err == nil && (a > major || a == major && b >= minor)
}
