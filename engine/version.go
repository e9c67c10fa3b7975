package engine

import (
	"fmt"
	"os"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Feature is something that versions of RocksDB after 7.8, the oldest supported, added.
type Feature int

// The features, and the version of RocksDB that brought each.
const (
	FlushFamilies    Feature = iota // 8.1: DB.Flush is atomic over the families
	WaitForCompact                  // 8.7: DB.WaitForCompact
	SnapshotSequence                // 9.0: Snapshot.Sequence
	SharedMemtables                 // 8.9: databases share the memtables' part of a MemoryBudget
	SetDBOptions                    // 11.5: DB.SetOptions
	AsyncIO                         // 7.10: IterOptions.AsyncIO
	IngestBottommost                // 8.1: IngestOptions.BottommostOnly
	BackupStop                      // 11.5: Backups.Create stops copying when its context ends
	BackupNote                      // 11.6: BackupOptions.Note
	StatisticsLevels                // 8.6: Options.Statistics other than UsualStatistics
	HyperClock                      // 8.1: Options.BlockCache HyperClockCache
	TunedRateLimit                  // 8.9: Options.RateLimitTunes
)

var features = map[Feature]struct {
	name, since string
	c           cbridge.Feature
}{
	FlushFamilies:    {"flush families", "8.1", cbridge.FeatureFlushFamilies},
	WaitForCompact:   {"wait for compact", "8.7", cbridge.FeatureWaitForCompact},
	SnapshotSequence: {"snapshot sequence", "9.0", cbridge.FeatureSnapshotSequence},
	SetDBOptions:     {"set DB options", "11.5", cbridge.FeatureSetDBOptions},
	SharedMemtables:  {"shared memtables", "8.9", cbridge.FeatureWriteBuffers},
	AsyncIO:          {"async I/O", "7.10", cbridge.FeatureAsyncIO},
	IngestBottommost: {"ingest bottommost", "8.1", cbridge.FeatureIngestBottommost},
	BackupStop:       {"backup stop", "11.5", cbridge.FeatureBackupStop},
	BackupNote:       {"backup note", "11.6", cbridge.FeatureBackupNote},
	StatisticsLevels: {"statistics levels", "8.6", cbridge.FeatureStatisticsLevels},
	HyperClock:       {"hyper clock", "8.1", cbridge.FeatureHyperClock},
	TunedRateLimit:   {"tuned rate limit", "8.9", cbridge.FeatureTunedRateLimit},
}

// String is the feature's name.
func (f Feature) String() string { return features[f].name }

// Since is the version of RocksDB that brought the feature.
func (f Feature) Since() string { return features[f].since }

// Features lists all features.
func Features() []Feature {
	return []Feature{
		FlushFamilies, WaitForCompact, SnapshotSequence, SharedMemtables, SetDBOptions, AsyncIO, IngestBottommost,
		BackupStop, BackupNote, StatisticsLevels, HyperClock, TunedRateLimit,
	}
}

// Supports reports whether the linked RocksDB has a feature. A call that needs one it lacks answers
// ErrUnsupported and names the version that has it.
func Supports(f Feature) bool {
	x, known := features[f]
	return known && cbridge.Supports(x.c)
}

func unsupported(op string, f Feature) *Error {
	return dberr.New(op, dberr.Unsupported, "it needs RocksDB "+f.Since()+"; linked is "+Version())
}

// Version is the version of the linked RocksDB, such as "7.8.3". RocksDB's C API does not tell it, so
// the first call opens a database in a temporary directory and reads the OPTIONS file that RocksDB
// writes there. "unknown" if no such directory can be made.
func Version() string {
	linked.once.Do(func() { linked.version = versionOnDisk() })
	return linked.version
}

var linked struct {
	once    sync.Once
	version string
}

// versionOnDisk reads the version from the options file of a new database; "unknown" if there can be none.
func versionOnDisk() string {
	const unknown = "unknown"
	dir, err := os.MkdirTemp("", "rockbridge-version-")
	if err != nil {
		return unknown
	}
	defer os.RemoveAll(dir)
	d, err := Open(dir, nil)
	if err != nil {
		return unknown
	}
	defer d.Close()
	o, err := readOptionsFile(dir)
	if err != nil || o == nil || o.version == "" {
		return unknown
	}
	return o.version
}

// linkedSince tells whether the linked RocksDB is of a version such as "9.3", or later; false if that is not known.
func linkedSince(version string) bool {
	var major, minor, a, b int
	_, err := fmt.Sscanf(version+" "+Version(), "%d.%d %d.%d", &major, &minor, &a, &b)
	return err == nil && (a > major || a == major && b >= minor)
}
